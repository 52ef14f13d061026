"""A replayed folder arrives at receivers of other projects as the live spans did."""

import asyncio
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from costspan import JsonlSpanExporter, attribution, record_call
from costspan.cli import main
from tests.export_otlp.agent import running_agent
from tests.export_otlp.arrived import spans_of_real_calls
from tests.export_otlp.test_http import attributes_of, received
from tests.instrumentation.rig import watched
from tests.third_party.processes import free_port

pytestmark = pytest.mark.servers


def test_files_of_spans_arrive_whole(tmp_path: Path) -> None:
    """Name, ids, times, kind, status, and each attribute with its value and type, at rotel."""
    made = spans_of_real_calls(JsonlSpanExporter(tmp_path / "logs"))
    with running_agent(tmp_path) as agent:
        code = main(["replay", str(tmp_path / "logs"), "--to", agent.endpoints["http"]])
    assert code == 0
    agent.assert_has(made)


def recorded(folder: Path) -> list[ReadableSpan]:
    """Three calls, in a calls file; their spans."""
    with watched(local=str(folder)) as spans:
        with attribution(agent="reviewer", session="s1", tags={"n": 1, "big": True}):
            for tokens in (1000, 2000, 3000):
                with record_call(model="gpt-4o-mini", provider="openai") as call:
                    call.set_usage(input_tokens=tokens, output_tokens=10, service_tier="flex")
        return spans.wait(3)


async def test_calls_arrive_as_their_spans_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At oteltap, which takes no gzip. A call lacks nothing but the row of the price table."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    live = {f"{s.context.span_id:016x}": s for s in recorded(tmp_path / "logs") if s.context}
    port = free_port()
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(port)) as tap:
        arriving = asyncio.create_task(received(tap, 3))
        url = f"http://127.0.0.1:{port}"
        arguments = ["replay", str(tmp_path / "logs"), "--to", url]
        assert await asyncio.to_thread(main, arguments) == 0
        arrived = {span.span_id.hex(): span for span in await arriving}

    assert arrived.keys() == live.keys()
    for span_id, span in live.items():
        there = arrived[span_id]
        known = dict(span.attributes or {})
        lacking = {"costspan.cost.model", "costspan.cost.match"}
        assert attributes_of(there) == {k: v for k, v in known.items() if k not in lacking}
        assert there.trace_id.hex() == f"{span.context.trace_id:032x}"
        assert (there.name, there.kind) == ("chat gpt-4o-mini", 3)
        assert there.end_time_unix_nano == (span.end_time or 0) // 1000 * 1000
