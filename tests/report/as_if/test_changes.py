"""What `--as-if` says, and of which calls."""

import pytest

from costspan.call import Call, Request, Response, Usage
from costspan.cost.pricing.named import Named, named
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import Rate
from costspan.errors import ConfigurationError
from costspan.report.as_if.changes import Changes, changes

PRICES = Prices(
    overrides={
        "my-model": Rate(input=1, output=2),
        "ollama/*": Rate.free(),
        "gpu-model": Rate(gpu_usd_per_hour=1),
    }
)


def said(*words: str) -> Changes:
    return changes(words, lambda name: named(PRICES, name))


def call(
    model: str = "gpt-4o",
    provider: str = "openai",
    answered: str | None = None,
    tier: str | None = None,
    **counts: int,
) -> Call:
    return Call(
        request=Request(operation="chat", provider=provider, model=model, server_address="h"),
        response=Response(
            model=answered or model, service_tier=tier, usage=Usage(input_tokens=9, **counts)
        ),
        started_at=0,
        ended_at=10**18,
        runtime_seconds=1.0,
    )


class TestWords:
    def test_all_of_them(self):
        found = said("gpt-5-mini", "GPT-4o=claude-haiku-4-5", "o3*=my-model", "batch", "no-cache")
        assert found == Changes(
            everything=Named("openai", "gpt-5-mini"),
            some=(
                ("gpt-4o", Named("anthropic", "claude-haiku-4-5")),
                ("o3*", Named("", "my-model")),
            ),
            batch=True,
            no_cache=True,
        )
        assert str(found) == (
            "gpt-4o were claude-haiku-4-5 of anthropic, o3* were my-model, others were gpt-5-mini "
            "of openai, in a batch, without a cache"
        )

    def test_the_same_twice_is_no_fault(self):
        assert said("batch", "gpt-5-mini", "batch", "gpt-5-mini") == said("gpt-5-mini", "batch")

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            (("",), "write MODEL, MODEL=OTHER"),
            (("=gpt-4o",), "write MODEL, MODEL=OTHER"),
            (("gpt-4o=",), "write MODEL, MODEL=OTHER"),
            (("gpt-*",), "write MODEL, MODEL=OTHER"),
            (("*-mini=gpt-4o",), "write MODEL, MODEL=OTHER"),
            (("gpt-4o=gpt-*",), "write MODEL, MODEL=OTHER"),
            (("gpt-4o", "gpt-5-mini"), "all calls cannot be gpt-4o and gpt-5-mini at once"),
            (("a=gpt-4o", "A=gpt-5-mini"), "A is as gpt-4o already"),
            (("nobody-knows",), "no price is known for 'nobody-knows'"),
            (("a=openai/nobody-knows",), "no price is known for 'openai/nobody-knows'"),
            (("gpu-model",), "'gpu-model' is priced by the second"),
        ],
    )
    def test_wrong_words(self, words: tuple[str, ...], text: str):
        with pytest.raises(ConfigurationError, match=text):
            said(*words)


class TestNamed:
    @pytest.mark.parametrize(
        ("written", "provider", "model"),
        [
            ("gpt-5-mini", "openai", "gpt-5-mini"),
            ("claude-haiku-4-5", "anthropic", "claude-haiku-4-5"),
            ("gemini-2.5-pro", "gcp.gemini", "gemini-2.5-pro"),
            ("azure.ai.openai/gpt-4o", "azure.ai.openai", "gpt-4o"),
            ("azure/gpt-4o", "azure.ai.openai", "gpt-4o"),
            ("google/gemini-2.5-pro", "gcp.gemini", "gemini-2.5-pro"),
            ("ollama/llama3.2", "ollama", "llama3.2"),
            ("my-model", "", "my-model"),
            ("openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
        ],
    )
    def test_who_bills_it(self, written: str, provider: str, model: str):
        assert named(PRICES, written) == Named(provider, model)

    def test_an_assumed_price_stands_behind_one_that_is_known(self):
        prices = Prices(unknown=Rate(input=1, output=1))
        assert named(prices, "x/gpt-4o") == Named("x", "gpt-4o")
        assert named(prices, "gpt-4o") == Named("openai", "gpt-4o")


class TestCalls:
    def test_a_model_for_all(self):
        other = said("claude-haiku-4-5").of(call())
        assert (other.request.provider, other.request.model) == ("anthropic", "claude-haiku-4-5")
        assert other.model == "claude-haiku-4-5"
        assert other.request.server_address is None
        assert other.usage == call().usage
        assert other.ended_at == call().ended_at

    @pytest.mark.parametrize(
        ("name", "fits"),
        [
            ("gpt-4o", True),
            ("GPT-4O", True),
            ("gpt-4o-2024-08-06", True),
            ("openai/gpt-4o", True),
            ("openai/*", True),
            ("gpt-4*", True),
            ("*", True),
            ("azure.ai.openai/gpt-4o", False),
            ("gpt-4", False),
            ("4o", False),
        ],
    )
    def test_a_model_is_the_one_asked_or_the_one_that_answered(self, name: str, fits: bool):
        mine = call(answered="gpt-4o-2024-08-06")
        what = said(f"{name}=my-model")
        assert (what.of(mine).model == "my-model") == fits
        assert what.named(mine) == (name.lower() if fits else None)

    def test_the_name_that_says_the_most_wins(self):
        what = said("gpt*=o3", "gpt-4o*=o4-mini", "gpt-4o=my-model", "gpt-5-mini")
        assert what.of(call()).model == "my-model"
        assert what.of(call("gpt-4o-mini")).model == "o4-mini"
        assert what.of(call("gpt-5.2")).model == "o3"
        assert what.of(call("claude-haiku-4-5", "anthropic")).model == "gpt-5-mini"

    def test_no_chain(self):
        what = said("gpt-4o=o3", "o3=gpt-4o")
        assert what.of(call()).model == "o3"
        assert what.of(call("o3")).model == "gpt-4o"

    @pytest.mark.parametrize(
        ("word", "same"),
        [
            ("gpt-4o", call()),
            ("o3=gpt-4o", call("gpt-5.2")),
            ("batch", call(tier="batch")),
            ("no-cache", call()),
            ("no-cache", call(cache_read_tokens=0, cache_write_tokens=0)),
        ],
    )
    def test_what_is_so_already_stays_itself(self, word: str, same: Call):
        assert said(word).of(same) is same

    def test_another_provider_is_another_tariff(self):
        mine = call(provider="azure.ai.openai")
        assert said("gpt-4o").of(mine).request.provider == "openai"

    def test_a_batch(self):
        assert said("batch").of(call(tier="priority")).response.service_tier == "batch"

    def test_no_cache(self):
        mine = call(cache_read_tokens=2, cache_write_tokens=3, cache_write_1h_tokens=1)
        usage = said("no-cache").of(mine).usage
        assert usage.input_tokens == 9
        assert usage.cache_read_tokens == usage.cache_write_tokens == 0
        assert usage.cache_write_1h_tokens == 0

    def test_all_at_once(self):
        other = said("o3", "batch", "no-cache").of(call(cache_read_tokens=2))
        assert (other.model, other.response.service_tier) == ("o3", "batch")
        assert other.usage.cache_read_tokens == 0
