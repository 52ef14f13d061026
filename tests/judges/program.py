"""A program of a user's: eight calls through the real SDKs in one trace, sent by OTLP.

Where spans go is in OTEL_EXPORTER_OTLP_*, as any user would set it. Prints, as JSON, the trace and
what the calls cost.
"""

import json
from contextlib import suppress

import openai
from anthropic import Anthropic
from openai import OpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from costspan import CostTracker, Instrumentor, Prices, Rate, attribution
from costspan.testing import LLMServer

TOOL = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
}
QUESTION = [
    {"role": "system", "content": "Answer in one word."},
    {"role": "user", "content": "Which city?"},
]


def ordered(scenario: str) -> dict[str, str]:
    """The header that orders an answer of the local server."""
    return {"x-costspan-scenario": scenario}


def make_calls(server: LLMServer) -> None:
    """Chat, a stream, a tool call, Responses, a cache, a rate of one's own, a vector, a failure."""
    client = OpenAI(base_url=server.openai_url, api_key="any", max_retries=0)
    claude = Anthropic(base_url=server.anthropic_url, api_key="any")
    chat = client.chat.completions
    plain = ordered("tokens=1200/80;cached=1024")
    chat.create(model="gpt-5.2", messages=QUESTION, extra_headers=plain)
    stream = chat.create(
        model="gpt-5.2",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=ordered("tokens=300/40"),
    )
    list(stream)
    tool = ordered("tokens=90/12;tool")
    chat.create(model="gpt-5.2", messages=QUESTION, tools=[TOOL], extra_headers=tool)
    client.responses.create(
        model="gpt-5.2", input="Which city?", extra_headers=ordered("tokens=50/20;reasoning=8")
    )
    claude.messages.create(
        model="claude-opus-5",
        max_tokens=100,
        messages=QUESTION[1:],
        extra_headers=ordered("tokens=2000/100;cached=1500"),
    )
    chat.create(model="house-model", messages=QUESTION, extra_headers=ordered("tokens=1000/10"))
    client.embeddings.create(
        model="text-embedding-3-small", input="city", extra_headers=ordered("tokens=7/0")
    )
    with suppress(openai.RateLimitError):
        chat.create(model="gpt-5.2", messages=QUESTION, extra_headers=ordered("status=429"))


def main() -> None:
    """Run it and say what was made."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    costs = CostTracker(prices=Prices(overrides={"house-model": Rate(input=0.5, output=3)}))
    Instrumentor().instrument(capture_content="on", costs=costs)
    tracer = trace.get_tracer("the app")
    with (
        LLMServer() as server,
        tracer.start_as_current_span("ticket") as span,
        attribution(agent="code_reviewer", session="ticket-17", user="u1", tags={"team": "search"}),
    ):
        make_calls(server)
        trace_id = f"{span.get_span_context().trace_id:032x}"
    provider.shutdown()
    calls = [
        {
            "operation": line.operation,
            "model": line.model,
            "input_tokens": line.input_tokens,
            "output_tokens": line.output_tokens,
            "cost_usd": None if line.cost_usd is None else float(line.cost_usd),
            "span_id": line.span_id,
        }
        for line in costs.records
    ]
    print(json.dumps({"trace_id": trace_id, "calls": calls}))


if __name__ == "__main__":
    main()
