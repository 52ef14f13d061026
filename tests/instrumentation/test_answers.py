"""What several answers to one call add up to."""

from __future__ import annotations

from costspan.call import Request, Response, Usage
from costspan.instrumentation.answers import combined

CHAT = Request(operation="chat", provider="openai")
FETCH = Request(operation="fetch_response", provider="openai")


def answer(number: int, usage: Usage | None) -> Response:
    return Response(id=f"resp_{number}", status="completed", usage=usage)


def test_one_answer_is_itself():
    only = answer(1, Usage(input_tokens=10))
    assert combined(CHAT, (only,), 1) is only
    assert combined(CHAT, (), 1) is combined(CHAT, (), 2) is None


def test_billed_answers_are_added_up_and_are_no_response_of_their_own():
    both = (answer(1, Usage(input_tokens=10)), answer(2, Usage(input_tokens=5, output_tokens=1)))
    found = combined(CHAT, both, 2)
    assert found is not None
    assert found.usage == Usage(input_tokens=15, output_tokens=1)
    assert (found.id, found.status, found.incomplete) == ("resp_2", None, False)


def test_one_that_told_nothing_leaves_the_sum_incomplete():
    found = combined(CHAT, (answer(1, Usage(input_tokens=10)), answer(2, None)), 2)
    assert found is not None
    assert (found.usage, found.incomplete) == (Usage(input_tokens=10), True)


def test_retrievals_of_the_same_response_are_not_added_up():
    both = (answer(1, Usage(input_tokens=10)), answer(1, Usage(input_tokens=10)))
    assert combined(FETCH, both, 2) == both[-1]
    assert combined(FETCH, (), 2) is None
