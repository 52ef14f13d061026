"""The Responses API of OpenAI: create, retrieve, cancel, compact and input_tokens."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass

from costspan.testing.exchange import Answer, Call, Json
from costspan.testing.openai_chat import CREATED
from costspan.testing.openai_response_events import response_events
from costspan.testing.scenario import Scenario
from costspan.testing.tokens import Tokens, count_prompt, put_usage
from costspan.testing.turn import (
    VENDOR_NOTE,
    Reply,
    ToolOffer,
    Turn,
    answered_model,
    last_text,
    reply_to,
)

_UNSAID = "The stored answer of the local model server."


@dataclass(frozen=True, slots=True)
class Stored:
    """What a response id tells: the server keeps nothing, so the id itself carries it."""

    model: str
    tokens: Tokens
    nonce: str

    def encode(self) -> str:
        """The response id."""
        packed = json.dumps([self.model, astuple(self.tokens), self.nonce]).encode()
        return "resp_" + urlsafe_b64encode(packed).decode().rstrip("=")


def read_id(response_id: str) -> Stored | None:
    """The inverse of `Stored.encode`; None for an id of another making."""
    packed = response_id.removeprefix("resp_")
    try:
        model, tokens, nonce = json.loads(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        return Stored(model, Tokens(*tokens), nonce)
    except (binascii.Error, ValueError, TypeError):
        return None


def usage_of(tokens: Tokens, scenario: Scenario) -> Json:
    """`usage` of the Responses API: the parts are inside the totals."""
    given: Json = {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write}
    if scenario.extra:
        given["vendor_detail_tokens"] = 3
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": given,
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


def _first_tool(tools: list[Json] | None) -> ToolOffer:
    for tool in tools or []:
        if tool.get("type") == "function":
            return ToolOffer(tool["name"], tool.get("parameters"))
    return ToolOffer()


def _turn(body: Json) -> Turn:
    asked = body.get("input") or ""
    items = asked if isinstance(asked, list) else []
    return Turn(
        model=str(body.get("model", "")),
        prompt=[body.get("instructions"), asked, body.get("tools")],
        last_user=last_text(asked),
        tool=_first_tool(body.get("tools")),
        answered=any(item.get("type") == "function_call_output" for item in items),
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
    )


def _output(reply: Reply, nonce: str, status: str) -> list[Json]:
    """The one output item: a message, or a function call."""
    if reply.tool:
        names = {"id": f"fc_{nonce}", "call_id": f"call_{nonce[:24]}", "name": reply.tool.name}
        arguments = json.dumps(reply.tool.arguments)
        return [{"type": "function_call", "status": status, "arguments": arguments, **names}]
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": reply.text}
    head = {"id": f"msg_{nonce}", "type": "message", "role": "assistant"}
    return [{**head, "status": status, "content": [part]}]


def _skeleton(call: Call, model: str, response_id: str) -> Json:
    """A response without its outcome; it echoes the request's settings, as OpenAI does."""
    request = call.body
    body: Json = {
        "id": response_id,
        "object": "response",
        "created_at": CREATED,
        "model": model,
        "background": call.scenario.background or bool(request.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "metadata": request.get("metadata") or {},
        "parallel_tool_calls": True,
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "auto",
        "store": True,
        "temperature": 1.0,
        "text": request.get("text") or {"format": {"type": "text"}},
        "tool_choice": request.get("tool_choice") or "auto",
        "tools": request.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
        "output": [],
        "usage": None,
    }
    return {**body, "vendor_note": VENDOR_NOTE} if call.scenario.extra else body


def _outcome(scenario: Scenario) -> tuple[str, Json]:
    """The final status and the fields that explain it."""
    if scenario.failed:
        message = f"The model failed. {scenario.canary}".strip()
        return "failed", {"error": {"code": "server_error", "message": message}}
    if scenario.length:
        return "incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}
    return "completed", {}


def _finished(call: Call, skeleton: Json, reply: Reply, nonce: str) -> Json:
    status, fields = _outcome(call.scenario)
    item_status = "incomplete" if status == "incomplete" else "completed"
    body = {
        **skeleton,
        **fields,
        "status": status,
        "completed_at": CREATED + 1,
        "service_tier": call.scenario.tier or "default",
        "output": [] if status == "failed" else _output(reply, nonce, item_status),
    }
    put_usage(body, "usage", usage_of(reply.tokens, call.scenario), call.scenario)
    return body


def _answer(call: Call, reply: Reply, response_id: str, nonce: str, streamed: bool) -> Answer:
    skeleton = _skeleton(call, reply.model, response_id)
    body = _finished(call, skeleton, reply, nonce)
    opening = {**skeleton, "status": "in_progress"}
    return Answer(
        body=body,
        events=response_events(opening, body, call.scenario.extra) if streamed else None,
        tokens=reply.tokens,
        model=reply.model,
        response_id=response_id,
    )


def answer_response(call: Call) -> Answer:
    """POST /responses; a background response is only queued and costs nothing yet."""
    reply = reply_to(_turn(call.body), call)
    response_id = Stored(reply.model, reply.tokens, call.nonce).encode()
    streamed = bool(call.body.get("stream"))
    queued = call.scenario.background or call.body.get("background")
    if queued and not streamed:
        body = {**_skeleton(call, reply.model, response_id), "status": "queued"}
        return Answer(body=body, model=reply.model, response_id=response_id)
    return _answer(call, reply, response_id, call.nonce, streamed)


def answer_stored(call: Call, response_id: str, *, cancelled: bool) -> Answer | None:
    """GET /responses/{id} and POST /responses/{id}/cancel; None for an id not made here."""
    stored = read_id(response_id)
    if stored is None:
        return None
    if cancelled:
        body = {**_skeleton(call, stored.model, response_id), "status": "cancelled"}
        return Answer(body=body, model=stored.model, response_id=response_id)
    text = f"{_UNSAID} {call.scenario.canary}".strip()
    reply = Reply(stored.model, text, None, stored.tokens)
    streamed = call.query.get("stream") == "true"
    return _answer(call, reply, response_id, stored.nonce, streamed)


def answer_compact(call: Call) -> Answer:
    """POST /responses/compact: billed like a response, answered with one opaque item."""
    reply = reply_to(_turn(call.body), call)
    content = f"gAAAAA{call.nonce}"
    item = {"id": f"cmp_{call.nonce}", "type": "compaction", "encrypted_content": content}
    body: Json = {
        "id": f"resp_{call.nonce}",
        "object": "response.compaction",
        "created_at": CREATED,
        "output": [item],
    }
    put_usage(body, "usage", usage_of(reply.tokens, call.scenario), call.scenario)
    return Answer(body=body, tokens=reply.tokens, model=reply.model, response_id=body["id"])


def answer_input_tokens(call: Call) -> Answer:
    """POST /responses/input_tokens: a count, free of charge."""
    given = call.scenario.tokens
    count = given[0] if given else count_prompt(_turn(call.body).prompt)
    model = answered_model(str(call.body.get("model", "")), call.scenario.model)
    body = {"object": "response.input_tokens", "input_tokens": count}
    return Answer(body=body, model=model)
