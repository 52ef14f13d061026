"""A replayed call is the live span, as far as its line carries it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from costspan import CostTracker, Prices, Rate, attribution, record_call
from costspan.export.folders import lines_of
from costspan.report.databases.rows import Reader, Row
from costspan.report.replaying.calls import span_of
from costspan.semconv import PARAMETERS, USAGE
from costspan.testing import LLMServer
from tests.conventions.checker import check
from tests.instrumentation.rig import watched

SCENARIO = "x-costspan-scenario"
COUNTED = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("cache_write_1h_tokens", "reasoning_tokens", "web_searches"),
)
NOT_IN_THE_LINE = {
    *(name for key, name in PARAMETERS.items() if key != "response_id"),
    *(name for field, name in USAGE.items() if field not in COUNTED),
    "costspan.cost.model",
    "costspan.cost.match",
    "gen_ai.response.status",
    "openai.response.system_fingerprint",
}
CHAT: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
ASK: Any = {"model": "gpt-4o-mini", "input": "Hello"}


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


def of_openai(server: LLMServer) -> None:
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=1) as client:
        make = client.chat.completions.create
        full = {SCENARIO: "tokens=5000/300;cached=1000;reasoning=64;tier=flex"}
        make(**CHAT, temperature=0.5, seed=7, stop=["a"], service_tier="flex", extra_headers=full)
        list(make(**CHAT, stream=True, extra_headers=full))
        stream = make(**CHAT, stream=True)
        next(stream)
        stream.close()
        make(**CHAT, extra_headers={SCENARIO: "retries=1"})
        make(**{**CHAT, "model": "nobody-knows-1"})
        with pytest.raises(openai.RateLimitError):
            make(**CHAT, extra_headers={SCENARIO: "status=429"})
        with pytest.raises(openai.APIConnectionError):
            list(make(**CHAT, stream=True, extra_headers={SCENARIO: "cut=3"}))
        client.embeddings.create(model="text-embedding-3-small", input="Hello")
        client.moderations.create(input="Hello")
        _retrieved(client)


def _retrieved(client: openai.OpenAI) -> None:
    """Free, and for the difference to one that was broken off."""
    made = client.responses.create(**ASK, extra_headers={SCENARIO: "tokens=1000/200"})
    client.responses.retrieve(made.id)
    stream = client.responses.create(**ASK, stream=True, extra_headers={SCENARIO: "cut=5"})
    opening: Any = next(stream)
    with pytest.raises(openai.APIConnectionError):
        list(stream)
    client.responses.retrieve(opening.response.id)


def of_anthropic(server: LLMServer) -> None:
    ask: Any = {**CHAT, "model": "claude-opus-4-5", "max_tokens": 50}
    written = {SCENARIO: "tokens=5000/300;cached=1000;write5m=500;write1h=700;tier=batch"}
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="any", max_retries=0) as client:
        client.messages.create(**ask, extra_headers=written)
        list(client.messages.create(**ask, stream=True, extra_headers=written))
        client.messages.count_tokens(model=ask["model"], messages=ask["messages"])


def of_none(server: LLMServer) -> None:
    with record_call(model="llama3.2", provider="ollama") as call:
        call.set_usage(input_tokens=7, output_tokens=0, service_tier="batch")
    with record_call(model="by-time", provider="ollama"):
        pass
    with pytest.raises(ZeroDivisionError), record_call(model="m", provider="groq"):
        1 / 0  # noqa: B018 - it is to fail


@pytest.mark.parametrize(("calls", "count"), [(of_openai, 13), (of_anthropic, 3), (of_none, 3)])
def test_side_by_side(server: LLMServer, tmp_path: Path, calls: Any, count: int):
    prices = Prices(overrides={"by-time": Rate(gpu_usd_per_hour=1.2)})
    costs = CostTracker(prices=prices, estimate=True)
    tags = {"team": "search", "n": 1, "big": True, "part": 0.5}
    with watched(costs=costs, local=str(tmp_path)) as spans:
        with attribution(agent="reviewer", session="s1", user="ü", endpoint="/r", tags=tags):
            calls(server)
        live = {span.context.span_id: span for span in spans.wait(count) if span.context}
    replayed = {span.context.span_id: span for span in spans_in(tmp_path) if span.context}
    assert len(live) == count
    assert replayed.keys() == live.keys()
    for span_id, span in live.items():
        assert_alike(replayed[span_id], span)


def spans_in(folder: Path) -> list[ReadableSpan]:
    resource, scope = Resource({}), InstrumentationScope("costspan", "1")
    reader, found = Reader(), []
    for path in folder.glob("llm_trace_*.jsonl"):
        reader.begin(path)
        for number, text in lines_of(path):
            row = reader.row(text)
            assert isinstance(row, Row)
            found.append(span_of(row, f"{path.name}:{number}", resource, scope))
    reader.close()
    return found


def assert_alike(replayed: ReadableSpan, live: ReadableSpan) -> None:
    assert (replayed.name, replayed.kind) == (live.name, live.kind)
    assert replayed.context is not None
    assert live.context is not None
    assert replayed.context.trace_id == live.context.trace_id
    assert replayed.status.status_code == live.status.status_code
    assert replayed.status.description == live.status.description
    assert 0 <= (live.end_time or 0) - (replayed.end_time or 0) < 1000
    assert abs((live.start_time or 0) - (replayed.start_time or 0)) <= 1500
    there, here = dict(replayed.attributes or {}), dict(live.attributes or {})
    lacking = here.keys() - there.keys()
    assert lacking <= NOT_IN_THE_LINE
    assert there.keys() <= here.keys()
    for name, value in there.items():
        same = pytest.approx(value, abs=1e-6) if name.startswith(TIMES) else value
        assert (type(here[name]), here[name]) == (type(value), same), name
    assert [fault for fault in check(replayed) if not fault.endswith("lacks a parent")] == []


TIMES = ("gen_ai.response.time_to_first_chunk", "costspan.time_to_first_token")
