"""What only some calls add to: retries, costs that are not whole, what a cache saved."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from costspan import CostTracker, Prices, Rate, attribution, record_call
from costspan.call import Call, Cost, Request, Response, Usage
from costspan.instrumentation.seldom import saved_by_cache
from tests.instrumentation.metered import Metered
from tests.instrumentation.rig import ASK, CHAT, openai_client, watched

RETRIES = "costspan.retries"
INCOMPLETE = "costspan.cost.incomplete"
SAVED = "costspan.cache.savings"


def own(metered: Metered, **rates: Any) -> dict[str, Any]:
    """Settings with a price of the test's own for the model `m`."""
    costs = CostTracker(prices=Prices(overrides={"m": Rate(**rates)} if rates else None))
    return {"costs": costs, "meter_provider": metered.provider}


def test_a_plain_call_adds_to_none(metered: Metered) -> None:
    with watched(**own(metered, input=1, output=2)), record_call(model="m") as call:
        call.set_usage(input_tokens=100, output_tokens=10)

    assert {RETRIES, INCOMPLETE, SAVED}.isdisjoint(metered.points())


def test_requests_that_were_sent_again(metered: Metered) -> None:
    """Two refusals and an answer are one call and two retries."""
    answers = iter([500, 500, 200])

    def answer(request: httpx2.Request) -> httpx2.Response:
        status = next(answers)
        headers = {"retry-after-ms": "1"}
        return httpx2.Response(status, json=CHAT if status == 200 else {}, headers=headers)

    with (
        watched(meter_provider=metered.provider),
        openai_client(answer, max_retries=2) as client,
        attribution(agent="reviewer"),
    ):
        client.chat.completions.create(**ASK)

    assert metered.sum(RETRIES, **{"gen_ai.agent.name": "reviewer"}) == 2


@pytest.mark.parametrize(
    ("rates", "usage", "status"),
    [
        ({}, {"input_tokens": 9, "output_tokens": 8}, "unpriced"),
        ({"input": 1}, {"input_tokens": 9, "output_tokens": 8}, "partial"),
    ],
)
def test_costs_that_are_not_whole(
    metered: Metered, rates: dict[str, float], usage: dict[str, int], status: str
) -> None:
    settings = own(metered, **rates)
    with watched(**settings), record_call(model="m") as call:
        call.set_usage(**usage)
    (point,) = metered.points()[INCOMPLETE]

    assert (point.value, point.attributes["costspan.cost.status"]) == (1, status)
    assert point.attributes["gen_ai.request.model"] == "m"


def test_a_refused_request_costs_nothing_and_so_lacks_nothing(metered: Metered) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(400, json={"error": {"message": "no", "code": "bad"}})

    with (
        watched(meter_provider=metered.provider),
        openai_client(answer) as client,
        pytest.raises(openai.BadRequestError),
    ):
        client.chat.completions.create(**ASK)

    assert INCOMPLETE not in metered.points()


def test_what_a_cache_saved_in_dollars(metered: Metered) -> None:
    """At 2 USD a million and 0.20 for reads, 900,000 tokens read save 1.62 USD."""
    settings = own(metered, input=2, output=4, cache_read="0.20")
    with watched(**settings), record_call(model="m") as call:
        call.set_usage(input_tokens=1_000_000, output_tokens=1, cache_read_tokens=900_000)

    assert metered.sum(SAVED) == 1.62


def test_a_cache_that_is_only_written_to_costs(metered: Metered) -> None:
    """At 2 USD a million and 2.50 for writes, 400,000 tokens written cost 0.20 USD more."""
    settings = own(metered, input=2, output=4, cache_write="2.50")
    with watched(**settings), record_call(model="m") as call:
        call.set_usage(input_tokens=1_000_000, output_tokens=1, cache_write_tokens=400_000)

    assert metered.sum(SAVED) == -0.20


def saved(cost: dict[str, Any] | None = None, corrects: int = 0, **usage: Any) -> int | None:
    """What the cache saved of a call with 10 plain tokens at 7 picodollars, and 90 read at 1."""
    counts = {"input_tokens": 100, "cache_read_tokens": 90, **usage}
    call = Call(
        request=Request(operation="chat", provider="openai"),
        response=Response(usage=Usage(**counts)),
        started_at=1,
        ended_at=2,
        runtime_seconds=1.0,
        corrects=corrects,
    )
    return saved_by_cache(
        call, Cost(**{"status": "priced", "input": 70, "cache_read": 90} | (cost or {}))
    )


def test_what_is_saved_is_exact() -> None:
    assert saved() == 90 * 7 - 90


@pytest.mark.parametrize(
    "case",
    [
        {"cost": {"status": "partial"}},
        {"cost": {"input": None}},
        {"cost": {"input": 0}},
        {"corrects": 1},
        {"cache_read_tokens": 0},
        {"cache_read_tokens": 100},
        {"input_audio_tokens": 5},
    ],
)
def test_nothing_is_said_where_the_plain_rate_is_not_known(case: dict[str, Any]) -> None:
    assert saved(**case) is None
