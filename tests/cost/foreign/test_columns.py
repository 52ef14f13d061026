"""What a span says: of several names for one thing the newest, however many names there are."""

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from costspan.cost.foreign import alike, columns
from costspan.cost.foreign.columns import Columns
from costspan.cost.foreign.dialect_table import Dialect
from costspan.cost.foreign.dialects import read


@pytest.fixture
def told() -> Columns:
    return Columns(
        (("old.input", "input_tokens"), ("new.input", "input_tokens")),
        operation=("op",),
        model=("old.model", "new.model"),
        response_id=("id",),
        address=("address",),
        port=("port",),
        stream=("stream",),
        their_cost=("cost",),
    )


def said(told: Columns, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """What is said by our words, and what is counted."""
    plan = told.plan(attributes)
    others_say = {word: attributes[name] for word, name in plan.alike}
    return {**others_say, **(plan.said(attributes) or {})}, plan.counted(attributes)


def asked(told: Columns, **attributes: Any) -> Any:
    """The call that a chat span is which says so much."""
    dialect = Dialect(name="a maker", scopes=(), columns=told)
    span = ReadableSpan("chat", SpanContext(1, 2, is_remote=False), start_time=1, end_time=2)
    found = read(dialect, span, {"op": "chat", "new.input": 1, **attributes})
    assert found is not None
    return found


def test_spans_with_the_same_names_say_each_their_own(told: Columns):
    first, second = ({"new.model": model, "id": model, "old.input": 1, "x": 0} for model in "ab")
    assert said(told, first) == ({"model": "a", "response_id": "a"}, {"input_tokens": 1})
    assert said(told, {**second, "old.input": 2}) == (
        {"model": "b", "response_id": "b"},
        {"input_tokens": 2},
    )


@pytest.mark.parametrize("others", [0, 100])
def test_the_newest_name_counts_in_any_order(told: Columns, others: int):
    more = {f"message.{number}": "Hi" for number in range(others)}
    newest = ({"model": "new"}, {})
    assert said(told, {"new.model": "new", "old.model": "old", **more}) == newest
    assert said(told, {**more, "old.model": "old", "new.model": "new"}) == newest


@pytest.mark.parametrize("others", [0, 100])
def test_a_name_that_says_nothing_leaves_it_to_an_older_one(told: Columns, others: int):
    more: dict[str, Any] = {f"message.{number}": "Hi" for number in range(others)}
    more |= {"old.model": "old", "old.input": 7}
    for _ in range(2):  # the second time, what is alike is remembered
        assert asked(told, **more, **{"new.model": "new"}).model == "new"
        assert asked(told, **more, **{"new.model": None}).model == "old"
        usage = asked(told, **{**more, "new.input": None}).usage
        assert usage.input_tokens == 7
        assert asked(told, **more, id=None).response.id is None


def test_what_is_equal_and_says_something_else_is_told_apart(told: Columns):
    """True is 1 to Python, and no port; a stream is True and nothing else."""
    streams = [asked(told, stream=flag).request.stream for flag in (True, 1, 1.0, True, 1)]
    assert streams == [True, False, False, True, False]
    told_ports = [asked(told, address="a", port=port).request.server_port for port in (1, True, 1)]
    assert told_ports == [1, None, 1]


def test_what_cannot_be_remembered_is_read_all_the_same(told: Columns):
    assert asked(told, **{"new.model": ["a", "list"]}).model is None
    assert asked(told, **{"new.model": {"a": "mapping"}}).model is None


def test_what_is_remembered_is_bounded(told: Columns, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "_MOST_PLANS", 3)
    monkeypatch.setattr(alike, "_MOST_ALIKE", 3)
    for number in range(10):
        assert said(told, {f"x.{number}": 1, "new.model": "m"}) == ({"model": "m"}, {})
        assert asked(told, **{"new.model": f"model-{number}"}).model == f"model-{number}"
    assert len(told._plans) <= 3
    assert all(len(plan.known) <= 3 for plan in told._plans.values())
    said(told, {f"message.{number}": "Hi" for number in range(100)})
    assert len(told._plans) <= 3


def test_what_is_no_count_counts_nothing(told: Columns):
    """Nor does an older name then: whoever wrote the newer one meant that."""
    assert said(told, {"old.input": 7, "new.input": "many"}) == ({}, {})
