"""Two spans of one call are one bill, whenever the other one comes."""

import pytest
from msgspec import structs

from costspan.call import Call, Cost, Response, Usage
from costspan.cost import seen
from costspan.cost.recent import RecentCalls
from costspan.cost.seen import SeenCalls, Standing
from tests.cost.calls import finished

SECOND = 10**9
COST = Cost(status="priced", total=0)
THEIRS = Standing("opentelemetry.instrumentation.genai.openai", root=True)
USAGE = Usage(input_tokens=1000, output_tokens=200)


@pytest.fixture
def calls() -> SeenCalls:
    return SeenCalls(RecentCalls(1000))


def named(name: str | None, *, after: int = 0, usage: Usage = USAGE) -> Call:
    """A call whose response has that id, or none, some nanoseconds after the others."""
    call = finished()
    return structs.replace(
        call,
        started_at=call.started_at + after,
        ended_at=call.ended_at + after,
        response=Response(id=name, model="gpt-4o-mini", usage=usage),
    )


def test_ours_and_then_theirs(calls: SeenCalls):
    assert calls.is_new_of_ours(named("a"), COST)
    assert not calls.is_new(named("a"), THEIRS)


def test_theirs_and_then_ours(calls: SeenCalls):
    assert calls.is_new(named("a"), THEIRS)
    assert not calls.is_new_of_ours(named("a"), COST)


def test_ours_among_many_of_ours(calls: SeenCalls):
    for name in "abcdef":
        assert calls.is_new_of_ours(named(name), COST)
    assert not calls.is_new(named("c"), THEIRS)
    assert calls.is_new(named("g"), THEIRS)
    assert not calls.is_new(named("f"), THEIRS)


def test_ours_among_so_many_of_ours_that_most_are_packed(calls: SeenCalls):
    for number in range(250):
        assert calls.is_new_of_ours(named(f"id{number}"), COST)
    assert not calls.is_new(named("id3"), THEIRS)
    for number in range(250, 500):
        assert calls.is_new_of_ours(named(f"id{number}", after=3 * SECOND), COST)
    assert not calls.is_new(named("id260", after=3 * SECOND), THEIRS)
    assert not calls.is_new(named("id4"), Standing("another", root=True))


def test_of_ours_no_more_are_compared_than_are_kept():
    calls = SeenCalls(RecentCalls(100))
    for number in range(150):
        assert calls.is_new_of_ours(named(f"id{number}"), COST)
    assert calls.is_new(named("id49"), THEIRS)
    assert not calls.is_new(named("id50"), THEIRS)


def test_what_is_no_call_of_ours_is_not_compared_with_others():
    """As a retrieval, which is kept among the recent calls too."""
    recent = RecentCalls(1000)
    calls = SeenCalls(recent)
    assert calls.is_new_of_ours(named("a"), COST)
    recent.add(named("b"), COST)
    assert calls.is_new(named("b"), THEIRS)
    assert not calls.is_new(named("a"), THEIRS)


def test_ours_that_follows_a_call_of_theirs_is_known_to_the_next_of_theirs(calls: SeenCalls):
    assert calls.is_new(named("a"), THEIRS)
    assert calls.is_new_of_ours(named("b"), COST)
    assert not calls.is_new(named("b"), THEIRS)


def test_ours_long_after_theirs_is_another_call_and_known_to_the_next_of_theirs(calls: SeenCalls):
    late = 3 * SECOND
    assert calls.is_new(named("a"), THEIRS)
    assert calls.is_new_of_ours(named("a", after=late), COST)
    assert not calls.is_new(named("a", after=late), THEIRS)


@pytest.mark.parametrize(("first", "second"), [(None, "a"), ("a", None), (None, None)])
def test_one_of_the_two_names_no_response(calls: SeenCalls, first: str | None, second: str | None):
    """The same counts at the same time tell it; one call is not taken for two others."""
    assert calls.is_new(named(first), THEIRS)
    assert not calls.is_new_of_ours(named(second), COST)
    assert calls.is_new_of_ours(named(second), COST)


def test_what_named_no_response_was_another_call_if_it_was_over(calls: SeenCalls):
    """A call takes a second here, and these are three apart."""
    assert calls.is_new(named(None), THEIRS)
    assert calls.is_new_of_ours(named("a", after=3 * SECOND), COST)
    assert calls.is_new(named(None, after=6 * SECOND), THEIRS)
    assert not calls.is_new_of_ours(named("b", after=6 * SECOND), COST)


def test_ours_are_never_taken_for_each_other(calls: SeenCalls):
    assert calls.is_new_of_ours(named("a"), COST)
    assert calls.is_new_of_ours(named("a"), COST)


def test_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seen, "MOST_KEPT", 2)
    calls = SeenCalls(RecentCalls(1000))
    for name in "abc":
        assert calls.is_new_of_ours(named(name), COST)
    assert calls.is_new(named("a"), THEIRS)
    assert not calls.is_new(named("c"), THEIRS)


def counted(number: int, name: str | None = None) -> Call:
    """A call like no other by its counts."""
    return named(name, usage=Usage(input_tokens=number, output_tokens=1))


def test_one_that_names_no_response_is_told_among_many_by_its_counts(calls: SeenCalls):
    another = Standing("another", root=True)
    for number in range(50):
        assert calls.is_new(counted(number, f"id{number}"), THEIRS)
    assert not calls.is_new(counted(7), another)
    assert calls.is_new(counted(7), another)  # one span has one twin of each maker
    assert calls.is_new(counted(99), another)
    assert not calls.is_new(counted(31), another)


def test_no_more_than_so_many_are_placed_by_their_counts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seen, "MOST_WAITING", 2)
    calls = SeenCalls(RecentCalls(1000))
    for number in range(3):
        assert calls.is_new(counted(number, f"id{number}"), THEIRS)
    assert calls.is_new(counted(0), Standing("another", root=True))
    assert not calls.is_new(counted(2), Standing("another", root=True))
