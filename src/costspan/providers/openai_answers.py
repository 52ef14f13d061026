"""What the OpenAI SDK's servers answer: counts, reasons and the streams they come in.

Read in openai 1.66 to 3.54; Groq's `x_groq.usage` as its servers send it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from costspan.call import Response, Usage
from costspan.providers.openai_usage import drawings, read_usage, reported_cost
from costspan.providers.operation import Body, count, fields, items, text

_NAMES = ("id", "model", "service_tier", "system_fingerprint")


def named_tier(value: Any) -> str | None:
    """A service tier that was really chosen: `auto` says nothing."""
    return None if value == "auto" else text(value)


def _usage_of(body: Body) -> Any:
    """The usage of a body or chunk, wherever the server put it."""
    usage = body.get("usage")
    return usage if usage is not None else fields(body.get("x_groq")).get("usage")


def read_chat(body: Body) -> Response:
    """A `ChatCompletion`, or a legacy `Completion`."""
    reasons = []
    for choice in items(body.get("choices")):
        reason = text(choice.get("finish_reason"))
        if reason is not None:
            reasons.append(reason)
    usage = fields(_usage_of(body))
    return Response(
        id=text(body.get("id")),
        model=text(body.get("model")),
        finish_reasons=tuple(reasons) or None,
        usage=read_usage(usage),
        reported_cost_usd=reported_cost(usage),
        service_tier=text(body.get("service_tier")),
        system_fingerprint=text(body.get("system_fingerprint")),
    )


def chat_keeps(chunk: Body) -> bool:
    """Whether a chunk says more than a piece of the answer."""
    if chunk.get("usage") is not None:
        return True
    choices = chunk.get("choices")
    if not choices:
        return True
    # A loop, as this runs on every chunk and a generator costs double.
    for choice in choices:
        said = choice if type(choice) is dict else choice.__dict__
        if said.get("finish_reason") is not None:
            return True
    return False


def chat_opening(chunk: Body) -> Body:
    """Who answers, as the first chunk says; the whole of it if it says more than that."""
    if chat_keeps(chunk):
        return chunk
    return {key: chunk[key] for key in _NAMES if chunk.get(key) is not None}


def chat_has_content(chunk: Body) -> bool:
    """Whether a chunk carries text, a tool call or reasoning."""
    for choice in items(chunk.get("choices")):
        delta = fields(choice.get("delta"))
        if delta.get("content") or delta.get("tool_calls") or delta.get("refusal"):
            return True
        if choice.get("text") or delta.get("reasoning_content") or delta.get("reasoning"):
            return True
    return False


def fold_chat(chunks: Sequence[Body]) -> Response:
    """The first chunk names the answer; each choice ends once; the last usage there is holds."""
    whole: dict[str, Any] = {}
    reasons: dict[int, str] = {}
    for chunk in chunks:
        for key in _NAMES:
            if chunk.get(key):
                whole[key] = chunk[key]
        usage = _usage_of(chunk)
        if usage is not None:
            whole["usage"] = usage
        for choice in items(chunk.get("choices")):
            reason = text(choice.get("finish_reason"))
            if reason:
                reasons[count(choice.get("index")) or 0] = reason
    whole["choices"] = [{"finish_reason": reasons[index]} for index in sorted(reasons)]
    return read_chat(whole)


def read_response(body: Body) -> Response:
    """A `Response` of the Responses API, or a `CompactedResponse`."""
    usage = read_usage(body.get("usage"))
    if usage is not None:
        usage = _with_tools(usage, body)
    reason = text(fields(body.get("incomplete_details")).get("reason"))
    return Response(
        id=text(body.get("id")),
        model=text(body.get("model")),
        finish_reasons=(reason,) if reason else None,
        usage=usage,
        also_billed=drawings(body),
        reported_cost_usd=reported_cost(body.get("usage")),
        service_tier=named_tier(body.get("service_tier")),
        status=text(body.get("status")),
        background=body.get("background") is True,
    )


def _with_tools(usage: Usage, body: Body) -> Usage:
    """The searches and code runs that are billed by use, beside the tokens."""
    output = items(body.get("output"))
    searches = count(fields(fields(body.get("tool_usage")).get("web_search")).get("num_requests"))
    if searches is None:
        searches = sum(map(_is_search, output)) or None
    files = sum(item.get("type") == "file_search_call" for item in output) or None
    runs = sum(item.get("type") == "code_interpreter_call" for item in output) or None
    if searches is files is runs is None:
        return usage
    return structs.replace(
        usage, web_searches=searches, storage_searches=files, code_executions=runs
    )


def _is_search(item: Body) -> bool:
    """Whether an item is a web search that is billed: one that opened a page is not."""
    return (
        item.get("type") == "web_search_call"
        and item.get("status") == "completed"
        and fields(item.get("action")).get("type", "search") == "search"
    )


_RESPONSE_EVENTS = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.created"}
)


def response_keeps(event: Body) -> bool:
    """Whether an event carries the response itself."""
    return event.get("type") in _RESPONSE_EVENTS


def response_opening(event: Body) -> Body:
    """Which response it is, as the first event says; the whole of it if it is the last too."""
    if event.get("type") != "response.created":
        return event
    whole = fields(event.get("response"))
    keys = ("id", "model", "status", "background")
    return {"type": event.get("type"), "response": {key: whole.get(key) for key in keys}}


def response_has_content(event: Body) -> bool:
    """Whether an event carries a piece of the answer."""
    kind = event.get("type")
    return isinstance(kind, str) and kind.endswith(".delta")


def fold_response(events: Sequence[Body]) -> Response:
    """The last event that carries the whole response says it all."""
    for event in reversed(events):
        if event.get("response") is not None:
            return read_response(fields(event["response"]))
    return Response()


def read_embeddings(body: Body) -> Response:
    """A `CreateEmbeddingResponse`: input tokens only."""
    return Response(
        model=text(body.get("model")),
        usage=read_usage(body.get("usage")),
        reported_cost_usd=reported_cost(body.get("usage")),
    )


def read_unbilled(body: Body) -> Response:
    """A moderation or a token count: nothing that is billed."""
    return Response(id=text(body.get("id")), model=text(body.get("model")))
