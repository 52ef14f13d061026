"""What a span says: of several names for one thing the newest, however many names there are."""

import pytest

from costspan.cost.foreign import columns
from costspan.cost.foreign.columns import Columns


@pytest.fixture
def told() -> Columns:
    return Columns(
        (("old.input", "input_tokens"), ("new.input", "input_tokens")),
        operation=("op",),
        model=("old.model", "new.model"),
    )


def test_spans_with_the_same_names_say_each_their_own(told: Columns):
    assert told.said({"new.model": "a", "old.input": 1, "x": 0}) == (
        {"model": "a"},
        {"input_tokens": 1},
    )
    assert told.said({"new.model": "b", "old.input": 2, "x": 0}) == (
        {"model": "b"},
        {"input_tokens": 2},
    )


@pytest.mark.parametrize("others", [0, 100])
def test_the_newest_name_counts_in_any_order(told: Columns, others: int):
    more = {f"message.{number}": "Hi" for number in range(others)}
    assert told.said({"new.model": "new", "old.model": "old", **more}) == ({"model": "new"}, {})
    assert told.said({**more, "old.model": "old", "new.model": "new"}) == ({"model": "new"}, {})


@pytest.mark.parametrize("others", [0, 100])
def test_a_name_that_says_nothing_leaves_it_to_an_older_one(told: Columns, others: int):
    more = {f"message.{number}": "Hi" for number in range(others)}
    assert told.said({**more, "old.model": "old", "new.model": "new"}) == ({"model": "new"}, {})
    assert told.said({**more, "old.model": "old", "new.model": None}) == ({"model": "old"}, {})
    assert told.said({**more, "new.model": None, "new.input": 0}) == ({}, {"input_tokens": 0})
    assert told.said({**more, "old.input": 7, "new.input": None}) == ({}, {"input_tokens": 7})


def test_what_is_remembered_is_bounded(told: Columns, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "_MOST_PLANS", 3)
    for number in range(10):
        assert told.said({f"x.{number}": 1, "new.model": "m"}) == ({"model": "m"}, {})
    assert len(told._plans) <= 3
    told.said({f"message.{number}": "Hi" for number in range(100)})
    assert len(told._plans) <= 3


def test_what_is_no_count_counts_nothing(told: Columns):
    """Nor does an older name then: whoever wrote the newer one meant that."""
    assert told.said({"old.input": 7, "new.input": "many"}) == ({}, {})
