"""A model that nobody knows the price of: said once, or blocked before a byte is sent."""

import logging
import threading

import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import BudgetExceeded, CostTracker, Instrumentor, Prices, Rate
from costspan.testing import LLMServer
from tests.cost.calls import finished

ASK = {"messages": [{"role": "user", "content": "Hello"}]}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "costspan"]


def test_it_is_unpriced_and_never_nothing():
    found = Prices().cost(finished("never-heard-of", input_tokens=1000, output_tokens=10))
    assert (found.status, found.missing) == ("unpriced", ("price",))
    assert (found.total_usd, found.input_usd, found.output_usd) == (None, None, None)


def test_it_is_said_once_with_the_remedy_and_the_nearest_id(caplog: pytest.LogCaptureFixture):
    prices = Prices()
    for _ in range(3):
        prices.cost(finished("gtp-4o-mini", input_tokens=1000, output_tokens=10))
    (line,) = said(caplog)
    assert "'gtp-4o-mini' of openai" in line
    assert "unpriced, not as free" in line
    assert 'Prices(overrides={"gtp-4o-mini": Rate(input=..., output=...)})' in line
    assert "or with Rate.free() where it costs nothing." in line
    assert "openai/*" not in line  # that would make every call of OpenAI free
    assert "Did you mean 'gpt-4o-mini'?" in line
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("claude-haiku-3", "claude-3-haiku"),
        ("claude-haiku-3-5", "claude-3-5-haiku-latest"),
    ],
)
def test_a_name_in_another_order_is_no_newer_model(
    caplog: pytest.LogCaptureFixture, model: str, meant: str
):
    """They are no ids of Anthropic's; claude-haiku-5-5 has fewer other letters, and is dearer."""
    found = Prices().cost(finished(model, "anthropic", input_tokens=1, output_tokens=1))
    assert found.status == "unpriced"
    assert said(caplog)[0].endswith(f"Did you mean {meant!r}?")


def test_each_model_of_each_provider_is_said(caplog: pytest.LogCaptureFixture):
    prices = Prices()
    for model, provider in (("a", "ollama"), ("b", "ollama"), ("a", "vllm"), ("a", "ollama")):
        prices.cost(finished(model, provider, input_tokens=1, output_tokens=1))
    assert len(said(caplog)) == 3


def test_many_models_do_not_fill_the_memory(caplog: pytest.LogCaptureFixture):
    """A model id that a user may type is no end of lines, and no end of memory."""
    prices = Prices()
    for number in range(5000):
        prices.cost(finished(f"zz{number}", "nobody", input_tokens=1, output_tokens=1))
    assert len(said(caplog)) < 5000


def test_a_call_without_a_model_is_unpriced(caplog: pytest.LogCaptureFixture):
    found = Prices().cost(finished(None, input_tokens=1, output_tokens=1))
    assert (found.status, found.total_usd) == ("unpriced", None)
    assert said(caplog)[0].endswith("names a model: name it, as by model=...")


@pytest.fixture
def blocking(provider: TracerProvider) -> CostTracker:
    costs = CostTracker(prices=Prices(overrides={"mine": Rate.free()}, unknown="block"))
    Instrumentor().instrument(tracer_provider=provider, costs=costs)
    yield costs
    Instrumentor().uninstrument()


def test_block_sends_no_byte(server: LLMServer, spans: InMemorySpanExporter, blocking: CostTracker):
    before = server.requests_seen
    client = openai.OpenAI(base_url=server.openai_url, api_key="any")
    with client, pytest.raises(BudgetExceeded, match=r"Prices\(overrides=") as caught:
        client.chat.completions.create(model="never-heard-of", **ASK)
    assert caught.value.reason == "unpriced"
    assert server.requests_seen == before
    (span,) = spans.get_finished_spans()
    assert span.attributes["error.type"] == "costspan.errors.BudgetExceeded"
    assert span.attributes["costspan.cost.status"] == "not_billed"


async def test_block_sends_no_byte_of_an_async_stream(
    server: LLMServer, spans: InMemorySpanExporter, blocking: CostTracker
):
    before = server.requests_seen
    async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="any") as client:
        with pytest.raises(BudgetExceeded):
            await client.chat.completions.create(model="never-heard-of", stream=True, **ASK)
    assert server.requests_seen == before
    assert len(spans.get_finished_spans()) == 1


def test_block_offers_the_nearest_id():
    prices = Prices(unknown="block")
    with pytest.raises(BudgetExceeded, match="Did you mean 'gpt-4o-mini'"):
        prices.admit(finished("gtp-4o-mini").request)


def test_block_lets_pass_what_has_a_price_or_is_free(
    server: LLMServer, spans: InMemorySpanExporter, blocking: CostTracker
):
    with openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
        client.chat.completions.create(model="gpt-4o-mini", **ASK)
        client.chat.completions.create(model="mine", **ASK)
        client.moderations.create(input="Hello", model="never-heard-of")
    assert [line.status for line in blocking.records] == ["priced", "priced", "not_billed"]
    free = spans.get_finished_spans()[1].attributes
    assert (free["gen_ai.request.model"], free["costspan.cost.total"]) == ("mine", 0.0)


def test_threads_that_meet_an_unknown_model_at_once_say_it_once(
    caplog: pytest.LogCaptureFixture,
):
    prices, start = Prices(), threading.Barrier(8)

    def meet() -> None:
        start.wait()
        for _ in range(50):
            prices.cost(finished("never-heard-of", input_tokens=1, output_tokens=1))

    threads = [threading.Thread(target=meet) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said(caplog)) == 1
