"""What a trace is made of: lines of the calls file and spans of OTLP files, in one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, structs

from costspan import semconv
from costspan.export.schema import Line

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ERROR = 2
_NOT_THIS_ONE = "settled_elsewhere"
_NANOS_PER_MS = 10**6


class Part(Struct, frozen=True, kw_only=True):
    """A span, or a call whose span is in no file. None is what neither of them says.

    Times are nanoseconds since the epoch. `status` is that of the cost, None for what is no call.
    `corrects` is the id of the call whose line this one corrects.
    """

    id: str | None
    parent: str | None = None
    name: str
    started: int
    ended: int
    agent: str | None = None
    session: str | None = None
    user: str | None = None
    endpoint: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    status: str | None = None
    error: str | None = None
    outcome: str | None = None
    corrects: str | None = None

    @property
    def is_call(self) -> bool:
        """Whether it is a call whose cost was settled, and so one to count."""
        return self.status is not None


def part_of(line: Line) -> Part | None:
    """A call of the calls file; None where its time is none, or how long it took no number."""
    try:
        ended = _nanoseconds(datetime.fromisoformat(line.timestamp))
        lasted = round(line.latency_ms * _NANOS_PER_MS)
    except (ValueError, TypeError, OverflowError):
        return None
    return Part(
        id=line.span_id,
        name=f"{line.operation} {line.model}" if line.model else line.operation,
        started=max(ended - lasted, _FIRST),
        ended=ended,
        agent=line.agent,
        session=line.session_id,
        user=line.user_id,
        endpoint=line.endpoint,
        model=line.model,
        input_tokens=line.input_tokens,
        output_tokens=line.output_tokens,
        cost_usd=None if line.cost_usd is None else Decimal(line.cost_usd),
        status=line.status,
        error=line.error,
        outcome=line.outcome,
        corrects=line.corrects,
    )


def _nanoseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


_FIRST = _nanoseconds(datetime.min.replace(tzinfo=UTC))
"""Before it there is no date, however long a line says that its call took."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_FAULTS = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
_OF_THE_WRONG_KIND = (AttributeError, TypeError, KeyError, ValueError)


def spans_of(text: bytes) -> Iterator[tuple[str, Part]]:
    """The spans of a line of OTLP JSON with the ids of their traces; none where it is none."""
    try:
        found = _decode(text)
    except _FAULTS:
        return
    for span in _spans(found):
        try:
            yield str(span["traceId"]).lower(), _span(span)
        except _OF_THE_WRONG_KIND:
            continue


def _spans(found: Any) -> Iterator[Any]:
    for resource in _list(found, "resourceSpans"):
        for scope in _list(resource, "scopeSpans"):
            yield from _list(scope, "spans")


def _list(found: Any, name: str) -> list[Any]:
    inner = found.get(name) if isinstance(found, dict) else None
    return inner if isinstance(inner, list) else []


def _span(span: Mapping[str, Any]) -> Part:
    said = {one["key"]: _value(one.get("value", {})) for one in span.get("attributes", ())}
    status = said.get(semconv.COST_STATUS)
    cost = said.get(semconv.COST_TOTAL)
    if _NOT_THIS_ONE in (said.get(semconv.COST_MISSING) or ()):
        status = cost = None
    code = span.get("status", {}).get("code")
    return Part(
        id=str(span["spanId"]).lower(),
        parent=str(span.get("parentSpanId") or "").lower() or None,
        name=str(span.get("name", "")),
        started=_instant(span["startTimeUnixNano"]),
        ended=_instant(span["endTimeUnixNano"]),
        agent=_text(said.get(semconv.AGENT)),
        session=_text(said.get(semconv.SESSION)),
        user=_text(said.get(semconv.USER)),
        endpoint=_text(said.get(semconv.ENDPOINT)),
        model=_text(said.get(semconv.RESPONSE_MODEL) or said.get(semconv.REQUEST_MODEL)),
        input_tokens=_count(said.get(semconv.USAGE["input_tokens"])) if status else None,
        output_tokens=_count(said.get(semconv.USAGE["output_tokens"])) if status else None,
        cost_usd=Decimal(cost) if isinstance(cost, int | Decimal) else None,
        status=_text(status),
        error=_text(said.get(semconv.ERROR_TYPE)) or ("error" if code == _ERROR else None),
        outcome=_text(said.get(semconv.OUTCOME)),
        corrects=_text(said.get(semconv.CORRECTS)),
    )


def _instant(written: Any) -> int:
    """Nanoseconds since 1970, which OTLP keeps in 64 bits: no calendar goes on for as long."""
    found = int(written)
    if not 0 <= found < 1 << 64:
        raise ValueError
    return found


def _value(value: Mapping[str, Any]) -> Any:
    """An attribute's value; what is neither text nor a number nor a list of them is None."""
    for kind, inner in value.items():
        if kind == "intValue":
            return int(inner)
        if kind == "arrayValue":
            return [_value(one) for one in inner.get("values", ())]
        if kind in ("stringValue", "doubleValue", "boolValue"):
            return inner
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def merged(span: Part, call: Part) -> Part:
    """One call of which both files tell: the span's place, and the dollars to their last digit."""
    return structs.replace(
        call,
        parent=span.parent,
        name=span.name,
        started=span.started,
        ended=span.ended,
        error=call.error or span.error,
    )
