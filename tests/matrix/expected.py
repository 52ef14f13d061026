"""What the span and the price of a cell must be, by rule from its axes alone."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from costspan.testing.tally import Served
from tests.matrix.cells import LEFT_EARLY, REFUSED, STATUSES, Cell

_REQUEST_ID = re.compile(r"req_[0-9a-f]{32}")
_EXCEPTIONS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
}
_ANSWERS = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
}
# A compaction does not say by which model, nor does a count.
_NAMELESS_ANSWERS = frozenset(
    {"/responses/compact", "/responses/input_tokens", "/v1/messages/count_tokens"}
)
_NAMELESS = frozenset({"fetch_response"})


@dataclass(frozen=True, slots=True)
class Expected:
    """Of each span of a cell; None = absent.

    `usd` is the cost of the call; `failed` says that the span has the caller's exception.
    """

    failed: bool
    abandoned: bool
    input: int | None
    output: int | None
    cost_status: str
    usd: Decimal | None
    missing: tuple[str, ...]
    http_status: int | None
    resends: int | None
    first_chunk: bool
    first_token: bool
    spans: int = 1


def expected(cell: Cell) -> Expected:
    """The rule."""
    told = _told(cell)
    status, usd, missing = _cost(cell, told)
    whole, bill = told == "whole", cell.method.bill
    return Expected(
        failed=_failed(cell),
        abandoned=_abandoned(cell),
        input=bill.input if whole else bill.started if told == "start" else None,
        output=bill.output if whole else None,
        cost_status=status,
        usd=usd,
        missing=missing,
        http_status=_http_status(cell),
        resends=2 if cell.ending == "third_try" else None,
        first_chunk=_streams_anything(cell),
        first_token=cell.form.streamed and cell.ending in ("read", "third_try"),
        spans=cell.method.calls if cell.ending in ("read", "third_try") else 1,
    )


def _before_the_answer(cell: Cell) -> bool:
    """Whether the call ends with the server's answer not begun."""
    if cell.ending in ("timeout", "connection_refused"):
        return True
    if cell.ending == "cancelled":
        return not cell.pieces
    return cell.ending == "cut" and not cell.form.streamed and cell.form.via != "unread"


def _told(cell: Cell) -> str:
    """How much of its usage the provider got to say: `whole`, `start` or nothing."""
    if cell.ending in REFUSED or _before_the_answer(cell):
        return ""
    if cell.ending in ("read", "third_try") or _raises_on_whole_answer(cell):
        return "" if _usage_not_asked(cell) else "whole"
    if cell.ending in LEFT_EARLY and not _streams_anything(cell):
        return ""
    if not cell.form.streamed:
        return ""
    return "start" if cell.method.bill.started is not None else ""


def _usage_not_asked(cell: Cell) -> bool:
    """Raw responses are not ours to ask for usage in: the caller would see it."""
    return cell.method.known_host and cell.form.via != "direct"


def _raises_on_whole_answer(cell: Cell) -> bool:
    return cell.ending == "helper_raises" and not _raises_midway(cell)


def _raises_midway(cell: Cell) -> bool:
    """The chat helper raises at the chunk that says `length`, with the usage still to come."""
    return cell.ending == "helper_raises" and cell.method.kind == "helper"


def _streams_anything(cell: Cell) -> bool:
    """Whether a first chunk reaches the caller."""
    if not cell.form.streamed or cell.ending in REFUSED or _before_the_answer(cell):
        return False
    if cell.ending in ("closed_early", "dropped"):
        return cell.pieces
    return cell.ending != "never_read"


def _failed(cell: Cell) -> bool:
    """Whether an exception passed through the request or the reading of its body."""
    if cell.ending in (*REFUSED, "timeout", "cut", "stalled", "cancelled"):
        return True
    if cell.ending == "error_event":
        return cell.form.reader not in ("lines", "read")
    # With a raw response it is the caller's own parse() that raises, after the call.
    return (
        cell.ending == "helper_raises" and cell.method.kind == "parse" and cell.form.via == "direct"
    )


def _abandoned(cell: Cell) -> bool:
    if cell.method.kind == "runner" and not cell.form.streamed:
        return False
    return cell.ending in LEFT_EARLY or _raises_midway(cell)


def _http_status(cell: Cell) -> int | None:
    if cell.ending in STATUSES:
        return STATUSES[cell.ending]
    return None if _before_the_answer(cell) else 200


def _cost(cell: Cell, told: str) -> tuple[str, Decimal | None, tuple[str, ...]]:
    bill = cell.method.bill
    if bill.usd == 0 or cell.ending in REFUSED:
        return "not_billed", Decimal(0), ()
    if told == "whole":
        return "priced", bill.usd, ()
    if cell.method.settles:
        return "not_billed", Decimal(0), ()
    if told == "start":
        return "partial", bill.started_usd, ("output_tokens",)
    return "unpriced", None, ("usage",)


# --- holding a span to it


def faults(cell: Cell, span: ReadableSpan, exception: type[BaseException] | None) -> list[str]:
    """In words, where a span is not what it must be."""
    found = dict(span.attributes or {})
    wanted = dict(_attributes(cell, exception))
    unequal = [
        f"{name} is {found.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    return unequal + list(_other_faults(cell, span, found))


def _attributes(cell: Cell, exception: type[BaseException] | None) -> Iterator[tuple[str, Any]]:
    method, want = cell.method, expected(cell)
    yield "gen_ai.operation.name", method.operation
    yield "gen_ai.provider.name", method.sdk
    yield "gen_ai.request.model", method.model
    yield "gen_ai.request.stream", True if cell.form.streamed else None
    yield "server.address", _address(cell)
    yield "gen_ai.usage.input_tokens", want.input
    yield "gen_ai.usage.output_tokens", want.output
    yield "costspan.stream.outcome", "abandoned" if want.abandoned else None
    yield "http.response.status_code", want.http_status
    yield "http.request.resend_count", want.resends
    yield "error.type", _error_type(cell, exception) if want.failed else None
    yield "costspan.cost.status", want.cost_status
    yield "costspan.cost.missing", want.missing or None
    yield "costspan.cost.total", None if want.usd is None else float(want.usd)
    yield "costspan.settles_response", True if _settles(cell) else None
    if _told(cell) == "whole" and method.path not in _NAMELESS_ANSWERS:
        yield "gen_ai.response.model", _ANSWERS.get(method.model or "gpt-4o-mini", method.model)


def _address(cell: Cell) -> str:
    known = cell.method.known_host and cell.ending != "connection_refused"
    return "api.openai.com" if known else "127.0.0.1"


def _settles(cell: Cell) -> bool:
    return cell.method.settles and expected(cell).cost_status == "priced"


def _error_type(cell: Cell, exception: type[BaseException] | None) -> str:
    if cell.ending in STATUSES:
        return f"{cell.method.sdk}.{_EXCEPTIONS[STATUSES[cell.ending]]}"
    assert exception is not None, "the caller saw no exception"
    return f"{exception.__module__}.{exception.__qualname__}"


def _other_faults(cell: Cell, span: ReadableSpan, found: dict[str, Any]) -> Iterator[str]:
    want, method = expected(cell), cell.method
    model = "" if method.operation in _NAMELESS else f" {method.model}"
    if span.name != f"{method.operation}{model}":
        yield f"the name is {span.name!r}"
    if span.kind is not SpanKind.CLIENT:
        yield f"the kind is {span.kind}"
    if span.status.status_code is not (StatusCode.ERROR if want.failed else StatusCode.UNSET):
        yield f"the status is {span.status.status_code}"
    if span.events:
        yield f"there are events: {[event.name for event in span.events]}"
    request_id = found.get("costspan.request.id")
    answered = want.http_status is not None
    if answered != (request_id is not None and bool(_REQUEST_ID.fullmatch(request_id))):
        yield f"the request id is {request_id!r}"
    yield from _time_faults(span, want, found)


def _time_faults(span: ReadableSpan, want: Expected, found: dict[str, Any]) -> Iterator[str]:
    first = found.get("gen_ai.response.time_to_first_chunk")
    if want.first_chunk != (first is not None):
        yield f"time_to_first_chunk is {first!r}"
    assert span.start_time is not None
    assert span.end_time is not None
    lasted = (span.end_time - span.start_time) / 1e9
    if first is not None and not 0 < first <= lasted:
        yield f"time_to_first_chunk is {first}, of {lasted}"
    token = found.get("costspan.time_to_first_token")
    if token is not None and not (first or lasted) <= token <= lasted:
        yield f"time_to_first_token is {token}, of {lasted}"
    if want.first_token and token is None:
        yield "time_to_first_token is absent"


def tally_faults(cell: Cell, spans: Sequence[ReadableSpan], served: Sequence[Served]) -> list[str]:
    """In words, where the spans differ from what the server has on its books."""
    if cell.ending not in ("read", "third_try"):
        return []
    want, answered = expected(cell), [one for one in served if one.status == 200]
    requests = want.spans * (1 + (want.resends or 0))
    found = [] if len(served) == requests else [f"{len(served)} requests, not {requests}"]
    if not all(one.complete for one in answered):
        found.append("the server's answers are not complete")
    if want.input is not None:
        books = [(one.input_tokens, one.output_tokens) for one in answered]
        counts = [_counts(span) for span in spans]
        found += [] if counts == books else [f"the spans count {counts}, the server {books}"]
    return found


def _counts(span: ReadableSpan) -> tuple[Any, Any]:
    found = span.attributes or {}
    return found["gen_ai.usage.input_tokens"], found.get("gen_ai.usage.output_tokens", 0)
