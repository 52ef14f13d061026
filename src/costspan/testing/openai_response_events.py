"""The events of a streamed OpenAI response, numbered from zero."""

from __future__ import annotations

import re
from collections.abc import Iterator

from costspan.testing.exchange import Event, Json

_Draft = tuple[str, Json]


def _message_drafts(item: Json) -> Iterator[_Draft]:
    part, text = item["content"][0], item["content"][0]["text"]
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    opened = {**item, "status": "in_progress", "content": []}
    yield "response.output_item.added", {"output_index": 0, "item": opened}
    yield "response.content_part.added", {**place, "part": {**part, "text": ""}}
    for piece in re.findall(r"\S+\s*", text):
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**place, "text": text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": part}
    yield "response.output_item.done", {"output_index": 0, "item": item}


def _call_drafts(item: Json) -> Iterator[_Draft]:
    written, place = item["arguments"], {"item_id": item["id"], "output_index": 0}
    opened = {**item, "status": "in_progress", "arguments": ""}
    yield "response.output_item.added", {"output_index": 0, "item": opened}
    for half in (written[: len(written) // 2], written[len(written) // 2 :]):
        yield "response.function_call_arguments.delta", {**place, "delta": half}
    done = {**place, "name": item["name"], "arguments": written}
    yield "response.function_call_arguments.done", done
    yield "response.output_item.done", {"output_index": 0, "item": item}


def _drafts(opening: Json, final: Json, extra: bool) -> Iterator[_Draft]:
    yield "response.created", {"response": opening}
    yield "response.in_progress", {"response": opening}
    if extra:
        yield "response.vendor_note", {"note": {"unknown": [1, None]}}
    for item in final["output"]:
        yield from (_call_drafts if item["type"] == "function_call" else _message_drafts)(item)
    yield f"response.{final['status']}", {"response": final}


def response_events(opening: Json, final: Json, extra: bool) -> tuple[Event, ...]:
    """From the response as it opens and as it ends, every event between; no `[DONE]` here."""
    return tuple(
        Event(name, {"type": name, "sequence_number": number, **fields})
        for number, (name, fields) in enumerate(_drafts(opening, final, extra))
    )
