"""Rates of one's own: which one wins, what they cost, and what is refused."""

from decimal import Decimal

import pytest
from msgspec import structs

from costspan import ConfigurationError, CostTracker, Prices, Rate
from costspan.call import Cost, Usage
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}


def cost(overrides: dict[str, Rate], model: str | None = "llama3.2", **facts) -> Cost:
    facts = {"provider": "ollama", **facts}
    counts = {} if "input_tokens" in facts else COUNTS
    return Prices(overrides=overrides).cost(finished(model, **counts, **facts))


@pytest.mark.parametrize(
    "key", ["llama3.2", "ollama/llama3.2", "gpu-box:8000/llama3.2", "gpu-box:8000/*", "ollama/*"]
)
def test_each_kind_of_key(key: str):
    found = cost({key: Rate(input=1, output=2)}, server_address="gpu-box", server_port=8000)
    assert (found.status, found.match, found.model) == ("priced", "override", "llama3.2")
    assert found.total_usd == 3


@pytest.mark.parametrize(
    "key", ["llama3", "llama3.20", "openai/llama3.2", "openai/*", "gpu-box:8001/*", "other:8000/*"]
)
def test_a_key_of_something_else(key: str):
    found = cost({key: Rate(input=1, output=2)}, server_address="gpu-box", server_port=8000)
    assert found.status == "unpriced"


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_exact_key_wins_in_any_order(order: int):
    rates = {
        "*": Rate(input=1, output=0),
        "ollama/*": Rate(input=2, output=0),
        "ollama/llama*": Rate(input=3, output=0),
        "ollama/llama3.2": Rate(input=4, output=0),
    }
    overrides = dict(list(rates.items())[::order])
    assert cost(overrides).total_usd == 4
    assert cost(overrides, "llama3.1").total_usd == 3
    assert cost(overrides, "mistral").total_usd == 2
    assert cost(overrides, "mistral", provider="vllm").total_usd == 1


def test_a_whole_name_wins_over_a_longer_beginning():
    overrides = {"ollama/llama3.*": Rate(input=1, output=0), "llama3.2": Rate(input=2, output=0)}
    assert cost(overrides).total_usd == 2


MANY = {
    "gpu-box:8000/llama3.2": 1,
    "gpu-box/llama3.2": 2,
    "ollama/llama3.2": 3,
    "llama3.2": 4,
    "gpu-box:8000/llama*": 5,
    "gpu-box/llama*": 6,
    "ollama/llama*": 7,
    "llama*": 8,
    "gpu-box:8000/*": 9,
    "gpu-box/*": 10,
    "ollama/*": 11,
    "*": 12,
}


@pytest.mark.parametrize("kept", range(len(MANY)))
def test_the_order_of_exactness(kept: int):
    """The more of the model a key says the better; of two that say as much, the place decides."""
    rest = list(MANY.items())[kept:]
    overrides = {key: Rate(input=usd, output=0) for key, usd in reversed(rest)}
    found = cost(overrides, server_address="gpu-box", server_port=8000)
    assert found.total_usd == kept + 1


@pytest.mark.parametrize("key", ["o*", "openai*", "gpu*", "gpu-box:80*", "gpu-box*"])
def test_a_place_is_always_written_out(key: str):
    """Else a rate for o1 and o3 would be one for everything of openai."""
    facts = {"provider": "openai", "server_address": "gpu-box", "server_port": 8000}
    assert cost({key: Rate(input=1, output=1)}, "llama3.2", **facts).status == "unpriced"


@pytest.mark.parametrize(
    ("model", "provider", "key"),
    [
        ("meta-llama/llama-3:free", "openrouter", "openrouter/meta-llama/llama-3:free"),
        ("meta-llama/llama-3:free", "openrouter", "meta-llama/llama-3:free"),
        ("meta-llama/llama-3:free", "openrouter", "openrouter/meta-llama/*"),
        ("llama3.2:3b", "ollama", "ollama/llama3.2:3b"),
        ("llama3.2:3b", "ollama", "ollama/llama3.2:*"),
        ("ft:gpt-4o:org::id", "openai", "ft:gpt-4o:org::id"),
        ("ft:gpt-4o:org::id", "openai", "openai/ft:gpt-4o:*"),
        ("Llama3.2", "ollama", "OLLAMA/llama3.2"),
        ("llama3.2", "Ollama", "ollama/LLAMA*"),
        ("gpt-4o", "azure.ai.openai", "azure/gpt-4o"),
        ("gemini-2.5-pro", "gcp.vertex_ai", "google/*"),
    ],
)
def test_what_is_written_in_a_model_or_a_provider(model: str, provider: str, key: str):
    found = cost({key: Rate(input=1, output=2)}, model, provider=provider)
    assert (found.match, found.total_usd) == ("override", 3)


@pytest.mark.parametrize(
    ("key", "address", "port"),
    [
        ("GPU-box:8000/*", "gpu-BOX", 8000),
        ("llm.example.com/*", "llm.example.com", 443),
        ("llm.example.com:443/*", "llm.example.com", 443),
        ("llm.example.com:443/*", "llm.example.com", None),
        ("llm.example.com:80/*", "llm.example.com", None),
        ("[::1]:8000/*", "::1", 8000),
        ("[::1]/*", "::1", 8000),
        ("[::1]/*", "[::1]", None),
    ],
)
def test_what_is_written_of_a_host(key: str, address: str, port: int | None):
    rates = {key: Rate(input=1, output=2)}
    assert cost(rates, server_address=address, server_port=port).total_usd == 3


@pytest.mark.parametrize(
    ("key", "address", "port"),
    [
        ("llm.example.com:443/*", "llm.example.com", 80),
        ("llm.example.com:8000/*", "llm.example.com", None),
        ("example.com/*", "llm.example.com", 443),
    ],
)
def test_a_host_of_something_else(key: str, address: str, port: int | None):
    rates = {key: Rate(input=1, output=2)}
    assert cost(rates, server_address=address, server_port=port).status == "unpriced"


class TestAskedAndAnswered:
    """`gpt-4o` answers as `gpt-4o-2024-08-06`, a deployment as the model behind it."""

    def price(self, **overrides: int) -> Cost:
        rates = {key: Rate(input=usd, output=0) for key, usd in overrides.items()}
        call = finished("prod-chat", "azure.ai.openai", **COUNTS)
        answered = structs.replace(call.response, model="gpt-4o-2024-08-06")
        return Prices(overrides=rates).cost(structs.replace(call, response=answered))

    @pytest.mark.parametrize("key", ["prod-chat", "prod-*", "gpt-4o-2024-08-06", "gpt-4o-*"])
    def test_a_key_names_either(self, key: str):
        found = self.price(**{key: 7})
        assert (found.total_usd, found.model) == (7, "gpt-4o-2024-08-06")

    def test_the_more_exact_of_the_two_wins(self):
        assert self.price(**{"prod-chat": 1, "gpt-4o-*": 2}).total_usd == 1
        assert self.price(**{"prod-*": 1, "gpt-4o-*": 2}).total_usd == 2

    def test_the_one_that_answered_wins_over_the_one_that_was_asked(self):
        assert self.price(**{"prod-chat": 1, "gpt-4o-2024-08-06": 2}).total_usd == 2

    def test_what_the_answer_did_besides_has_the_rate_of_the_name_that_was_asked_too(self):
        """An iteration without a model of its own is of the answer's; a million more at 7."""
        call = finished("prod-chat", **COUNTS, also_billed=((None, Usage(**COUNTS)),))
        answered = structs.replace(call.response, model="gpt-4o-2024-08-06")
        prices = Prices(overrides={"prod-chat": Rate(input=7, output=0)})
        assert prices.cost(structs.replace(call, response=answered)).total_usd == 14


def test_a_call_without_a_model_has_the_rate_of_its_place():
    assert cost({"ollama/*": Rate.free()}, None).total_usd == 0
    assert cost({"ollama/llama3.2": Rate.free()}, None).status == "unpriced"


def test_a_very_long_name_costs_no_more_than_the_longest_key():
    overrides = {f"ollama/{'a' * 20}*": Rate(input=1, output=0)}
    assert cost(overrides, "a" * 1_000_000).total_usd == 1


def test_an_override_wins_over_the_table():
    found = cost({"gpt-4o-mini": Rate(input=7, output=7)}, "gpt-4o-mini", provider="openai")
    assert found.total_usd == 14


def test_a_free_model_is_priced_at_nothing():
    found = cost({"ollama/*": Rate.free()})
    assert (found.status, found.missing, found.total_usd) == ("priced", (), 0)


@pytest.mark.parametrize("facts", [{"input_tokens": None}, {"input_tokens": 9, "web_searches": 1}])
def test_a_free_model_costs_nothing_whatever_was_counted(facts: dict):
    found = cost({"ollama/*": Rate.free()}, **facts)
    assert (found.status, found.missing, found.total_usd) == ("priced", (), 0)


@pytest.mark.parametrize(
    "rate",
    [
        Rate(input="0", output="0.0"),
        Rate(input=Decimal(0), output=0.0, cache_read=0, cache_write="0"),
        Rate(gpu_usd_per_hour=0),
    ],
)
def test_nothing_is_nothing_however_it_is_written(rate: Rate):
    found = cost({"ollama/*": rate}, input_tokens=9, web_searches=1)
    assert (found.status, found.total_usd) == ("priced", 0)


def test_free_input_alone_says_nothing_of_output():
    found = cost({"llama3.2": Rate(input=0)})
    assert (found.status, found.missing, found.total_usd) == ("unpriced", ("output_tokens",), None)


def test_a_free_call_is_a_zero_on_its_line_and_no_gap():
    costs = CostTracker(prices=Prices(overrides={"ollama/*": Rate.free()}))
    costs.settle(finished("llama3.2", "ollama", **COUNTS))
    (line,) = costs.records
    assert (line.status, line.cost_usd, line.missing) == ("priced", 0, ())
    assert costs.summary().unpriced_calls == 0


def test_another_model_of_the_answer_may_be_free_too():
    """An advisor with a rate of its own adds nothing, and leaves nothing out."""
    rates = {"main": Rate(input=1, output=1), "advisor": Rate.free()}
    others = (("advisor", Usage(input_tokens=5, output_tokens=5)),)
    found = cost(rates, "main", **COUNTS, also_billed=others)
    assert (found.status, found.total_usd) == ("priced", 2)


@pytest.mark.parametrize("tenth", [0.1, "0.1", Decimal("0.1"), "0.10"])
def test_a_rate_is_taken_as_it_is_written(tenth: object):
    """A million tokens at a tenth of a dollar; the binary fraction 0.1 is a little more."""
    found = cost({"llama3.2": Rate(input=tenth, output=0)}, input_tokens=1_000_000, output_tokens=0)
    assert found.total_usd == Decimal("0.1")


def test_cached_input_costs_what_input_does_unless_it_is_said():
    counts = {
        "input_tokens": 100,
        "cache_read_tokens": 40,
        "cache_write_tokens": 10,
        "output_tokens": 0,
    }
    plain = cost({"llama3.2": Rate(input=1, output=0)}, **counts)
    own = cost({"llama3.2": Rate(input=1, output=0, cache_read="0.1", cache_write=2)}, **counts)
    assert plain.total_usd == Decimal("0.0001")
    assert own.total_usd == Decimal("0.000074")  # 50 x 1 + 40 x 0.10 + 10 x 2


def test_a_gpu_is_paid_by_the_time_of_the_call():
    """2.5 seconds of 1.20 USD an hour, with or without a usage."""
    found = Prices(overrides={"*": Rate(gpu_usd_per_hour=1.20)}).cost(
        finished("llama3.2", "vllm", runtime_seconds=2.5)
    )
    assert (found.status, found.match) == ("priced", "override")
    assert found.total_usd == Decimal("0.000833333333")


def test_a_price_by_tokens_and_by_time_is_refused():
    with pytest.raises(ConfigurationError, match=r"either by tokens or by time: leave out gpu_usd"):
        Rate(input=0.10, gpu_usd_per_hour=1.20)


@pytest.mark.parametrize("rate", [Rate.free(), Rate(gpu_usd_per_hour=3.60)])
def test_a_rate_of_a_whole_call_may_be_assumed_as_well(rate: Rate):
    """One second of 3.60 USD an hour."""
    found = Prices(unknown=rate).cost(finished("never-heard-of", **COUNTS))
    assert (found.status, found.match) == ("priced", "assumed")
    assert found.total_usd == (Decimal("0.001") if rate.gpu_usd_per_hour else 0)


def test_a_rate_assumed_for_what_nobody_knows():
    prices = Prices(unknown=Rate(input=1, output=1))
    assumed = prices.cost(finished("never-heard-of", **COUNTS))
    known = prices.cost(finished("gpt-4o-mini", **COUNTS))
    assert (assumed.total_usd, assumed.match) == (2, "assumed")
    assert (known.total_usd, known.match) == (Decimal("0.75"), "exact")


@pytest.mark.parametrize("value", [-1, "-0.1", "cheap", float("nan"), float("inf"), True, [1]])
@pytest.mark.parametrize("name", ["input", "output", "cache_read", "cache_write"])
def test_what_is_no_price_is_refused(name: str, value: object):
    with pytest.raises(ConfigurationError, match=rf"Rate\({name}=.*US dollars as a number"):
        Rate(**{name: value})


def test_a_rate_without_a_price_is_refused():
    with pytest.raises(ConfigurationError, match=r"Rate\.free\(\)"):
        Rate()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"overrides": {"": Rate.free()}}, "a key is a model"),
        ({"overrides": {"a*b": Rate.free()}}, r"'\*' at its end at most"),
        ({"overrides": {"**": Rate.free()}}, r"'\*' at its end at most"),
        ({"overrides": {7: Rate.free()}}, "a key is a model"),
        ({"overrides": {" m": Rate.free()}}, "for the space around it: write 'm'"),
        ({"overrides": {"http://gpu:8000/*": Rate.free()}}, r"scheme: write 'gpu:8000/\*'"),
        ({"overrides": {"ollama/": Rate.free()}}, r"names no model: write 'ollama/\*'"),
        ({"overrides": {"::1/*": Rate.free()}}, r"in brackets: write '\[::1\]/\*'"),
        ({"overrides": {"m": Rate.free(), "M": Rate.free()}}, "'m' and 'M' are the same key"),
        ({"overrides": [("m", Rate.free())]}, "give a dict"),
        ({"overrides": {"m": 0.5}}, r"give a Rate\(input=..., output=...\)"),
        ({"unknown": "ignore"}, r"'warn', 'block' or a Rate"),
        ({"unknown": None}, r"'warn', 'block' or a Rate"),
    ],
)
def test_a_wrong_setting_names_its_remedy(settings: dict, remedy: str):
    with pytest.raises(ConfigurationError, match=remedy):
        Prices(**settings)
