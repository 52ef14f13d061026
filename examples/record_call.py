"""Record a model that no patch sees, here one in this very process: needs no key.

Anything may be recorded: an HTTP API of your own, a model on a GPU that you pay by the hour, an
SDK that is not covered. It works with and without `instrument()`.
"""

from collections.abc import Iterator

from costspan import CostTracker, Instrumentor, Prices, Rate, record_call

PROMPT = "Name three uses of a span."


def generate(prompt: str) -> dict:
    """A model that answers in OpenAI's shape, as llama-cpp-python and others do."""
    usage = {"prompt_tokens": 12, "completion_tokens": 80, "total_tokens": 92}
    return {"object": "chat.completion", "model": "tiny-llama", "choices": [], "usage": usage}


def stream(prompt: str) -> Iterator[str]:
    """A model that gives words and leaves the counting to its caller."""
    yield from ("Pricing", "calls,", "finding", "slow", "ones,", "alerting.")


prices = Prices(
    overrides={
        "my-box/*": Rate(input=0.10, output=0.40),  # US dollars per million tokens
        "gpu-box/*": Rate(gpu_usd_per_hour=1.20),  # or by the second of its running
    }
)
costs = CostTracker(prices=prices)
Instrumentor().instrument(costs=costs, local="logs")

with record_call(model="tiny-llama", provider="my-box") as call:
    call.set_response(generate(PROMPT))

with record_call(model="tiny-llama", provider="gpu-box") as call:
    words = list(stream(PROMPT))
    call.set_usage(input_tokens=12, output_tokens=len(words))

for record in costs.records:
    print(f"{record.provider}: {record.total_tokens} tokens, ${record.cost_usd:.9f}")
