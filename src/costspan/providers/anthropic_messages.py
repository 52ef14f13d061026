"""What was said in calls of the Anthropic SDK, in the message shape of the GenAI conventions.

Only called where the content gate is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costspan.providers.operation import Body, count, fields, items

Part = dict[str, Any]


def messages(request: Body, answer: Body) -> dict[str, Any]:
    """Messages of one call: keys `input_messages`, `output_messages`, `system_instructions`, ..."""
    said = _parts(answer.get("content"))
    reason = answer.get("stop_reason")
    return {
        "system_instructions": _parts(request.get("system")),
        "input_messages": [
            {"role": str(message.get("role")), "parts": _parts(message.get("content"))}
            for message in items(request.get("messages"))
        ],
        "output_messages": [{"role": "assistant", "parts": said, "finish_reason": reason}]
        if said
        else [],
        "tool_definitions": [_tool(tool) for tool in items(request.get("tools"))],
    }


def stitch_message(events: Sequence[Body]) -> Body:
    """The message that the events of a stream add up to, as far as it arrived."""
    blocks: dict[int, dict[str, Any]] = {}
    reason = None
    for event in events:
        index = count(event.get("index")) or 0
        kind = event.get("type")
        if kind == "content_block_start":
            blocks[index] = dict(fields(event.get("content_block")))
        elif kind == "content_block_delta":
            _grow(blocks.setdefault(index, {"type": "text"}), fields(event.get("delta")))
        elif kind == "message_delta":
            reason = fields(event.get("delta")).get("stop_reason") or reason
    return {"content": [blocks[index] for index in sorted(blocks)], "stop_reason": reason}


_GROWING = {"text": "text", "thinking": "thinking", "partial_json": "partial_json"}


def _grow(block: dict[str, Any], delta: Body) -> None:
    for key, name in _GROWING.items():
        if isinstance(delta.get(key), str):
            so_far = block.get(name)
            block[name] = (so_far if isinstance(so_far, str) else "") + delta[key]


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    return [_part(block) for block in items(content)]


def _part(block: Body) -> Part:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "content": block.get("text")}
    if kind == "thinking":
        return {"type": "reasoning", "content": block.get("thinking")}
    if kind == "tool_use":
        arguments = block.get("partial_json") or block.get("input")
        return {
            "type": "tool_call",
            "id": block.get("id"),
            "name": block.get("name"),
            "arguments": arguments,
        }
    if kind == "tool_result":
        return {
            "type": "tool_call_response",
            "id": block.get("tool_use_id"),
            "response": block.get("content"),
        }
    return {"type": str(kind)}


def _tool(tool: Body) -> dict[str, Any]:
    known = {
        "name": tool.get("name"),
        "description": tool.get("description"),
        "parameters": tool.get("input_schema"),
    }
    return {
        "type": str(tool.get("type") or "function"),
        **{key: value for key, value in known.items() if value is not None},
    }
