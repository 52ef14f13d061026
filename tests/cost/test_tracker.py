"""CostTracker: what a settled call leaves behind, and what is refused."""

import threading
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import Budget, ConfigurationError, CostTracker, LogAlerts, Prices
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Request, Reservation
from costspan.errors import StoreUnavailable
from costspan.totals import BudgetState, Totals
from tests.cost.calls import finished

COUNTS = {"input_tokens": 1000, "output_tokens": 200}
"""gpt-4o-mini: 0.00027 USD."""


def test_settle_gives_the_cost_and_counts_it_everywhere():
    costs, outer, inner = CostTracker(), Totals(), Totals()
    cost = costs.settle(finished(**COUNTS), None, Attribution(spent=(outer, inner)))
    assert cost.total_usd == Decimal("0.00027")
    for sums in (outer, inner, costs.summary(), costs.summary(by="model")["gpt-4o-mini"]):
        assert (sums.calls, sums.total_tokens, sums.cost_usd) == (1, 1200, Decimal("0.00027"))


def test_a_request_is_granted():
    reservation = CostTracker().admit(Request(operation="chat", provider="openai", model="x"))
    assert isinstance(reservation, Reservation)
    assert reservation.allows(10**9) is True


def test_records_are_the_last_thousand_calls_oldest_first():
    costs = CostTracker()
    for number in range(1005):
        costs.settle(finished(agent=f"a{number}", **COUNTS))
    assert len(costs.records) == 1000
    assert (costs.records[0].agent, costs.records[-1].agent) == ("a5", "a1004")


def test_a_record_has_the_fields_of_a_line():
    costs = CostTracker()
    costs.settle(
        finished(
            **COUNTS, agent="ann", session="s1", user="u1", endpoint="/ask", tags={"team": "ads"}
        )
    )
    record = costs.records[-1]
    assert record.timestamp == "2026-11-22T12:00:00.000000Z"
    assert (record.provider, record.operation, record.model) == ("openai", "chat", "gpt-4o-mini")
    assert (record.agent, record.session_id, record.user_id) == ("ann", "s1", "u1")
    assert (record.endpoint, record.tags) == ("/ask", {"team": "ads"})
    assert (record.input_tokens, record.output_tokens, record.total_tokens) == (1000, 200, 1200)
    assert (record.status, record.cost_usd) == ("priced", Decimal("0.00027"))
    assert (record.latency_ms, record.runtime_seconds) == (1000.0, 1.0)


def test_records_are_a_copy():
    costs = CostTracker()
    costs.settle(finished(**COUNTS))
    costs.records.clear()
    assert len(costs.records) == 1


def test_records_may_be_read_while_calls_settle():
    costs, done = CostTracker(), threading.Event()

    def settle() -> None:
        for _ in range(3000):
            costs.settle(finished(**COUNTS))
        done.set()

    thread = threading.Thread(target=settle)
    thread.start()
    while not done.is_set():
        assert len(costs.records) <= 1000
    thread.join()


@pytest.mark.faults
def test_a_writer_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture):
    lines: list[tuple[Call, Cost]] = []

    def broken(call: Call, cost: Cost) -> None:
        raise ValueError("a secret that the writer saw")

    costs = CostTracker()
    costs.writers = (broken, lambda call, cost: lines.append((call, cost)))
    cost = costs.settle(finished(**COUNTS))
    assert lines == [(finished(**COUNTS), cost)]
    assert "writing a call's line (ValueError)" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"prices": {"gpt": 1}}, r"give a Prices\(...\)"),
        ({"budgets": ["b"]}, r"give a list of Budget\(...\)"),
        ({"budgets": [Budget("b", usd=1, per="call")] * 2}, "two budgets are named 'b'"),
        ({"alerts": "log"}, "give a list of sinks"),
        ({"alerts": LogAlerts()}, "give a list of sinks"),
        ({"alerts": [LogAlerts]}, r"such as LogAlerts\(\)"),
        ({"alerts": [None]}, "a sink is a callable"),
        ({"store": "mysql://costs"}, "sqlite:///"),
        ({"on_store_error": "ignore"}, "use 'allow' or 'block'"),
        ({"estimate": "yes"}, "give True or False"),
    ],
)
def test_what_is_wrong_or_not_built_is_refused(arguments: dict, said: str):
    with pytest.raises(ConfigurationError, match=said):
        CostTracker(**arguments)


def test_a_store_that_does_not_answer_is_named_as_what_fails(tmp_path: Path):
    (tmp_path / "costs.db").write_text("no database, but a text of some length" * 100)
    costs = CostTracker(store=f"sqlite:///{tmp_path}/costs.db")
    with pytest.raises(StoreUnavailable, match=r"the store does not answer \(SQLITE_NOTADB\)"):
        costs.summary()


def test_how_the_budgets_stand():
    """Two calls of 0.00027 USD are over the first limit, none is over the second."""
    near, far = (Budget(name, usd=usd, per="call") for name, usd in (("n", "0.0001"), ("f", 2)))
    costs = CostTracker(budgets=[near, far], alerts=[])
    for _ in range(2):
        costs.settle(finished(**COUNTS))
    assert costs.budget_states() == [
        BudgetState(name="n", per="call", unit="usd", limit=Decimal("0.0001"), alerts=2),
        BudgetState(name="f", per="call", unit="usd", limit=Decimal(2), alerts=0),
    ]


def test_trackers_do_not_share_their_sums():
    one, other = CostTracker(), CostTracker(prices=Prices())
    one.settle(finished(**COUNTS))
    assert (one.summary().calls, other.summary().calls) == (1, 0)
