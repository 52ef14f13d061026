"""A trace out of files: which of them are read, what the tree is, and what it sums up to."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from costspan import Instrumentor, JsonlSpanExporter, Prices, Rate, attribution
from costspan.cost.tracker import CostTracker
from costspan.errors import ConfigurationError
from costspan.export.reader import Reading
from costspan.report.traces import drawn
from costspan.report.traces.finding import find
from costspan.report.traces.tree import steps, tree_of
from costspan.testing import LLMServer
from tests.report.folders import line, write

TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER = "0af7651916cd43dd8448eb211c80319d"


def call(span_id: str, **fields: Any) -> str:
    return line(trace_id=TRACE, span_id=span_id, **fields)


def otlp(*spans: dict[str, Any]) -> str:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def span(span_id: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    """A span of a second, which cost as much as `usd` says."""
    usd = fields.pop("usd", None)
    said = [] if usd is None else [
        {"key": "costspan.cost.status", "value": {"stringValue": "priced"}},
        {"key": "costspan.cost.total", "value": {"doubleValue": usd}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "100"}},
    ]  # fmt: skip
    return {
        "traceId": TRACE,
        "spanId": span_id,
        "parentSpanId": parent or "",
        "name": f"span {span_id}",
        "startTimeUnixNano": "1000000000",
        "endTimeUnixNano": "2000000000",
        "attributes": said,
        **fields,
    }


def shape(folder: Path) -> list[tuple[int, str, Decimal | None]]:
    tree = tree_of(find(TRACE, [folder]))
    return [(len(s.more) - 1, s.node.name, s.node.sums.cost_usd) for s in steps(tree)]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """The trace ran over a midnight; before and after it are other days."""
    for day in range(10, 20):
        found = [line(trace_id=OTHER, span_id="9")]
        if day in (14, 15):
            found.append(call(f"a{day}", timestamp=f"2026-11-{day}T12:00:00.000000Z"))
        write(tmp_path, *found, name=f"llm_trace_2026-11-{day}.jsonl")
    return tmp_path


def test_reading_stops_a_day_before_the_trace(days: Path):
    found = find(TRACE, [days])
    assert [part.id for part in found.parts] == ["a14", "a15"]
    assert (found.files, found.files_there) == (7, 10)  # 19 to 13


def test_days_that_were_named_are_the_only_ones_that_are_looked_into(days: Path):
    from datetime import date

    found = find(TRACE, [days], since=date(2026, 11, 18))  # two days around it, for the zones
    assert (found.trace_id, found.files, found.files_there) == (None, 4, 4)


def test_a_beginning_is_enough_where_it_is_one(days: Path):
    write(days, line(trace_id="b" * 32, span_id="1"), name="llm_trace_2026-11-20.jsonl")
    assert find("bbbb", [days]).trace_id == "b" * 32
    assert find("BBBB", [days]).trace_id == "b" * 32
    with pytest.raises(
        ConfigurationError, match=f"(?s)2 traces begin with 0af7.*{TRACE}\n  {OTHER}"
    ):
        find("0af7", [days])


def test_the_whole_id_is_never_the_beginning_of_another(days: Path):
    assert find(OTHER, [days]).trace_id == OTHER


@pytest.mark.parametrize("wrong", ["", "abc", "0af7-51", "g" * 32, "0" * 33])
def test_what_is_no_id_is_refused(days: Path, wrong: str):
    with pytest.raises(ConfigurationError, match="is no trace id"):
        find(wrong, [days])


def test_broken_lines_and_files_are_passed_over(days: Path):
    write(days, f'{{"trace_id":"{TRACE}"', name="llm_trace_2026-11-16.jsonl")
    (days / "llm_trace_2026-11-17.jsonl.gz").write_bytes(b"\x1f\x8bnot gzip")
    (days / "llm_trace_2026-11-17.jsonl").unlink()
    write(days, "null", otlp({"traceId": TRACE}), otlp({"traceId": TRACE, "spanId": 3}, 5),  # type: ignore[arg-type]
          name="otlp_trace_2026-11-18.jsonl")  # fmt: skip
    found = find(TRACE, [days])
    assert [part.id for part in found.parts] == ["a14", "a15"]
    assert len(found.unreadable) == 1


def test_times_that_no_calendar_has_end_nothing(tmp_path: Path):
    late = str(10**23)
    far = span("2", startTimeUnixNano=late, endTimeUnixNano=late)
    write(tmp_path, otlp(span("1"), far), name="otlp_trace_2026-11-21.jsonl")
    write(tmp_path, call("3", latency_ms=1e15))

    tree = tree_of(find(TRACE, [tmp_path]))

    assert {step.node.name for step in steps(tree)} >= {"span 1", "chat gpt-4o-mini"}
    assert "span 2" not in {step.node.name for step in steps(tree)}
    assert next(drawn.heading(tree)).startswith(f"trace {TRACE}  0001-01-01")
    assert json.loads(drawn.as_json(tree, 2))["since"].startswith("0001-01-01")


def test_calls_are_put_together_by_agent_in_the_order_of_their_beginning(tmp_path: Path):
    at = "2026-11-21T10:00:{}.000000Z".format
    write(
        tmp_path,
        call("3", agent="b", timestamp=at("09"), latency_ms=1000, cost_usd="0.03"),
        call("1", agent="a", timestamp=at("08"), latency_ms=8000, cost_usd="0.01"),
        call("2", timestamp=at("02"), latency_ms=1000, cost_usd="0.02"),
        call("4", agent="a", timestamp=at("30"), cost_usd=None, status="unpriced"),
    )
    model = "chat gpt-4o-mini"
    assert shape(tmp_path) == [
        (0, "agent a", Decimal("0.01")),
        (1, model, Decimal("0.01")),
        (1, model, None),
        (0, model, Decimal("0.02")),
        (0, "agent b", Decimal("0.03")),
        (1, model, Decimal("0.03")),
    ]


def test_spans_know_their_parents_and_a_call_counts_once(tmp_path: Path):
    """The call's line has every digit of its dollars, its span the nearest double."""
    spans = otlp(span("a0"), span("a1", "a0"), span("a2", "a1", usd=0.1), span("a3", "ff", usd=0.2))
    write(tmp_path, spans, name="otlp_trace_2026-11-21.jsonl")
    write(
        tmp_path,
        call("a2", cost_usd="0.100000000001"),
        call("a4", cost_usd="0.4", agent="sampled out"),
    )
    assert shape(tmp_path) == [
        (0, "span a0", Decimal("0.100000000001")),
        (1, "span a1", Decimal("0.100000000001")),
        (2, "span a2", Decimal("0.100000000001")),
        (0, "span a3", Decimal("0.2")),
        (0, "chat gpt-4o-mini", Decimal("0.4")),
    ]
    tree = tree_of(find(TRACE, [tmp_path]))
    assert (tree.sums.calls, tree.sums.cost_usd) == (3, Decimal("0.700000000001"))
    notes = drawn.columns(tree)[-1].cells
    assert notes == ["", "", "", "parent elsewhere", ""]


def test_spans_that_are_their_own_parents_have_an_end(tmp_path: Path):
    write(
        tmp_path,
        otlp(span("a1", "a2", usd=1), span("a2", "a1", usd=2), span("a3", "a3", usd=4)),
        name="otlp_trace_2026-11-21.jsonl",
    )
    tree = tree_of(find(TRACE, [tmp_path]))
    assert sorted(s.node.name for s in steps(tree)) == ["span a1", "span a2", "span a3"]
    assert tree.sums.cost_usd == 7


def test_a_tree_may_be_as_deep_as_it_likes(tmp_path: Path):
    depth = 3000
    chain = [span(f"{n:016x}", f"{n - 1:016x}" if n else None) for n in range(depth)]
    chain.append(span("f" * 16, f"{depth - 1:016x}", usd=0.5))
    write(tmp_path, otlp(*chain), name="otlp_trace_2026-11-21.jsonl")
    tree = tree_of(find(TRACE, [tmp_path]))
    assert [s.node.sums.cost_usd for s in steps(tree)] == [Decimal("0.5")] * (depth + 1)
    assert len(json.loads(drawn.as_json(tree, 1))["spans"]) == depth + 1


def test_a_call_that_was_settled_by_another_span_is_none(tmp_path: Path):
    elsewhere = [
        {"key": "costspan.cost.status", "value": {"stringValue": "not_billed"}},
        {"key": "costspan.cost.total", "value": {"doubleValue": 0}},
        {"key": "costspan.cost.missing",
         "value": {"arrayValue": {"values": [{"stringValue": "settled_elsewhere"}]}}},
    ]  # fmt: skip
    spans = otlp(span("a1", usd=0.5), span("a2", "a1", attributes=elsewhere))
    write(tmp_path, spans, name="otlp_trace_2026-11-21.jsonl")
    assert tree_of(find(TRACE, [tmp_path])).sums.calls == 1


def test_names_cannot_speak_to_the_terminal(tmp_path: Path):
    write(tmp_path, call("1", agent="a\x1b[2J\nb", session_id="s\r"))
    tree = tree_of(find(TRACE, [tmp_path]))
    printed = [*drawn.heading(tree), *drawn.columns(tree)[0].cells]
    assert not any(re.search(r"[\x00-\x1f]", text) for text in printed)


def test_a_bar_is_where_the_call_was(tmp_path: Path):
    at = "2026-11-21T10:00:{}.000000Z".format
    write(
        tmp_path,
        call("1", timestamp=at("10"), latency_ms=10_000),
        call("2", timestamp=at("20"), latency_ms=10_000),
        call("3", timestamp=at("30"), latency_ms=0),
    )
    bars = drawn.columns(tree_of(find(TRACE, [tmp_path])), timeline=True)[3].cells
    ten = drawn.TIMELINE // 3
    assert bars == ["█" * ten, " " * ten + "█" * ten, " " * (3 * ten - 1) + "█"]


def test_what_ran_is_what_is_shown(tmp_path: Path, server: LLMServer, provider: TracerProvider):
    """Real calls through the real SDK, written by both writers."""
    provider.add_span_processor(SimpleSpanProcessor(JsonlSpanExporter(tmp_path)))
    costs = CostTracker(prices=Prices(overrides={"m": Rate(input=1, output=2)}))
    Instrumentor().instrument(local=tmp_path, tracer_provider=provider, costs=costs)
    tracer = provider.get_tracer("app")
    with OpenAI(base_url=server.openai_url, api_key="k") as client:
        for agent in ("planner", "searcher"):
            with tracer.start_as_current_span(f"invoke_agent {agent}"), attribution(agent=agent):
                for _ in range(2):
                    client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": "Hello"}]
                    )
    Instrumentor().uninstrument()
    lines = list(Reading(tmp_path))
    searcher = [one for one in lines if one.agent == "searcher"]
    assert len(lines) == 4

    tree = tree_of(find(searcher[0].trace_id or "", [tmp_path]))

    depths = [(len(s.more) - 1, s.node.name) for s in steps(tree)]
    assert depths == [(0, "invoke_agent searcher"), (1, "chat m"), (1, "chat m")]
    assert tree.sums.cost_usd == sum(one.cost_usd for one in searcher) > 0
    assert tree.who == {"agent": "searcher"}
