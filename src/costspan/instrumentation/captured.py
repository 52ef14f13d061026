"""Message content as attributes, for calls whose content may go out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from costspan.call import whole_characters
from costspan.content import ATTRIBUTE_CHARACTERS, shortened
from costspan.guard import quietly
from costspan.providers.operation import Body, Operation, fields
from costspan.semconv import MESSAGES

_LONGEST_STRINGS = (8_192, 1_024, 128)
_ROOM_FOR_GAP = 100
_STITCHING = quietly("putting a stream's content together")


def captured_attributes(
    operation: Operation | None, body: Body | None, answer: Body | None
) -> dict[str, Any]:
    """Messages, instructions and tools as JSON, each in one attribute."""
    if operation is None or operation.messages is None:
        return {}
    said = operation.messages(body or {}, answer or {})
    return {MESSAGES[key]: _json(value) for key, value in said.items() if value}


def stitched(operation: Operation, chunks: Sequence[Body]) -> Body | None:
    """The answer that a stream adds up to; None where its content is too odd for that."""
    with _STITCHING:
        return None if operation.stitch is None else operation.stitch(chunks)
    return None


def first_text(operation: Operation | None, answer: Body | None) -> str | None:
    """The beginning of what was answered, for a line of a file."""
    if operation is None or operation.messages is None or answer is None:
        return None
    for message in operation.messages({}, answer).get("output_messages", ()):
        for part in message["parts"]:
            if part.get("type") == "text" and part.get("content"):
                return whole_characters(str(part["content"]))
    return None


def _json(value: Any) -> str:
    """`value` as JSON that fits an attribute: long strings are cut, then messages left out."""
    text = _encoded(value)
    for longest in _LONGEST_STRINGS:
        if len(text) <= ATTRIBUTE_CHARACTERS:
            return text
        text = _encoded(_cut(value, longest))
    return text if len(text) <= ATTRIBUTE_CHARACTERS else _encoded(_shortest(value))


def _encoded(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=_plain).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which is no text
        return msgspec.json.encode(_whole_characters(value), enc_hook=_plain).decode()


def _cut(value: Any, longest: int) -> Any:
    """The same structure with its long strings cut, so that it stays JSON."""
    return _each_string(value, lambda text: shortened(text, longest))


def _whole_characters(value: Any) -> Any:
    return _each_string(value, whole_characters)


def _each_string(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_each_string(key, change): _each_string(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each_string(one, change) for one in value]
    return value if isinstance(value, int | float | None) else _each_string(_plain(value), change)


def _shortest(messages: list[Any]) -> list[Any]:
    """The first message and as many of the last ones as fit, cut short, with a word between."""
    cut = [_cut(message, _LONGEST_STRINGS[-1]) for message in messages]
    room = ATTRIBUTE_CHARACTERS - len(_encoded(cut[0])) - _ROOM_FOR_GAP
    kept: list[Any] = []
    for message in reversed(cut[1:]):
        room -= len(_encoded(message)) + 1
        if room < 0:
            break
        kept.insert(0, message)
    return [cut[0], *_gap(cut[0], len(cut) - 1 - len(kept)), *kept]


def _gap(message: Any, left_out: int) -> list[Any]:
    """A message that says how many are left out, where there are messages."""
    if "role" not in message or not left_out:
        return []
    said = {"type": "text", "content": f"... ({left_out} messages cut)"}
    return [{"role": "user", "parts": [said]}]


def _plain(value: Any) -> Any:
    """What an SDK's object holds; a description where it holds nothing that JSON knows."""
    found = fields(value)
    return dict(found) if found else f"({type(value).__name__})"
