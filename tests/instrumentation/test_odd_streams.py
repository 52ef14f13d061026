"""Odd streams: the caller gets what the bare SDK gives, the span says what it lacks."""

import copy
import json
from typing import Any

import pytest

from tests.instrumentation.odd import (
    CLAUDE_IN,
    CLAUDE_WHOLE,
    DONE,
    IN,
    NOTHING_KNOWN,
    ONLY_IN,
    OUT,
    STATUS,
    WHOLE,
    Respond,
    claude_stream,
    claude_usage,
    counts,
    expect,
    observed,
    pieces,
    raw,
    stream,
    without,
)
from tests.instrumentation.rig import CHAT, CHAT_CHUNKS, MESSAGE_EVENTS, chat_chunk
from tests.instrumentation.test_odd_bodies import RESPONSE


def groq() -> list[Any]:
    chunks = [without(chunk, "usage") for chunk in copy.deepcopy(CHAT_CHUNKS[:-1])]
    chunks[-1]["x_groq"] = {"id": "req_1", "usage": CHAT["usage"]}
    return chunks


def cumulative() -> list[Any]:
    """Usage that grows in every chunk: the last one holds, they are not added up."""
    chunks = copy.deepcopy(CHAT_CHUNKS[:-1])
    for made, chunk in zip((10, 20, 200), chunks, strict=True):
        chunk["usage"] = counts(1000, made)
    return chunks


def three_choices() -> list[Any]:
    chunks = []
    for index, reason in ((2, "stop"), (0, "length"), (1, "stop")):
        said, ended = chat_chunk("Hi"), chat_chunk(finish_reason=reason)
        for chunk in (said, ended):
            chunk["choices"][0]["index"] = index
        chunks += [said, ended]
    return [*chunks, CHAT_CHUNKS[-1]]


NO_USAGE_CHUNKS = CHAT_CHUNKS[:-1]
CHAT_STREAMS: dict[str, tuple[Respond, dict[str, Any]]] = {
    "as documented": (stream(CHAT_CHUNKS), WHOLE),
    "no usage came": (stream(NO_USAGE_CHUNKS), NOTHING_KNOWN),
    "no end mark": (stream(CHAT_CHUNKS, end=b""), WHOLE),
    "nothing at all": (pieces(), NOTHING_KNOWN),
    "an empty piece": (pieces(b""), NOTHING_KNOWN),
    "only the end mark": (pieces(DONE), NOTHING_KNOWN),
    "only comments": (pieces(b": ping\n\n", b": ping\n\n", DONE), NOTHING_KNOWN),
    "usage beside choices": (
        stream([*NO_USAGE_CHUNKS[:-1], {**NO_USAGE_CHUNKS[-1], "usage": CHAT["usage"]}]),
        WHOLE,
    ),
    "usage by Groq": (stream(groq()), WHOLE),
    "usage grows": (stream(cumulative()), WHOLE),
    "usage first": (stream([CHAT_CHUNKS[-1], *NO_USAGE_CHUNKS]), WHOLE),
    "null after usage": (stream([CHAT_CHUNKS[-1], chat_chunk("x", usage=None)]), WHOLE),
    "usage is text": (
        stream([*NO_USAGE_CHUNKS, chat_chunk(choices=[], usage="lots")]),
        NOTHING_KNOWN,
    ),
    "negative": (
        stream([*NO_USAGE_CHUNKS, chat_chunk(choices=[], usage=counts(1000, -1))]),
        ONLY_IN,
    ),
    "unknown fields": (stream([{**c, "vendor": [None]} for c in CHAT_CHUNKS]), WHOLE),
    "chunks that are none": (stream([{}, {"choices": None}, *CHAT_CHUNKS]), WHOLE),
    "three choices": (
        stream(three_choices()),
        {**WHOLE, "gen_ai.response.finish_reasons": ("length", "stop", "stop")},
    ),
    "an error event": (
        stream([*CHAT_CHUNKS[:2], {"error": {"message": "overloaded", "type": "server"}}]),
        {**NOTHING_KNOWN, "error.type": "openai.APIError"},
    ),
    "cut JSON": (
        pieces(b"data: " + json.dumps(CHAT_CHUNKS[0]).encode() + b'\n\ndata: {"id": \n\n'),
        {**NOTHING_KNOWN, "error.type": "json.decoder.JSONDecodeError"},
    ),
    "HTML": (raw(b"<html></html>", "text/html"), NOTHING_KNOWN),
    "an error as a plain body": (raw(b'{"error": "no"}'), NOTHING_KNOWN),
}
DELTA = MESSAGE_EVENTS[-2]
PING = {"type": "ping"}
CLAUDE_STREAMS: dict[str, tuple[Respond, dict[str, Any]]] = {
    "as documented": (claude_stream(MESSAGE_EVENTS), CLAUDE_WHOLE),
    "headless": (claude_stream(MESSAGE_EVENTS[1:]), {IN: None, OUT: 200, STATUS: "partial"}),
    "no delta": (claude_stream([*MESSAGE_EVENTS[:-2], MESSAGE_EVENTS[-1]]), CLAUDE_IN),
    "nothing at all": (pieces(), NOTHING_KNOWN),
    "only pings": (claude_stream([PING, PING]), NOTHING_KNOWN),
    "unknown events": (
        claude_stream([MESSAGE_EVENTS[0], {"type": "hologram"}, PING, *MESSAGE_EVENTS[1:]]),
        CLAUDE_WHOLE,
    ),
    "delta repeats the input": (
        claude_stream([*MESSAGE_EVENTS[:-2], {**DELTA, "usage": claude_usage(1000, 200)}, PING]),
        CLAUDE_WHOLE,
    ),
    "delta with zero caches": (
        claude_stream(
            [
                *MESSAGE_EVENTS[:-2],
                {**DELTA, "usage": claude_usage(None, 200, cache_read_input_tokens=0)},
            ]
        ),
        CLAUDE_WHOLE,
    ),
    "two deltas": (
        claude_stream([*MESSAGE_EVENTS[:-2], {**DELTA, "usage": {"output_tokens": 50}}, DELTA]),
        CLAUDE_WHOLE,
    ),
    "negative": (
        claude_stream([*MESSAGE_EVENTS[:-2], {**DELTA, "usage": {"output_tokens": -1}}]),
        CLAUDE_IN,
    ),
    "usage is text": (
        claude_stream([*MESSAGE_EVENTS[:-2], {**DELTA, "usage": "lots"}]),
        CLAUDE_IN,
    ),
    "an error event": (
        claude_stream(
            [*MESSAGE_EVENTS[:3], {"type": "error", "error": {"type": "overloaded_error"}}]
        ),
        {**CLAUDE_IN, "error.type": "anthropic.APIStatusError"},
    ),
}


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "sequence_number": 0, **more}


BEGUN = {**RESPONSE, "status": "in_progress", "usage": None}
CREATED, COMPLETED = (
    event("response.created", response=BEGUN),
    event("response.completed", response=RESPONSE),
)
RESPONSE_STREAMS: dict[str, tuple[Respond, dict[str, Any]]] = {
    "as documented": (stream([CREATED, COMPLETED], end=b""), WHOLE),
    "no end": (stream([CREATED], end=b""), NOTHING_KNOWN),
    "headless": (stream([COMPLETED], end=b""), WHOLE),
    "end without a response": (stream([CREATED, event("response.completed")]), NOTHING_KNOWN),
    "null response": (stream([CREATED, event("response.completed", response=None)]), NOTHING_KNOWN),
    "unknown events": (stream([event("hologram", x=[1]), CREATED, COMPLETED]), WHOLE),
    "nothing at all": (pieces(), NOTHING_KNOWN),
}


class TestStreamed:
    @pytest.mark.parametrize("case", CHAT_STREAMS)
    def test_chat(self, case: str) -> None:
        """Wherever the usage stands it is found once; where there is none, that is said."""
        respond, wanted = CHAT_STREAMS[case]
        expect(observed(respond, "chat", streamed=True), wanted)

    @pytest.mark.parametrize("case", CLAUDE_STREAMS)
    def test_message(self, case: str) -> None:
        """Later counts replace earlier ones, field by field."""
        respond, wanted = CLAUDE_STREAMS[case]
        expect(observed(respond, "messages", streamed=True), wanted)

    @pytest.mark.parametrize("case", RESPONSE_STREAMS)
    def test_response(self, case: str) -> None:
        """The last event that carries the response says it all."""
        respond, wanted = RESPONSE_STREAMS[case]
        expect(observed(respond, "responses", streamed=True), wanted)
