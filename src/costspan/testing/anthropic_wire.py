"""The Messages API of Anthropic: messages, plain and streamed, and count_tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator

from costspan.testing.exchange import Answer, Call, Event, Json, Wire
from costspan.testing.scenario import Scenario
from costspan.testing.tokens import Tokens, count_prompt, put_usage
from costspan.testing.turn import VENDOR_NOTE, Reply, ToolOffer, Turn, last_text, reply_to

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
# What message_start says before any token is known; a placeholder, not a usage.
_STARTED_OUTPUT = 1


def headers(nonce: str) -> dict[str, str]:
    """What every Anthropic answer carries."""
    return {"request-id": f"req_{nonce}", "anthropic-organization-id": "org-costspan"}


def _error(kind: str, message: str, nonce: str) -> Json:
    detail = {"type": kind, "message": message}
    return {"type": "error", "error": detail, "request_id": f"req_{nonce}"}


def failure(status: int, message: str, nonce: str) -> Answer:
    """An HTTP error in Anthropic's shape."""
    kind = _KINDS.get(status, "api_error")
    return Answer(status, headers(nonce), _error(kind, message, nonce))


def stream_error(call: Call, sent: int) -> Event:
    """The event that ends a stream when the server is overloaded half-way."""
    message = f"Overloaded {call.scenario.canary}".strip()
    return Event("error", _error("overloaded_error", message, call.nonce))


def _first_tool(tools: list[Json] | None) -> ToolOffer:
    for tool in tools or []:
        if "input_schema" in tool:
            return ToolOffer(tool["name"], tool["input_schema"])
    return ToolOffer()


def _has_result(messages: list[Json]) -> bool:
    parts = [p for m in messages if isinstance(m.get("content"), list) for p in m["content"]]
    return any(isinstance(part, dict) and part.get("type") == "tool_result" for part in parts)


def _turn(body: Json) -> Turn:
    messages = body.get("messages") or []
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Turn(
        model=str(body.get("model", "")),
        prompt=[body.get("system"), messages, body.get("tools")],
        last_user=last_text(messages),
        tool=_first_tool(body.get("tools")),
        answered=_has_result(messages),
        schema=wanted.get("schema"),
    )


def _counts(tokens: Tokens) -> Json:
    """The cumulative counts; `input_tokens` excludes what the cache gave or took."""
    return {
        "input_tokens": tokens.fresh,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    }


def _thinking(tokens: Tokens) -> Json:
    if not tokens.reasoning:
        return {}
    return {"output_tokens_details": {"thinking_tokens": tokens.reasoning}}


def _split(tokens: Tokens, scenario: Scenario) -> Json:
    """The part of usage that only a whole message or message_start carries."""
    return {
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.write5m,
            "ephemeral_1h_input_tokens": tokens.write1h,
        },
        "service_tier": scenario.tier or "standard",
    }


def _content(reply: Reply, nonce: str) -> Json:
    if reply.tool:
        names = {"id": f"toolu_{nonce[:24]}", "name": reply.tool.name}
        return {"type": "tool_use", **names, "input": reply.tool.arguments}
    return {"type": "text", "text": reply.text}


def _stop_reason(reply: Reply, scenario: Scenario) -> str:
    if scenario.length:
        return "max_tokens"
    return "tool_use" if reply.tool else "end_turn"


def _head(call: Call, reply: Reply) -> Json:
    head: Json = {
        "id": f"msg_{call.nonce}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    return {**head, "vendor_note": VENDOR_NOTE} if call.scenario.extra else head


def _message(call: Call, reply: Reply) -> Json:
    usage = {**_counts(reply.tokens), **_split(reply.tokens, call.scenario)}
    body = {
        **_head(call, reply),
        "content": [_content(reply, call.nonce)],
        "stop_reason": _stop_reason(reply, call.scenario),
    }
    put_usage(body, "usage", usage | _thinking(reply.tokens), call.scenario)
    return body


def _start(call: Call, reply: Reply) -> Json:
    counts = _counts(reply.tokens) | {"output_tokens": _STARTED_OUTPUT}
    counts["input_tokens"] = max(0, counts["input_tokens"] - call.scenario.grow)
    message = _head(call, reply)
    put_usage(message, "usage", counts | _split(reply.tokens, call.scenario), call.scenario)
    return {"type": "message_start", "message": message}


def _deltas(reply: Reply) -> Iterator[Json]:
    if reply.tool is None:
        yield from ({"type": "text_delta", "text": piece} for piece in reply.pieces)
        return
    written = json.dumps(reply.tool.arguments)
    for part in ("", written[: len(written) // 2], written[len(written) // 2 :]):
        yield {"type": "input_json_delta", "partial_json": part}


def _end(call: Call, reply: Reply) -> Json:
    delta = {"stop_reason": _stop_reason(reply, call.scenario), "stop_sequence": None}
    body: Json = {"type": "message_delta", "delta": delta}
    usage = _counts(reply.tokens) | _thinking(reply.tokens)
    put_usage(body, "usage", usage, call.scenario)
    return body


def _drafts(call: Call, reply: Reply) -> Iterator[Json]:
    empty: Json = {"input": {}} if reply.tool else {"text": ""}
    opened = _content(reply, call.nonce) | empty
    yield _start(call, reply)
    yield {"type": "content_block_start", "index": 0, "content_block": opened}
    yield {"type": "ping"}
    if call.scenario.extra:
        yield {"type": "vendor_note", "note": VENDOR_NOTE}
    yield from (
        {"type": "content_block_delta", "index": 0, "delta": delta} for delta in _deltas(reply)
    )
    yield {"type": "content_block_stop", "index": 0}
    yield _end(call, reply)
    yield {"type": "message_stop"}


def _answer_message(call: Call) -> Answer:
    reply = reply_to(_turn(call.body), call)
    body = _message(call, reply)
    events = None
    if call.body.get("stream"):
        events = tuple(Event(draft["type"], draft) for draft in _drafts(call, reply))
    return Answer(
        body=body, events=events, tokens=reply.tokens, model=reply.model, response_id=body["id"]
    )


def _answer_count(call: Call) -> Answer:
    given = call.scenario.tokens
    count = given[0] if given else count_prompt(_turn(call.body).prompt)
    return Answer(body={"input_tokens": count}, model=str(call.body.get("model", "")))


def answer(call: Call) -> Answer | None:
    """POST /v1/messages and /v1/messages/count_tokens; None for any other path."""
    if call.method != "POST":
        return None
    if call.path.endswith("/messages/count_tokens"):
        return _answer_count(call)
    return _answer_message(call) if call.path.endswith("/messages") else None


ANTHROPIC = Wire(answer, failure, stream_error, headers)
