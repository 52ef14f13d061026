"""Rates of one's own: which one wins, what they cost, and what is refused."""

from decimal import Decimal

import pytest

from costspan import ConfigurationError, Prices, Rate
from costspan.call import Cost
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}


def cost(overrides: dict[str, Rate], model: str = "llama3.2", **facts) -> Cost:
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
        ({"overrides": {"m": 0.5}}, r"give a Rate\(input=..., output=...\)"),
        ({"unknown": "ignore"}, r"'warn', 'block' or a Rate"),
        ({"unknown": None}, r"'warn', 'block' or a Rate"),
    ],
)
def test_a_wrong_setting_names_its_remedy(settings: dict, remedy: str):
    with pytest.raises(ConfigurationError, match=remedy):
        Prices(**settings)
