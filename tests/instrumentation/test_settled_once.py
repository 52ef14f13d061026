"""Responses that are retrieved: over HTTP, each is paid for once, whoever asks for it again.

gpt-4o-mini: 1,000 tokens in and 200 out are 0.00027 USD (openai.com/api/pricing, 2026-11).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from costspan import CostTracker, attribution, record_call
from costspan.testing import LLMServer
from tests.instrumentation import rig
from tests.instrumentation.metered import COST, TOKENS, Metered
from tests.instrumentation.rig import Spans, attributes_of, watched

ASK: Any = {"model": "gpt-4o-mini", "input": "Hello"}
USD = Decimal("0.00027")
COUNTED = {"x-costspan-scenario": "tokens=1000/200"}
CUT = {"x-costspan-scenario": "tokens=1000/200;cut=5"}


@pytest.fixture
def costs() -> CostTracker:
    return CostTracker()


@pytest.fixture
def spans(costs: CostTracker) -> Iterator[Spans]:
    with watched(costs=costs) as seen:
        yield seen


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


@pytest.fixture
def client(server: LLMServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as one:
        yield one


def broken_off(client: openai.OpenAI) -> str:
    """The id of a response whose stream broke before it said its usage."""
    stream = client.responses.create(**ASK, stream=True, extra_headers=CUT)
    opening: Any = next(stream)
    with pytest.raises(openai.APIConnectionError):
        list(stream)
    return opening.response.id


def sums(costs: CostTracker) -> tuple[int, int, Decimal, int]:
    """Calls, tokens, dollars, unpriced calls."""
    found = costs.summary()
    return found.calls, found.total_tokens, found.cost_usd, found.unpriced_calls


def test_a_broken_stream_is_paid_for_by_its_retrieval(
    costs: CostTracker, spans: Spans, client: openai.OpenAI
):
    made = broken_off(client)
    assert sums(costs) == (1, 0, Decimal(0), 1)
    for _ in range(3):
        client.responses.retrieve(made)
    assert sums(costs) == (4, 1200, USD, 0)
    first, paying, *free = spans.all()
    found = attributes_of(paying)
    assert first.context is not None
    assert found["costspan.corrects"] == f"{first.context.span_id:016x}"
    assert found["costspan.settles_response"] is True
    assert (found["costspan.cost.status"], found["costspan.cost.total"]) == ("priced", 0.00027)
    assert not [name for name in found if name.startswith("gen_ai.usage")]
    for span in free:
        found = attributes_of(span)
        assert (found["costspan.cost.status"], found["costspan.cost.total"]) == ("not_billed", 0)
        assert not {"costspan.corrects", "costspan.settles_response"} & found.keys()


async def test_async(costs: CostTracker, spans: Spans, server: LLMServer):
    async with openai.AsyncOpenAI(
        base_url=server.openai_url, api_key="any", max_retries=0
    ) as client:
        stream = await client.responses.create(**ASK, stream=True, extra_headers=COUNTED)
        opening: Any = await anext(stream)
        await stream.close()
        assert sums(costs) == (1, 0, Decimal(0), 1)
        made = opening.response.id
        await asyncio.gather(*(client.responses.retrieve(made) for _ in range(4)))
    assert sums(costs) == (5, 1200, USD, 0)


def test_an_estimate_is_replaced(server: LLMServer, client: openai.OpenAI, tmp_path: Path):
    """ "Hello" is guessed at 2 tokens and "The " at 1: 0.3 + 0.6 millionths, of 270 in the end."""
    costs = CostTracker(estimate=True)
    with watched(costs=costs, local=str(tmp_path)):
        made = broken_off(client)
        assert sums(costs) == (1, 0, Decimal("0.0000009"), 0)
        client.responses.retrieve(made)
        client.responses.retrieve(made)
    assert sums(costs) == (3, 1200, USD, 0)
    (file,) = tmp_path.iterdir()
    lines = [json.loads(line, parse_float=Decimal) for line in file.read_text().splitlines()]
    assert [line["cost_usd"] for line in lines] == [Decimal("9E-7"), Decimal("0.0002691"), 0]
    assert [line["status"] for line in lines] == ["estimated", "priced", "not_billed"]
    assert [line["corrects"] for line in lines] == [None, lines[0]["span_id"], None]


def test_a_stream_that_is_taken_up_again(costs: CostTracker, spans: Spans, client: openai.OpenAI):
    """The retrieval is a stream itself: its last event brings the usage."""
    made = broken_off(client)
    again = client.responses.retrieve(made, stream=True, starting_after=5)
    assert list(again)[-1].type == "response.completed"
    client.responses.retrieve(made)
    assert sums(costs) == (3, 1200, USD, 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_what_was_read_whole_is_retrieved_free(
    costs: CostTracker, spans: Spans, client: openai.OpenAI, streamed: bool
):
    answer: Any = client.responses.create(**ASK, stream=streamed, extra_headers=COUNTED)
    made = list(answer)[-1].response.id if streamed else answer.id
    client.responses.retrieve(made)
    list(client.responses.retrieve(made, stream=True))
    assert sums(costs) == (3, 1200, USD, 0)


def test_one_that_was_queued(costs: CostTracker, spans: Spans, client: openai.OpenAI):
    queued = client.responses.create(**ASK, background=True, extra_headers=COUNTED)
    assert sums(costs) == (1, 0, Decimal(0), 1)
    background = {"x-costspan-scenario": "background"}
    for _ in range(2):
        client.responses.retrieve(queued.id, extra_headers=background)
    assert sums(costs) == (3, 1200, USD, 0)
    first, paying, _ = spans.all()
    assert first.context is not None
    assert attributes_of(paying)["costspan.corrects"] == f"{first.context.span_id:016x}"


def test_threads(costs: CostTracker, spans: Spans, client: openai.OpenAI):
    made = broken_off(client)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.responses.retrieve(made), range(16)))
    assert sums(costs) == (17, 1200, USD, 0)
    settling = [span for span in spans.all() if "costspan.corrects" in attributes_of(span)]
    assert len(settling) == 1


def test_the_block_that_both_are_in(costs: CostTracker, spans: Spans, client: openai.OpenAI):
    with attribution(agent="ann") as spent:
        made = broken_off(client)
        assert spent.unpriced_calls == 1
        client.responses.retrieve(made)
    assert (spent.calls, spent.cost_usd, spent.unpriced_calls) == (2, USD, 0)


def answer_of(status: str, usage: Any, **more: Any) -> dict[str, Any]:
    """A response of the server that gives every one the same id."""
    return {
        "id": "resp_7",
        "object": "response",
        "created_at": 1,
        "model": "gpt-4o-mini",
        "status": status,
        "output": [],
        "usage": usage,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


COUNTS: Any = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 1200,
}


def test_a_server_that_gives_every_answer_the_same_id(costs: CostTracker, spans: Spans):
    body = answer_of("completed", COUNTS)
    with rig.openai_client(lambda request: httpx2.Response(200, json=body)) as client:
        for _ in range(3):
            client.responses.create(**ASK)
        client.responses.retrieve("resp_7")
    assert sums(costs) == (4, 3600, 3 * USD, 0)


def test_by_hand(costs: CostTracker, spans: Spans):
    """record_call: a retrieval is one where its operation says so; everything else is billed."""
    with record_call(model="gpt-4o-mini") as call:
        call.set_response(answer_of("in_progress", None))
    for _ in range(2):
        with record_call(model="gpt-4o-mini", operation="fetch_response") as call:
            call.set_response(answer_of("completed", COUNTS))
    assert sums(costs) == (3, 1200, USD, 0)
    with record_call(model="gpt-4o-mini") as call:
        call.set_response(answer_of("completed", COUNTS))
    assert sums(costs) == (4, 2400, 2 * USD, 0)


def test_metrics_count_what_is_new_and_never_go_back(costs: CostTracker, metered: Metered):
    """Of 270 millionths that were settled 30 are taken back, which a counter cannot."""
    less = {**COUNTS, "input_tokens": 800, "total_tokens": 1000}
    answers = iter([None, COUNTS, COUNTS, less])

    def answer(request: httpx2.Request) -> httpx2.Response:
        usage = next(answers)
        status = "in_progress" if usage is None else "completed"
        return httpx2.Response(200, json=answer_of(status, usage))

    meters = metered.provider
    with watched(costs=costs, meter_provider=meters), rig.openai_client(answer) as one:
        one.responses.create(**ASK)
        for _ in range(3):
            one.responses.retrieve("resp_7")
    assert costs.summary().cost_usd == Decimal("0.00024")
    assert metered.sum(COST) == 0.00027
    assert metered.sum(f"{TOKENS}input_tokens") == 1000
    assert metered.sum(f"{TOKENS}output_tokens") == 200


def test_without_a_tracker_a_retrieval_counts_nothing(metered: Metered):
    body = answer_of("completed", COUNTS, background=True)
    with watched(costs=None, meter_provider=metered.provider) as spans:
        with rig.openai_client(lambda request: httpx2.Response(200, json=body)) as one:
            one.responses.retrieve("resp_7")
        found = attributes_of(spans.one())
    assert not [name for name in found if "usage" in name or "cost" in name.split(".")]
    assert set(metered.points()) == {"gen_ai.client.operation.duration"}
