"""The line of the calls file: one flat record per call, for writers and readers alike.

The fields are documented in `docs/calls-file.md`, which a test holds against this class.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from costspan import content
from costspan.call import PICOS_PER_USD, Call, Cost, Response, Usage, usd, whole_characters

SCHEMA_VERSION = 1
MOST_PICOS = 2**63 - 1
"""Of one call: what an integer of a database holds. More is no cost of a call, and not known."""

MOST_USD = Decimal(MOST_PICOS).scaleb(-12)
"""The same in dollars: 9.2 million."""

MOST_SECONDS = 10**12
"""A call took less: what a report's decimals hold."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = 10**7
"""Picodollars from which on a double below one dollar is written as exactly the amount: its twelve
digits come through a double whole, without an exponent. That is much cheaper than to spell it."""


class Line(Struct, frozen=True):
    """One settled call. None means not known; times ending in `_ms` are milliseconds.

    `timestamp` is the end of the call (RFC 3339, UTC, microseconds), `model` the one that
    answered, else the one asked, `status` the cost's, `cost_usd` null when unpriced.

    Fields that change together stand side by side, so that closed files compress well.
    """

    schema: int
    timestamp: str
    provider: str
    operation: str
    model: str | None
    request_model: str | None
    agent: str | None
    session_id: str | None
    endpoint: str | None
    user_id: str | None
    tags: Mapping[str, Any]
    latency_ms: float
    runtime_seconds: float
    time_to_first_token_ms: float | None
    time_to_first_chunk_ms: float | None
    error: str | None
    error_code: str | None
    http_status: int | None
    outcome: str
    stream: bool
    retries: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    web_searches: int | None
    estimated_input_tokens: int | None
    estimated_output_tokens: int | None
    cost_usd: Any
    input_usd: Any
    cache_read_usd: Any
    cache_write_usd: Any
    output_usd: Any
    tools_usd: Any
    status: str
    missing: tuple[str, ...]
    prices_as_of: str | None
    finish_reasons: tuple[str, ...] | None
    service_tier: str | None
    server_address: str | None
    server_port: int | None
    response_id: str | None
    request_id: str | None
    trace_id: str | None
    span_id: str | None
    corrects: str | None
    response_preview: str | None


def is_lasting(seconds: float) -> bool:
    """Whether a call may have taken so long."""
    return -MOST_SECONDS < seconds < MOST_SECONDS


_NO_USAGE = Usage()
_NO_RESPONSE = Response()


def line_of(call: Call, cost: Cost, *, exact: bool = False) -> Line:
    """The line of one call.

    Args:
        exact: dollars as ready-made JSON numbers, for a writer; by default they are `Decimal`.
    """
    request, response, usage = call.request, call.response or _NO_RESPONSE, call.usage or _NO_USAGE
    estimated = call.estimated or _NO_USAGE
    money = _json_number if exact else _decimal
    micros = round(call.runtime_seconds * 1e6)  # to round to digits costs several times that
    # In the order of the fields: by keyword, CPython 3.11 builds a dict of them all first.
    return Line(
        SCHEMA_VERSION,
        rfc3339(call.ended_at),
        request.provider,
        request.operation,
        call.model,
        request.model,
        call.agent,
        call.session,
        call.endpoint,
        call.user,
        call.tags,
        micros / 1e3,
        micros / 1e6,
        _milliseconds(call.time_to_first_token),
        _milliseconds(call.time_to_first_chunk),
        call.error,
        call.error_code,
        call.http_status,
        call.outcome,
        request.stream,
        call.retries,
        usage.input_tokens,
        usage.output_tokens,
        usage.total,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.web_searches,
        estimated.input_tokens,
        estimated.output_tokens,
        money(cost.total),
        money(cost.input),
        money(cost.cache_read),
        money(cost.cache_write),
        money(cost.output),
        money(cost.tools),
        cost.status,
        cost.missing,
        cost.prices_as_of,
        response.finish_reasons,
        response.service_tier,
        request.server_address,
        request.server_port,
        response.id,
        call.request_id,
        f"{call.trace_id:032x}" if call.trace_id else None,
        f"{call.span_id:016x}" if call.span_id else None,
        f"{call.corrects:016x}" if call.corrects else None,
        content.preview(response.preview),
    )


_encoder = msgspec.json.Encoder()


def encoded(call: Call, cost: Cost) -> bytes:
    """The line as it stands in a file, with its newline."""
    line = line_of(call, cost, exact=True)
    try:
        return _encoder.encode(line) + b"\n"
    except (UnicodeEncodeError, TypeError):
        # Half of a surrogate pair, which JSON may escape and UTF-8 not hold, or a kind of string.
        fields = {name: _encodable(getattr(line, name)) for name in line.__struct_fields__}
        return _encoder.encode(Line(**fields)) + b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return tuple(map(_encodable, value)) if isinstance(value, tuple) else value


def rfc3339(nanoseconds: int) -> str:
    """A moment as UTC with microseconds, such as `2026-11-21T10:15:30.123456Z`."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def day_of(nanoseconds: int) -> str:
    """The UTC day of a moment, such as `2026-11-21`."""
    return rfc3339(nanoseconds)[:10]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)


def _decimal(picos: int | None) -> Any:
    return None if picos is None else usd(picos)


def _json_number(picos: int | None) -> Any:
    if not picos:
        return picos
    if _SHORTEST <= picos < PICOS_PER_USD:
        return picos / PICOS_PER_USD
    whole, rest = divmod(abs(picos), PICOS_PER_USD)
    sign = "-" if picos < 0 else ""
    return msgspec.Raw(f"{sign}{whole}.{rest:012d}".rstrip("0").rstrip(".").encode())
