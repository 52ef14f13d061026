"""`instrument(local=...)`: the folder that is given, and the lines in it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import Instrumentor
from costspan.testing import LLMServer

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def only_line(folder: Path) -> dict:
    (path,) = folder.glob("llm_trace_*.jsonl")
    (line,) = path.read_text().splitlines()
    return json.loads(line, parse_float=Decimal)


class TestInstrumented:
    """`instrument(local=...)`, through the real SDK."""

    @pytest.fixture
    def folder(
        self, tmp_path: Path, provider: TracerProvider, spans: InMemorySpanExporter
    ) -> Iterator[Path]:
        Instrumentor().instrument(tracer_provider=provider, local=tmp_path)
        yield tmp_path
        Instrumentor().uninstrument()

    def ask(self, server: LLMServer, **more) -> None:
        with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
            client.chat.completions.create(**ASK, **more)

    def test_the_line_is_there_when_the_call_returns(
        self, folder: Path, server: LLMServer, spans: InMemorySpanExporter
    ):
        self.ask(server, extra_headers={"x-costspan-scenario": "tokens=1000/200"})
        line, (span,) = only_line(folder), spans.get_finished_spans()
        assert line["cost_usd"] == Decimal("0.00027")
        assert line["trace_id"] == f"{span.context.trace_id:032x}"
        assert line["span_id"] == f"{span.context.span_id:016x}"
        assert line["response_preview"] is None

    def test_a_failed_call_has_its_line(self, folder: Path, server: LLMServer):
        with pytest.raises(openai.RateLimitError):
            self.ask(server, extra_headers={"x-costspan-scenario": "status=429"})
        line = only_line(folder)
        assert (line["error"], line["http_status"]) == ("openai.RateLimitError", 429)
        assert (line["status"], line["cost_usd"], line["outcome"]) == ("not_billed", 0, "failed")

    def test_what_is_switched_off_writes_no_more(self, folder: Path, server: LLMServer):
        self.ask(server)
        Instrumentor().uninstrument()
        self.ask(server)
        assert only_line(folder)["outcome"] == "complete"


def test_a_preview_needs_content_switched_on(
    tmp_path: Path, provider: TracerProvider, spans: InMemorySpanExporter, server: LLMServer
):
    Instrumentor().instrument(tracer_provider=provider, local=tmp_path, capture_content="on")
    with openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
        answer = client.chat.completions.create(**ASK)
    Instrumentor().uninstrument()
    assert only_line(tmp_path)["response_preview"] == answer.choices[0].message.content[:200]
