"""The text that goes through calls of the OpenAI SDK, for estimates of its tokens."""

from __future__ import annotations

from typing import Any

from costspan.providers.operation import Body, fields, items
from costspan.providers.texts import Pieces, content, members, strings_of, written


def chat_prompt(body: Body) -> Pieces:
    """Of a chat: its messages, earlier tool calls included, and its tools."""
    for message in members(body.get("messages")):
        if message is None:
            yield None
            return
        yield from content(message.get("content"))
        yield from written(message.get("tool_calls"))
    yield from written(body.get("tools"))


def completion_prompt(body: Body) -> Pieces:
    """Of a legacy completion: one prompt or several; token ids are no text."""
    prompt = body.get("prompt")
    for piece in prompt if isinstance(prompt, list) else [prompt]:
        yield piece if isinstance(piece, str) else None


_STORED = ("previous_response_id", "conversation", "prompt")


def response_prompt(body: Body) -> Pieces:
    """Of a response: instructions, input and tools; what the server keeps cannot be told."""
    if any(body.get(name) for name in _STORED):
        yield None
        return
    yield from strings_of(body, "instructions")
    asked = body.get("input")
    for item in [{"role": "user", "content": asked}] if isinstance(asked, str) else members(asked):
        yield from _item(item)
    yield from written(body.get("tools"))


def _item(item: Any) -> Pieces:
    if item is None:
        yield None
    elif item.get("role"):
        yield from content(item.get("content"))
    elif item.get("type") == "function_call":
        yield from strings_of(item, "name", "arguments")
    elif item.get("type") == "function_call_output":
        yield from content(item.get("output"))
    else:
        yield None


def chat_chunk(chunk: Body) -> list[str]:
    """Of a chat's or completion's chunk: text, refusals, tool calls, reasoning."""
    found: list[str] = []
    for choice in items(chunk.get("choices")):
        delta = fields(choice.get("delta"))
        found += strings_of(delta, "content", "refusal") + strings_of(choice, "text")
        # Servers that send reasoning under both names send the same twice.
        found += strings_of(delta, "reasoning_content", "reasoning")[:1]
        for call in items(delta.get("tool_calls")):
            found += strings_of(fields(call.get("function")), "name", "arguments")
    return found


_TEXT_DELTAS = frozenset(
    f"response.{kind}.delta"
    for kind in (
        "output_text",
        "refusal",
        "function_call_arguments",
        "mcp_call_arguments",
        "custom_tool_call_input",
        "code_interpreter_call_code",
        "reasoning_text",
        "reasoning_summary_text",
    )
)


def response_chunk(event: Body) -> list[str]:
    """Of an event of a response: the text that it adds. Audio comes in deltas too, as base64."""
    return strings_of(event, "delta") if event.get("type") in _TEXT_DELTAS else []
