"""Message content as attributes, for calls whose content may go out."""

from __future__ import annotations

from typing import Any

import msgspec

from costspan.content import ATTRIBUTE_CHARACTERS, shortened
from costspan.providers.operation import Body, Operation, fields
from costspan.semconv import MESSAGES

_LONGEST_PART = 8_192


def captured_attributes(
    operation: Operation | None, body: Body | None, answer: Body | None
) -> dict[str, Any]:
    """Messages, instructions and tools as JSON, each in one attribute."""
    if operation is None or operation.messages is None:
        return {}
    said = operation.messages(body or {}, answer or {})
    return {MESSAGES[key]: _json(value) for key, value in said.items() if value}


def first_text(operation: Operation | None, answer: Body | None) -> str | None:
    """The beginning of what was answered, for a line of a file."""
    if operation is None or operation.messages is None or answer is None:
        return None
    for message in operation.messages({}, answer).get("output_messages", ()):
        for part in message["parts"]:
            if part.get("type") == "text" and part.get("content"):
                return str(part["content"])
    return None


def _json(value: Any) -> str:
    text = msgspec.json.encode(value, enc_hook=_plain).decode()
    if len(text) <= ATTRIBUTE_CHARACTERS:
        return text
    return msgspec.json.encode(_cut(value), enc_hook=_plain).decode()


def _cut(value: Any) -> Any:
    """The same structure with its long strings cut, so that it stays JSON."""
    if isinstance(value, str):
        return shortened(value, _LONGEST_PART)
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    """What an SDK's object holds; a description where it holds nothing that JSON knows."""
    found = fields(value)
    return dict(found) if found else f"({type(value).__name__})"
