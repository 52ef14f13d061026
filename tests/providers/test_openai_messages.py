"""What was said in a response, in the shape of the conventions: why it ended is in it."""

from typing import Any

import pytest

from costspan.providers.openai_messages import response_messages, stitch_chat, stitch_response

SAID: dict[str, Any] = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Oslo"}],
}
CALLED = {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": "{}"}


@pytest.mark.parametrize(
    ("output", "ending", "reason"),
    [
        ([SAID], {"status": "completed"}, "stop"),
        ([CALLED], {"status": "completed"}, "tool_call"),
        ([SAID, CALLED], {"status": "completed", "incomplete_details": None}, "tool_call"),
        (
            [SAID],
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "max_output_tokens",
        ),
        ([SAID], {"status": "failed"}, "error"),
    ],
)
def test_a_response_tells_why_it_ended(
    output: list[Any], ending: dict[str, Any], reason: str
) -> None:
    (message,) = response_messages({}, {"output": output, **ending})["output_messages"]

    assert message["finish_reason"] == reason


def test_of_a_stream_that_was_broken_off_no_reason_is_invented() -> None:
    answer = stitch_response([{"type": "response.output_text.delta", "delta": "Os"}])

    (message,) = response_messages({}, answer)["output_messages"]

    assert message == {"role": "assistant", "parts": [{"type": "text", "content": "Os"}]}


def test_nothing_was_said() -> None:
    assert response_messages({}, {"status": "completed"})["output_messages"] == []


def test_text_that_is_streamed_in_blocks() -> None:
    """As Mistral's reasoning models answer: blocks of thinking, then text."""
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]
    said: list[Any] = [thought, [{"type": "text", "text": "Os"}], "lo", 5, None]
    chunks = [{"choices": [{"index": 0, "delta": {"content": one}}]} for one in said]
    (choice,) = stitch_chat(chunks)["choices"]
    assert choice["message"]["content"] == "Oslo"
