"""A line of a calls file as the span that it was.

The attributes are those that `semconv` makes of a call, so that a call which is replayed looks like
one that is live, as far as its line carries it. The parameters of the request, the row of the price
table and the parent are not in the line. A line without ids gets some that are always the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from costspan import semconv
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Request, Response, Usage
from costspan.report.databases.columns import COLUMNS
from costspan.report.databases.rows import Row

_FIELDS = [column.field for column in COLUMNS]
_AMOUNTS = ("input_usd", "cache_read_usd", "cache_write_usd", "output_usd", "tools_usd")
_ANSWERED = (
    *("response_id", "finish_reasons", "service_tier", "input_tokens", "output_tokens"),
    *("cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens"),
    *("total_tokens", "web_searches"),
)
_FETCH = "fetch_response"
_MODEL_FREE = frozenset({"count_tokens"})
"""Operations whose answers do not say which model gave them."""

_NONE_BILLED = "not_billed"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Said = dict[str, Any]


def span_of(row: Row, place: str, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    """The span of a call.

    Args:
        place: where the line stands; it makes the ids of one that has none.
    """
    said = dict(zip(_FIELDS, row.values, strict=True))
    call, cost = _call(said, place), _cost(said)
    failed = Status(StatusCode.ERROR, call.error_code)
    return ReadableSpan(
        name=semconv.span_name(call.request),
        context=SpanContext(call.trace_id, call.span_id, False, TraceFlags(TraceFlags.SAMPLED)),
        resource=resource,
        attributes=_attributes(call, cost),
        kind=SpanKind.CLIENT,
        status=failed if call.error is not None else Status(StatusCode.UNSET),
        start_time=call.started_at,
        end_time=call.ended_at,
        instrumentation_scope=scope,
    )


def _attributes(call: Call, cost: Cost) -> semconv.Attributes:
    who = Attribution(
        agent=call.agent,
        session=call.session,
        user=call.user,
        endpoint=call.endpoint,
        tags=call.tags,
    )
    opening = semconv.opening_attributes(call.request, who)
    return opening | semconv.call_attributes(call, cost)


def _call(said: Said, place: str) -> Call:
    ended = nanoseconds(said["timestamp"])
    trace, span = _ids(said, place)
    return Call(
        request=Request(
            operation=said["operation"],
            provider=said["provider"],
            api=_api(said),
            model=said["request_model"],
            server_address=said["server_address"],
            server_port=said["server_port"],
            stream=bool(said["stream"]),
        ),
        response=_response(said),
        started_at=max(ended - round(said["runtime_seconds"] * 1e9), 0),
        ended_at=ended,
        runtime_seconds=said["runtime_seconds"],
        time_to_first_chunk=_seconds(said["time_to_first_chunk_ms"]),
        time_to_first_token=_seconds(said["time_to_first_token_ms"]),
        outcome=said["outcome"],
        error=said["error"],
        error_code=said["error_code"],
        http_status=said["http_status"],
        request_id=said["request_id"],
        retries=said["retries"] or 0,
        estimated=_estimated(said),
        settles_response=said["operation"] == _FETCH and said["status"] != _NONE_BILLED,
        corrects=_hex(said["corrects"], 16),
        trace_id=trace,
        span_id=span,
        agent=said["agent"],
        session=said["session_id"],
        user=said["user_id"],
        endpoint=said["endpoint"],
        tags=_tags(said["tags"]),
    )


def _response(said: Said) -> Response | None:
    if not any(said[name] is not None for name in _ANSWERED) and not _is_answered(said):
        return None
    return Response(
        id=said["response_id"],
        model=said["model"] if _is_answered(said) else None,
        finish_reasons=tuple(said["finish_reasons"] or ()) or None,
        service_tier=said["service_tier"],
        usage=Usage(
            input_tokens=said["input_tokens"],
            output_tokens=said["output_tokens"],
            cache_read_tokens=said["cached_tokens"],
            cache_write_tokens=said["cache_write_tokens"],
            cache_write_1h_tokens=said["cache_write_1h_tokens"],
            reasoning_tokens=said["reasoning_tokens"],
            web_searches=said["web_searches"],
        ),
    )


def _is_answered(said: Said) -> bool:
    """Whether `model` is the one that answered, and not only the one that was asked."""
    if said["response_id"] is not None or said["model"] != said["request_model"]:
        return True
    is_whole = said["outcome"] == "complete" and said["http_status"] == 200
    return is_whole and said["operation"] not in _MODEL_FREE


def _estimated(said: Said) -> Usage | None:
    tokens, more = said["estimated_input_tokens"], said["estimated_output_tokens"]
    return None if tokens is more is None else Usage(input_tokens=tokens, output_tokens=more)


def _cost(said: Said) -> Cost:
    amounts = {name.removesuffix("_usd"): said[name] for name in _AMOUNTS}
    # Only a price that the provider itself told has neither parts nor a table.
    told = said["prices_as_of"] is None and all(said[name] is None for name in _AMOUNTS)
    return Cost(
        status=said["status"],
        total=said["cost_usd"],
        missing=tuple(said["missing"] or ()),
        prices_as_of=said["prices_as_of"],
        match="provider" if told and said["cost_usd"] is not None else None,
        **amounts,
    )


def _api(said: Said) -> str:
    """The wire format, which decides what a service tier is called."""
    provider, model = said["provider"], said["model"] or ""
    if said["http_status"] is None:  # no SDK made this call
        return ""
    if provider == "anthropic" or "claude" in model:
        return "anthropic"
    if provider.startswith("gcp.") and "gemini" in model:
        return "gemini"
    return "openai"


def nanoseconds(timestamp: str) -> int:
    """A moment as the files write it, since the epoch."""
    return (datetime.fromisoformat(timestamp) - _EPOCH) // _MICROSECOND * 1000


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1e3


def _ids(said: Said, place: str) -> tuple[int, int]:
    made = blake2b(place.encode(), digest_size=24).digest()
    trace, span = _hex(said["trace_id"], 32), _hex(said["span_id"], 16)
    return trace or int.from_bytes(made[:16]), span or int.from_bytes(made[16:])


def _hex(text: str | None, digits: int) -> int:
    try:
        return int(text, 16) if text and len(text) == digits else 0
    except ValueError:
        return 0


def _tags(text: str) -> dict[str, Any]:
    """The tags that an attribute can hold."""
    tags = msgspec.json.decode(text)
    return {
        key: value for key, value in tags.items() if isinstance(value, str | bool | int | float)
    }
