"""A response settles once per id: what a retrieval adds, in the ledger and in its line.

gpt-4o-mini: 0.15 and 0.60 USD for a million tokens in and out (openai.com/api/pricing, 2026-11).
"""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan import Budget, CostTracker, Prices, Rate
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Response, Usage
from costspan.cost import responses
from costspan.export.calls import CallsFile
from costspan.export.local_files import LocalFiles
from costspan.totals import Totals
from tests.cost.calls import finished

WHOLE = Usage(input_tokens=1000, output_tokens=200, total_tokens=1200)
"""0.00015 + 0.00012 = 0.00027 USD."""
MORE = Usage(input_tokens=1000, output_tokens=300, total_tokens=1300)
"""0.00015 + 0.00018 = 0.00033 USD."""
LESS = Usage(input_tokens=800, output_tokens=200, total_tokens=1000)
"""0.00012 + 0.00012 = 0.00024 USD."""


def made(usage: Usage | None = None, **facts: Any) -> Call:
    """A call that made the response."""
    return _call("chat", usage, **{"span_id": 0xA, "status": "in_progress", **facts})


def retrieved(usage: Usage | None = WHOLE, **facts: Any) -> Call:
    """A call that asked for it by its id."""
    return _call("fetch_response", usage, **{"span_id": 0xB, "status": "completed", **facts})


def _call(operation: str, usage: Usage | None, **facts: Any) -> Call:
    answer = {
        "id": facts.pop("id", "resp_1"),
        "status": facts.pop("status"),
        "background": facts.pop("background", False),
    }
    host = facts.pop("host", "api.openai.com")
    call = finished(operation=operation, server_address=host, **facts)
    told = Response(model="gpt-4o-mini", usage=usage, **answer)
    return type(call)(**{**{n: getattr(call, n) for n in call.__struct_fields__}, "response": told})


def sums(costs: CostTracker) -> tuple[int, int, Decimal, int]:
    """Calls, tokens, dollars, unpriced calls."""
    found = costs.summary()
    return found.calls, found.total_tokens, found.cost_usd, found.unpriced_calls


def test_a_retrieval_of_what_was_settled_is_free():
    costs = CostTracker()
    costs.settle(made(WHOLE, status="completed"))
    for _ in range(2):
        call, cost, _ = costs.account(retrieved())
        assert (cost.status, call.usage, call.settles_response) == ("not_billed", None, False)
    assert sums(costs) == (3, 1200, Decimal("0.00027"), 0)


def test_what_was_broken_off_is_settled_by_the_first_retrieval():
    costs = CostTracker()
    assert costs.settle(made()).status == "unpriced"
    assert sums(costs) == (1, 0, Decimal(0), 1)
    call, cost, _ = costs.account(retrieved())
    assert (cost.status, cost.total_usd) == ("priced", Decimal("0.00027"))
    assert (call.settles_response, call.corrects) == (True, 0xA)
    assert sums(costs) == (2, 1200, Decimal("0.00027"), 0)
    assert costs.settle(retrieved()).status == "not_billed"
    assert sums(costs) == (3, 1200, Decimal("0.00027"), 0)


@pytest.mark.parametrize(
    ("second", "tokens", "difference", "total"),
    [(MORE, 100, "0.00006", "0.00033"), (LESS, -200, "-0.00003", "0.00024")],
    ids=["more", "less"],
)
def test_another_usage_replaces_the_first(second: Usage, tokens: int, difference: str, total: str):
    costs = CostTracker()
    costs.settle(made(WHOLE, status="completed"))
    cost = costs.settle(retrieved(second))
    assert cost.total_usd == Decimal(difference)
    line = costs.records[-1]
    assert (line.total_tokens, line.cost_usd) == (tokens, Decimal(difference))
    assert (line.corrects, line.operation) == ("000000000000000a", "fetch_response")
    assert line.cost_usd == line.input_usd + line.output_usd
    assert sums(costs) == (2, second.total, Decimal(total), 0)
    costs.settle(retrieved(WHOLE))
    assert sums(costs) == (3, 1200, Decimal("0.00027"), 0)
    assert costs.records[-1].corrects == "000000000000000a"


def test_an_estimate_that_was_too_high_is_taken_back():
    """4,000 x 0.15 + 500 x 0.60 = 900 millionths guessed, 270 billed."""
    costs = CostTracker(estimate=True)
    guess = Usage(input_tokens=4000, output_tokens=500)
    assert costs.settle(made(estimated=guess)).total_usd == Decimal("0.0009")
    cost = costs.settle(retrieved())
    assert (cost.total_usd, cost.input_usd) == (Decimal("-0.00063"), Decimal("-0.00045"))
    assert sums(costs) == (2, 1200, Decimal("0.00027"), 0)


def test_in_the_background_the_retrieval_pays():
    """Here the response was queued by this process, there by another one."""
    here, there = CostTracker(), CostTracker()
    here.settle(made(status="queued", background=True))
    for costs in (here, there):
        assert costs.settle(retrieved(None, status="queued")).status == "not_billed"
        call, cost, _ = costs.account(retrieved(background=True))
        assert (cost.total_usd, call.settles_response) == (Decimal("0.00027"), True)
        assert costs.settle(retrieved(background=True)).total_usd == 0
    assert sums(here) == (4, 1200, Decimal("0.00027"), 0)
    assert sums(there) == (3, 1200, Decimal("0.00027"), 0)
    assert [line.corrects for line in here.records] == [None, None, "000000000000000a", None]
    assert {line.corrects for line in there.records} == {None}


def test_what_somebody_else_made_is_somebody_elses_to_pay():
    costs = CostTracker()
    costs.settle(made())
    for other in ({"id": "resp_2"}, {"host": "eu.api.openai.com"}):
        assert costs.settle(retrieved(**other)).status == "not_billed"
    assert sums(costs) == (3, 0, Decimal(0), 1)


@pytest.mark.parametrize("status", ["queued", "in_progress", None])
def test_a_usage_that_is_not_final_settles_nothing(status: str | None):
    costs = CostTracker()
    costs.settle(made())
    assert costs.settle(retrieved(LESS, status=status)).status == "not_billed"
    assert costs.settle(retrieved(WHOLE)).total_usd == Decimal("0.00027")


def test_requests_are_never_taken_for_one_by_their_ids():
    """Some servers give each answer the same id, or one of a thousand: every request is billed.

    Such an id names none of them, so that a retrieval of it corrects none either.
    """
    costs = CostTracker()
    for usage in (WHOLE, WHOLE, MORE):
        costs.settle(made(usage, status="completed"))
    assert sums(costs) == (3, 3700, Decimal("0.00087"), 0)
    assert costs.settle(retrieved(LESS)).status == "not_billed"
    assert sums(costs) == (4, 3700, Decimal("0.00087"), 0)


def test_a_chat_completion_has_no_id_to_be_retrieved_by():
    costs = CostTracker()
    costs.settle(made(WHOLE, status=None))
    assert costs._responses._known == {}


def test_a_model_without_a_price_counts_as_unpriced_once():
    costs = CostTracker(prices=Prices())
    broken, whole = made(model="x"), retrieved(model="x")
    for call in (broken, whole):
        response = call.response
        assert response is not None
        told = Response(id="resp_1", model="x", usage=response.usage, status=response.status)
        costs.settle(type(call)(**{**_fields(call), "response": told}))
    assert sums(costs) == (2, 1200, Decimal(0), 1)


def _fields(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__struct_fields__}


def test_a_gpus_time_is_paid_for_once():
    """3.60 USD an hour, a second: the retrieval brings the counts, and its own second is free."""
    costs = CostTracker(prices=Prices(overrides={"*": Rate(gpu_usd_per_hour=3.6)}))
    costs.settle(made())
    cost = costs.settle(retrieved())
    assert cost.total_usd == 0
    assert sums(costs) == (2, 1200, Decimal("0.001"), 0)


def test_the_unpriced_call_is_taken_back_where_it_was_counted():
    """The dollars are counted for the one who retrieves, like the line."""
    costs, first, second = CostTracker(), Totals(), Totals()
    costs.settle(made(agent="ann", trace_id=1), None, Attribution(agent="ann", spent=(first,)))
    assert first.unpriced_calls == 1
    costs.settle(retrieved(agent="bob", trace_id=2), None, Attribution(spent=(second,)))
    by_agent, by_trace = costs.summary(by="agent"), costs.summary(by="trace")
    for row in (by_agent["ann"], by_trace[f"{1:032x}"], first):
        assert (row.calls, row.total_tokens, row.unpriced_calls) == (1, 0, 0)
    for row in (by_agent["bob"], by_trace[f"{2:032x}"], second):
        assert (row.calls, row.cost_usd, row.unpriced_calls) == (1, Decimal("0.00027"), 0)


def test_a_plain_sum_of_the_lines_is_the_ledger(tmp_path: Path):
    file = CallsFile(LocalFiles(tmp_path))
    costs = CostTracker(estimate=True)
    costs.writers = (file,)
    guess = Usage(input_tokens=333, output_tokens=77)
    for number in range(20):
        costs.settle(made(id=f"resp_{number}", estimated=guess if number % 2 else None))
        for usage in (WHOLE, WHOLE, (LESS, MORE)[number % 2]):
            costs.settle(retrieved(usage, id=f"resp_{number}"))
    file.close()
    (path,) = tmp_path.iterdir()
    lines = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    total = costs.summary()
    assert sum(line["cost_usd"] or 0 for line in lines) == total.cost_usd == Decimal("0.0057")
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        assert sum(line[name] or 0 for line in lines) == getattr(total, name)
    assert (total.calls, total.total_tokens, total.unpriced_calls) == (80, 23_000, 0)
    assert total.unpriced_calls == 0


def test_threads_that_retrieve_at_once_settle_once():
    costs, start = CostTracker(), threading.Barrier(8)
    costs.settle(made())

    def retrieve() -> None:
        start.wait()
        costs.settle(retrieved())

    threads = [threading.Thread(target=retrieve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums(costs) == (9, 1200, Decimal("0.00027"), 0)
    assert sum(line.corrects is not None for line in costs.records) == 1


def test_a_budget_of_a_call_sees_what_the_correction_adds():
    alerts: list[Any] = []
    limit = Budget("call", usd="0.0002", per="call")
    costs = CostTracker(budgets=[limit], alerts=[alerts.append])
    costs.settle(made())
    costs.settle(retrieved(WHOLE))
    costs.settle(retrieved(LESS))
    assert costs.flush()
    assert [alert.cost_usd for alert in alerts] == [Decimal("0.00027")]


def test_of_very_many_responses_the_last_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(responses, "MOST_KEPT", 3)
    costs = CostTracker()
    for number in range(5):
        costs.settle(made(id=f"resp_{number}"))
    assert len(costs._responses._known) == 3
    assert costs.settle(retrieved(id="resp_1")).status == "not_billed"
    assert costs.settle(retrieved(id="resp_2")).total_usd == Decimal("0.00027")


def test_no_answer_is_kept_with_a_response():
    costs = CostTracker()
    call = made()
    assert call.response is not None
    told = Response(id="resp_1", status="in_progress", preview="a secret")
    costs.settle(type(call)(**{**_fields(call), "response": told}))
    assert "secret" not in repr(costs._responses._known)


def test_trackers_remember_for_themselves():
    one, other = CostTracker(), CostTracker()
    one.settle(made())
    assert other.settle(retrieved()).status == "not_billed"
    assert one.settle(retrieved()) == Cost(
        status="priced",
        total=270_000_000,
        input=150_000_000,
        cache_read=0,
        cache_write=0,
        output=120_000_000,
        tools=0,
        model="gpt-4o-mini",
        match=one.settle(made(WHOLE, id="resp_9")).match,
        prices_as_of=one.prices.as_of,
    )
