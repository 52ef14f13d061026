"""Spans of real calls, on their way out by OTLP."""

import httpx2
import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from costspan import attribution
from tests.conventions.checker import check
from tests.instrumentation import rig


def spans_of_real_calls(exporter: SpanExporter) -> dict[str, ReadableSpan]:
    """Five calls through the real SDKs, exported in a batch; the ended spans by their id."""
    kept = rig.Spans()
    provider = rig.provider_into(kept)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with rig.watched(tracer_provider=provider, capture_content="on"):
        with attribution(agent="reviewer", session="s1", user="ü", tags={"n": 1, "big": True}):
            _call_each()
        assert provider.force_flush()
    provider.shutdown()
    assert [fault for span in kept.all() for fault in check(span)] == []
    return {f"{span.context.span_id:016x}": span for span in kept.wait(5)}


def _call_each() -> None:
    refusal = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    with rig.openai_client(rig.answer_chat) as chat:
        chat.chat.completions.create(**rig.ASK, temperature=0.5, seed=7, stop=["a", "b"])
        list(chat.chat.completions.create(**rig.ASK, stream=True))
        chat.chat.completions.create(**rig.ASK, stream=True).close()
    with rig.anthropic_client(rig.answer_message) as claude:
        claude.messages.create(**rig.ASK_CLAUDE)
    with (
        rig.openai_client(lambda request: httpx2.Response(429, json=refusal)) as refused,
        pytest.raises(openai.RateLimitError),
    ):
        refused.chat.completions.create(**rig.ASK)
