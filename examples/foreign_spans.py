"""Price the spans that others make: needs ANTHROPIC_API_KEY.

The Anthropic SDK makes spans of its own. Left out of `providers=`, it keeps them, and the
`CostSpanProcessor` that `instrument()` adds puts the dollars on them. An agent's span above them
sums up what its calls used: it is not paid for a second time.
"""

from anthropic import Anthropic
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from costspan import CostTracker, Instrumentor, attribution

TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")


class Show(SpanProcessor):
    """Stands for your exporter."""

    def on_end(self, span: ReadableSpan) -> None:
        said = span.attributes
        tokens = sum(said.get(name, 0) for name in TOKENS)
        print(f"{span.name}: {tokens} tokens, {said.get('costspan.cost.total', 'no')} dollars")


provider = TracerProvider()
provider.add_span_processor(Show())
trace.set_tracer_provider(provider)

costs = CostTracker()
Instrumentor().instrument(providers=("openai",), costs=costs)

tracer = trace.get_tracer("my.agents")
told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "poet"}
with attribution(agent="poet"), tracer.start_as_current_span("poet", attributes=told) as agent:
    used = (0, 0)
    with Anthropic() as client:
        for subject in ("a trace", "a span"):
            message = client.messages.create(
                model="claude-opus-4-5",
                max_tokens=200,
                messages=[{"role": "user", "content": f"Write a line about {subject}."}],
            )
            used = (used[0] + message.usage.input_tokens, used[1] + message.usage.output_tokens)
    agent.set_attributes(dict(zip(TOKENS, used, strict=True)))

print(f"{costs.summary().calls} calls, ${costs.summary(by='agent')['poet'].cost_usd:.6f}")
