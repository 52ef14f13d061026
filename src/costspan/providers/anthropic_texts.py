"""The text that goes through calls of the Anthropic SDK, for estimates of its tokens."""

from __future__ import annotations

from costspan.providers.operation import Body, fields
from costspan.providers.texts import Pieces, content, members, strings_of, written


def message_prompt(body: Body) -> Pieces:
    """Of a message: the system's words, all turns and the tools."""
    yield from content(body.get("system"))
    for message in members(body.get("messages")):
        if message is None:
            yield None
            return
        said = message.get("content")
        if isinstance(said, str):
            yield said
            continue
        for block in members(said):
            yield from _block(block)
    yield from written(body.get("tools"))


def _block(block: Body | None) -> Pieces:
    kind = None if block is None else block.get("type")
    if block is None:
        yield None
    elif kind == "tool_use":
        yield from strings_of(block, "name")
        yield from written(block.get("input"))
    elif kind == "tool_result":
        yield from content(block.get("content"))
    else:
        yield next(iter(strings_of(block, "text", "thinking")), None)


def message_chunk(event: Body) -> list[str]:
    """Of an event of a message: text, thinking, a tool's name and its arguments."""
    kind = event.get("type")
    if kind == "content_block_delta":
        return strings_of(fields(event.get("delta")), "text", "thinking", "partial_json")
    if kind == "content_block_start":
        return strings_of(fields(event.get("content_block")), "name")
    return []
