"""Two spans of one call are one bill, whenever the other one comes."""

import pytest
from msgspec import structs

from costspan.call import Call, Response, Usage
from costspan.cost import seen
from costspan.cost.seen import OURS, SeenCalls, Standing
from tests.cost.calls import finished

SECOND = 10**9
THEIRS = Standing("opentelemetry.instrumentation.genai.openai", root=True)
USAGE = Usage(input_tokens=1000, output_tokens=200)


@pytest.fixture
def calls() -> SeenCalls:
    return SeenCalls()


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
    assert calls.is_new(named("a"), OURS)
    assert not calls.is_new(named("a"), THEIRS)


def test_theirs_and_then_ours(calls: SeenCalls):
    assert calls.is_new(named("a"), THEIRS)
    assert not calls.is_new(named("a"), OURS)


def test_ours_among_many_of_ours(calls: SeenCalls):
    for name in "abcdef":
        assert calls.is_new(named(name), OURS)
    assert not calls.is_new(named("c"), THEIRS)
    assert calls.is_new(named("g"), THEIRS)
    assert not calls.is_new(named("f"), THEIRS)


def test_ours_that_follows_a_call_of_theirs_is_known_to_the_next_of_theirs(calls: SeenCalls):
    assert calls.is_new(named("a"), THEIRS)
    assert calls.is_new(named("b"), OURS)
    assert not calls.is_new(named("b"), THEIRS)


def test_ours_long_after_theirs_is_another_call_and_known_to_the_next_of_theirs(calls: SeenCalls):
    late = 3 * SECOND
    assert calls.is_new(named("a"), THEIRS)
    assert calls.is_new(named("a", after=late), OURS)
    assert not calls.is_new(named("a", after=late), THEIRS)


@pytest.mark.parametrize(("first", "second"), [(None, "a"), ("a", None), (None, None)])
def test_one_of_the_two_names_no_response(calls: SeenCalls, first: str | None, second: str | None):
    """The same counts at the same time tell it; one call is not taken for two others."""
    assert calls.is_new(named(first), THEIRS)
    assert not calls.is_new(named(second), OURS)
    assert calls.is_new(named(second), OURS)


def test_what_named_no_response_was_another_call_if_it_was_over(calls: SeenCalls):
    """A call takes a second here, and these are three apart."""
    assert calls.is_new(named(None), THEIRS)
    assert calls.is_new(named("a", after=3 * SECOND), OURS)
    assert calls.is_new(named(None, after=6 * SECOND), THEIRS)
    assert not calls.is_new(named("b", after=6 * SECOND), OURS)


def test_ours_are_never_taken_for_each_other(calls: SeenCalls):
    assert calls.is_new(named("a"), OURS)
    assert calls.is_new(named("a"), OURS)


def test_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seen, "MOST_KEPT", 2)
    calls = SeenCalls()
    for name in "abc":
        assert calls.is_new(named(name), OURS)
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
    calls = SeenCalls()
    for number in range(3):
        assert calls.is_new(counted(number, f"id{number}"), THEIRS)
    assert calls.is_new(counted(0), Standing("another", root=True))
    assert not calls.is_new(counted(2), Standing("another", root=True))
