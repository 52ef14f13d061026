"""Odd answers: the caller gets what the bare SDK gives, the span says what it lacks."""

import json
from typing import Any

import httpx2
import pytest

from tests.instrumentation.odd import (
    CLAUDE_IN,
    CLAUDE_OUT,
    CLAUDE_WHOLE,
    HUGE,
    IN,
    NOTHING_KNOWN,
    ONLY_IN,
    ONLY_OUT,
    STATUS,
    SURFACES,
    TOTAL,
    WHOLE,
    Respond,
    body,
    claude_usage,
    counts,
    expect,
    observed,
    raw,
    with_usage,
    without,
)
from tests.instrumentation.rig import CHAT, MESSAGE

CHATS: dict[str, tuple[Any, dict[str, Any]]] = {
    "as documented": (CHAT, WHOLE),
    "no usage": (without(CHAT, "usage"), NOTHING_KNOWN),
    "null usage": (with_usage(CHAT, None), NOTHING_KNOWN),
    "empty usage": (with_usage(CHAT, {}), NOTHING_KNOWN),
    "usage is text": (with_usage(CHAT, "lots"), NOTHING_KNOWN),
    "usage is a list": (with_usage(CHAT, [1, 2]), NOTHING_KNOWN),
    "null counts": (with_usage(CHAT, counts(None, None)), NOTHING_KNOWN),
    "counts in words": (with_usage(CHAT, counts("many", "few")), NOTHING_KNOWN),
    "negative": (with_usage(CHAT, counts(-1, -1)), NOTHING_KNOWN),
    "negative output": (with_usage(CHAT, counts(1000, -5)), ONLY_IN),
    "beyond 64 bits": (with_usage(CHAT, counts(HUGE, 200)), ONLY_OUT),
    "a fraction is no count": (with_usage(CHAT, counts(1000, 1.5)), ONLY_IN),
    "whole numbers as floats": (with_usage(CHAT, counts(1000.0, 200.0)), WHOLE),
    "odd details": (
        with_usage(CHAT, counts(1000, 200, prompt_tokens_details="x", vendor_tokens=[9])),
        WHOLE,
    ),
    "unknown fields": ({**CHAT, "vendor": {"deep": [1, None]}, "x": 1}, WHOLE),
    "usage elsewhere": ({**without(CHAT, "usage"), "x_groq": {"usage": CHAT["usage"]}}, WHOLE),
    "no choices": ({**CHAT, "choices": []}, WHOLE),
    "null choices": ({**CHAT, "choices": None}, WHOLE),
    "choices are text": ({**CHAT, "choices": "none"}, WHOLE),
    "only usage": ({"usage": CHAT["usage"]}, {**WHOLE, "gen_ai.response.model": None}),
    "an empty object": ({}, NOTHING_KNOWN),
    "a list": ([1, 2], NOTHING_KNOWN),
    "a number": (5, NOTHING_KNOWN),
    "null": (None, NOTHING_KNOWN),
}
MESSAGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "as documented": (MESSAGE, CLAUDE_WHOLE),
    "no usage": (without(MESSAGE, "usage"), NOTHING_KNOWN),
    "null usage": (with_usage(MESSAGE, None), NOTHING_KNOWN),
    "usage is text": (with_usage(MESSAGE, "lots"), NOTHING_KNOWN),
    "negative output": (with_usage(MESSAGE, claude_usage(1000, -1)), CLAUDE_IN),
    "beyond 64 bits": (with_usage(MESSAGE, claude_usage(HUGE, 200)), CLAUDE_OUT),
    "counts in words": (with_usage(MESSAGE, claude_usage("many", 200)), CLAUDE_OUT),
    "null caches": (
        with_usage(MESSAGE, claude_usage(1000, 200, cache_read_input_tokens=None)),
        CLAUDE_WHOLE,
    ),
    "odd caches": (
        with_usage(MESSAGE, claude_usage(1000, 200, cache_creation="x", server_tool_use=[1])),
        CLAUDE_WHOLE,
    ),
    "unknown fields": ({**MESSAGE, "vendor": {"deep": [1]}}, CLAUDE_WHOLE),
    "unknown blocks": ({**MESSAGE, "content": [{"type": "hologram", "x": 1}]}, CLAUDE_WHOLE),
    "null content": ({**MESSAGE, "content": None}, CLAUDE_WHOLE),
    "an empty object": ({}, NOTHING_KNOWN),
    "a list": ([1], NOTHING_KNOWN),
    "null": (None, NOTHING_KNOWN),
}
RESPONSE: Any = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "model": "gpt-4o-mini-2024-07-18",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200},
}
RESPONSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "as documented": (RESPONSE, WHOLE),
    "null usage": (with_usage(RESPONSE, None), NOTHING_KNOWN),
    "negative output": (with_usage(RESPONSE, claude_usage(1000, -1)), ONLY_IN),
    "null output": ({**RESPONSE, "output": None}, WHOLE),
    "output is text": ({**RESPONSE, "output": "x", "tool_usage": "y"}, WHOLE),
    "unknown items": ({**RESPONSE, "output": [{"type": "hologram"}, None]}, WHOLE),
    "an empty object": ({}, NOTHING_KNOWN),
}
VECTORS: Any = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}
EMBEDDINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    # 1000 tokens at 0.02 USD a million.
    "as documented": (VECTORS, {IN: 1000, STATUS: "priced", TOTAL: 0.00002}),
    "no usage": (without(VECTORS, "usage"), NOTHING_KNOWN),
    "negative": (with_usage(VECTORS, {"prompt_tokens": -1}), NOTHING_KNOWN),
}
UNREADABLE: dict[str, Respond] = {
    "HTML": raw(b"<html>Bad gateway</html>", "text/html"),
    "HTML said to be JSON": raw(b"<html>Bad gateway</html>"),
    "plain text": raw(b"fine", "text/plain"),
    "empty": raw(b""),
    "empty without a type": lambda: httpx2.Response(200),
    "cut JSON": raw(json.dumps(CHAT).encode()[:120]),
    "broken unicode": raw(b'{"id": "\xff\xfe"}'),
    "no content": lambda: httpx2.Response(204),
}


class TestPlain:
    @pytest.mark.parametrize("case", CHATS)
    def test_chat(self, case: str) -> None:
        """Counts that make no sense are unknown, not zero; the rest is priced and marked so."""
        answer, wanted = CHATS[case]
        expect(observed(body(answer), "chat", streamed=False), wanted)

    @pytest.mark.parametrize("case", MESSAGES)
    def test_message(self, case: str) -> None:
        """The same for Anthropic's shape."""
        answer, wanted = MESSAGES[case]
        expect(observed(body(answer), "messages", streamed=False), wanted)

    @pytest.mark.parametrize("case", RESPONSES)
    def test_response(self, case: str) -> None:
        """The same for the Responses API."""
        answer, wanted = RESPONSES[case]
        expect(observed(body(answer), "responses", streamed=False), wanted)

    @pytest.mark.parametrize("case", EMBEDDINGS)
    def test_embeddings(self, case: str) -> None:
        """The same for embeddings, which have no output tokens to miss."""
        answer, wanted = EMBEDDINGS[case]
        expect(observed(body(answer), "embeddings", streamed=False), wanted)

    @pytest.mark.parametrize("surface", SURFACES)
    @pytest.mark.parametrize("case", UNREADABLE)
    def test_no_json(self, case: str, surface: str) -> None:
        """A body that is none: whatever the SDK makes of it, a span without counts."""
        expect(observed(UNREADABLE[case], surface, streamed=False), NOTHING_KNOWN)

    def test_three_choices(self) -> None:
        """`n=3`: one span with each choice's reason."""
        choices = [{**CHAT["choices"][0], "index": i} for i in range(3)]
        choices[1] = {**choices[1], "finish_reason": "length"}
        found = observed(body({**CHAT, "choices": choices}), "chat", streamed=False)

        assert found["gen_ai.response.finish_reasons"] == ("stop", "length", "stop")
        expect(found, WHOLE)

    def test_a_json_body_of_another_type_is_read(self) -> None:
        """Counts are found by the body, where the SDK too reads it in spite of its label."""
        kind = "application/vnd.vendor+json"
        expect(observed(raw(json.dumps(CHAT).encode(), kind), "chat", streamed=False), WHOLE)
