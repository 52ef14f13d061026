"""What was said in calls of the OpenAI SDK, in the message shape of the GenAI conventions.

Only called where the content gate is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costspan.providers.operation import Body, count, fields, items

Part = dict[str, Any]
Message = dict[str, Any]


def chat_messages(request: Body, answer: Body) -> dict[str, Any]:
    """Messages of a chat or a legacy completion: keys `input_messages`, `output_messages`, ..."""
    asked = request.get("messages")
    if asked is None and request.get("prompt") is not None:
        asked = [{"role": "user", "content": request["prompt"]}]
    return {
        "input_messages": [_message(message) for message in items(asked)],
        "output_messages": [_choice(choice) for choice in items(answer.get("choices"))],
        "tool_definitions": [_tool(tool) for tool in items(request.get("tools"))],
    }


def response_messages(request: Body, answer: Body) -> dict[str, Any]:
    """Messages of the Responses API."""
    asked = request.get("input")
    if isinstance(asked, str):
        asked = [{"role": "user", "content": asked}]
    instructions = request.get("instructions")
    output = [part for item in items(answer.get("output")) for part in _item_parts(item)]
    return {
        "system_instructions": [_text(instructions)] if isinstance(instructions, str) else [],
        "input_messages": [_input_item(item) for item in items(asked)],
        "output_messages": [_output(output, answer)] if output else [],
        "tool_definitions": [_tool(tool) for tool in items(request.get("tools"))],
    }


def _output(parts: list[Part], answer: Body) -> Message:
    """One message out of all items, which have no reason of their own for their end.

    The conventions ask for one, and readers pass a message over that has none.
    """
    message: Message = {"role": "assistant", "parts": parts}
    reason = fields(answer.get("incomplete_details")).get("reason")
    if reason is None and answer.get("status") == "completed":
        reason = "tool_call" if any(one["type"] == "tool_call" for one in parts) else "stop"
    if reason is None and answer.get("status") == "failed":
        reason = "error"
    return message if reason is None else {**message, "finish_reason": reason}


def stitch_chat(chunks: Sequence[Body]) -> Body:
    """The answer that the chunks of a chat stream add up to, as far as it arrived."""
    spoken: dict[int, list[str]] = {}
    ended: dict[int, Any] = {}
    calls: dict[tuple[int, int], dict[str, str]] = {}
    for choice in (choice for chunk in chunks for choice in items(chunk.get("choices"))):
        index = count(choice.get("index")) or 0
        delta = fields(choice.get("delta"))
        said = _piece(delta.get("content")) or _piece(choice.get("text"))
        spoken.setdefault(index, []).append(said)
        ended[index] = choice.get("finish_reason") or ended.get(index)
        for call in items(delta.get("tool_calls")):
            _add_call(calls.setdefault((index, count(call.get("index")) or 0), {}), call)
    return {
        "choices": [
            {
                "index": index,
                "finish_reason": ended.get(index),
                "message": {
                    "role": "assistant",
                    "content": "".join(texts),
                    "tool_calls": [made for (at, _), made in calls.items() if at == index],
                },
            }
            for index, texts in sorted(spoken.items())
        ]
    }


def stitch_response(events: Sequence[Body]) -> Body:
    """The whole response of the last event that carries one, else the text that arrived."""
    for event in reversed(events):
        if event.get("type") in ("response.completed", "response.incomplete", "response.failed"):
            return fields(event.get("response"))
    texts = [
        _piece(event.get("delta"))
        for event in events
        if event.get("type") == "response.output_text.delta"
    ]
    content = [{"type": "output_text", "text": "".join(texts)}]
    return {"output": [{"type": "message", "role": "assistant", "content": content}]}


def _add_call(made: dict[str, Any], call: Body) -> None:
    function = fields(call.get("function"))
    made["id"] = call.get("id") or made.get("id")
    so_far = made.setdefault("function", {"name": "", "arguments": ""})
    so_far["name"] += _piece(function.get("name"))
    so_far["arguments"] += _piece(function.get("arguments"))


def _piece(said: Any) -> str:
    """Text, or the texts of blocks, as Mistral's servers stream them beside reasoning."""
    if isinstance(said, str):
        return said
    return "".join(one for block in items(said) if isinstance(one := block.get("text"), str))


def _text(content: Any) -> Part:
    return {"type": "text", "content": content}


def _content(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [_text(content)] if content else []
    return [_block(block) for block in items(content)]


def _block(block: Body) -> Part:
    if isinstance(block.get("text"), str):
        return _text(block["text"])
    if block.get("type") in ("image_url", "input_image"):
        url = block.get("image_url")
        return {"type": "uri", "modality": "image", "uri": fields(url).get("url") or url}
    return {"type": str(block.get("type"))}


def _calls(message: Body) -> list[Part]:
    found = []
    for call in items(message.get("tool_calls")):
        function = fields(call.get("function"))
        found.append(_tool_call(call.get("id"), function.get("name"), function.get("arguments")))
    return found


def _tool_call(call_id: Any, name: Any, arguments: Any) -> Part:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def _message(message: Body) -> Message:
    role = str(message.get("role") or "user")
    if role == "tool":
        answered = {
            "type": "tool_call_response",
            "id": message.get("tool_call_id"),
            "response": message.get("content"),
        }
        return {"role": role, "parts": [answered]}
    return {"role": role, "parts": [*_content(message.get("content")), *_calls(message)]}


def _choice(choice: Body) -> Message:
    message = fields(choice.get("message"))
    if not message:
        message = {"role": "assistant", "content": choice.get("text")}
    return {**_message(message), "finish_reason": choice.get("finish_reason")}


def _item_parts(item: Body) -> list[Part]:
    kind = item.get("type")
    if kind == "message":
        return _content(item.get("content"))
    if kind == "function_call":
        return [_tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))]
    if kind == "reasoning":
        return [
            {"type": "reasoning", "content": part.get("text")}
            for part in items(item.get("summary"))
        ]
    return [{"type": str(kind)}]


def _input_item(item: Body) -> Message:
    if item.get("type") == "function_call_output":
        answered = {
            "type": "tool_call_response",
            "id": item.get("call_id"),
            "response": item.get("output"),
        }
        return {"role": "tool", "parts": [answered]}
    if item.get("role"):
        return {"role": str(item["role"]), "parts": _content(item.get("content"))}
    return {"role": "assistant", "parts": _item_parts(item)}


def _tool(tool: Body) -> dict[str, Any]:
    function = fields(tool.get("function")) or tool
    known = {key: function.get(key) for key in ("name", "description", "parameters")}
    return {"type": str(tool.get("type")), **{k: v for k, v in known.items() if v is not None}}
