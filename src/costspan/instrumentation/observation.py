"""One call as it is seen: opened before it, settled exactly once after it.

The call is over when its request has returned and every exchange (one HTTP response of it) has
ended: read to the end, broken, closed or dropped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

from msgspec import structs
from opentelemetry import context, trace
from opentelemetry.trace import Status, StatusCode

from costspan import attributed, content, semconv
from costspan.alerts.alert import Alert
from costspan.alerts.event import add_alert
from costspan.call import Call, Cost, Request, Reservation, Response
from costspan.elsewhere import submit
from costspan.errors import BudgetExceeded
from costspan.guard import fault_of, quietly
from costspan.instrumentation import failures
from costspan.instrumentation.answers import combined
from costspan.instrumentation.captured import captured_attributes, first_text
from costspan.instrumentation.estimates import Estimate, lacking
from costspan.instrumentation.events import emit_details
from costspan.instrumentation.metrics import ChunkTimer
from costspan.instrumentation.spans import fill, opened
from costspan.instrumentation.wiring import Wiring
from costspan.providers.operation import Body, Operation

_SUPPRESSED = context._SUPPRESS_INSTRUMENTATION_KEY  # as OpenTelemetry's own packages import it
_ENDING_REQUEST = quietly("ending a request")
_SETTLING = quietly("settling a call")


current: ContextVar[Observation | None] = ContextVar("costspan-observation", default=None)
"""The call whose request is under way in this context."""


class Observation:
    """One call. What most calls never have stands in the class, until one has it."""

    _attached: tuple[Any, Token[Observation | None]] | None = None
    _open: bool
    _returned = False
    answer: Body | None = None
    body: Body | None = None
    error: str | None = None
    error_code: str | None = None
    estimate: Estimate | None = None
    exceeded: BudgetExceeded | None = None
    exception: BaseException | None = None
    finished: Future[None] | None = None
    first_chunk: float | None = None
    first_token: float | None = None
    http_status: int | None = None
    injected = False
    outcome = "complete"
    pending = 0
    request_id: str | None = None
    reservation: Reservation | None = None
    responses: tuple[Response, ...] = ()
    retries = 0
    seen = 0
    unbilled = False
    waits = False

    def __init__(
        self,
        wiring: Wiring,
        request: Request,
        here: context.Context,
        operation: Operation | None = None,
        body: Body | None = None,
    ) -> None:
        self.wiring = wiring
        self.request = request
        self.operation = operation
        if wiring.keeps_content:
            self.body = body
        self.who = attributed.attribution_in(here)
        self._open = True
        self.started_at = time.time_ns()
        self.started = self.ended = time.perf_counter()
        self.span = opened(wiring.tracers, request, self.who, self.started_at, here)

    def __enter__(self) -> Observation:
        """Make the span current while the request is under way."""
        token = context.attach(trace.set_span_in_context(self.span))
        self._attached = (token, current.set(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Detach the span; settle the call unless a stream or an unread body is still open."""
        with _ENDING_REQUEST:
            if self._attached is not None:
                token, previous = self._attached
                self._attached = None
                if left(previous):
                    context.detach(token)
            self._returned = True
            if exc is not None:
                self.fail(exc)
            elif not self.seen:
                self.unbilled = True
            if exc is not None or self.pending == 0:
                self.finish()

    def fail(self, exc: BaseException) -> None:
        """Note how the call failed; a coroutine that was merely closed is abandoned, not failed."""
        if isinstance(exc, GeneratorExit):
            self.outcome = "abandoned"
            return
        self.outcome = "failed"
        self.exception = exc
        self.error = failures.type_name(exc)
        fault_of(lambda: self._look_into(exc))  # one of the app's own may raise where it is asked

    def _look_into(self, exc: BaseException) -> None:
        self.error_code = failures.code(exc)
        self.http_status = self.http_status or failures.http_status(exc)
        self.request_id = self.request_id or failures.request_id(exc)
        self.retries = self.retries or failures.retries(exc)
        if not self.seen and failures.is_unbilled(exc):
            self.unbilled = True

    def returned_already(self) -> None:
        """Say that nobody waits for the request: the call is over with its last exchange."""
        self._returned = True
        self.injected = False
        self.waits = self.wiring.waits

    def is_streamed(self) -> None:
        """Say that the answer comes as a stream, where that was not known at the start."""
        self.request = structs.replace(self.request, stream=True)

    def chunk_timer(self) -> ChunkTimer | None:
        """What to call at each chunk of a stream, where chunks are timed."""
        return self.wiring.meters.chunk_timer(self.request, self.who, self.span)

    def ended_one(
        self, response: Response | None, outcome: str, exc: BaseException | None, at: float
    ) -> None:
        """One exchange ended, and its answer with it."""
        if outcome == "abandoned":
            self.outcome = outcome
        if exc is not None:
            self.fail(exc)
        self.pending -= 1
        self.answered(response, at)

    def answered(self, response: Response | None, at: float | None = None) -> None:
        """One answer was read; the call is over with the last one."""
        if response is not None:
            self.responses = (*self.responses, response)
        if self._returned and self.pending <= 0:
            self.finish(at)

    def finish(self, at: float | None = None) -> None:
        """Settle the call and end its span, exactly once."""
        try:
            del self._open  # one step, so that two threads cannot both do it
        except AttributeError:
            return
        self.ended = time.perf_counter() if at is None else at
        self.ended_at = self.started_at + round((self.ended - self.started) * 1e9)
        if self.waits:
            self.finished = submit(self._end)
        else:
            self._end()

    def _end(self) -> None:
        with _SETTLING:
            try:
                self._settle()
            finally:
                self.span.end(self.ended_at)
        self.exception = self.body = self.answer = None

    def _settle(self) -> None:
        wiring, call = self.wiring, self._call()
        cost = None
        # A processor settles what nobody has settled here; what was is not its to count.
        setattr(self.span, semconv.ON_SPAN, None if wiring.settles else (call, self.who))
        if wiring.costs is not None:
            call, cost, outcome = wiring.costs.account(call, self.reservation, self.who)
            self.exceeded = outcome.exceeded
            if outcome.alerts:
                self.told(outcome.alerts)
            if not wiring.settles:
                cost = None
        if self.span.is_recording() or wiring.details_events:
            self._write(call, cost)
        wiring.meters.record(call, cost, self.span)

    def told(self, alerts: Sequence[Alert]) -> None:
        """Show on the span what was told of the call."""
        for alert in alerts:
            add_alert(self.span, alert)

    def _write(self, call: Call, cost: Cost | None) -> None:
        attributes = semconv.call_attributes(call, cost)
        said = None
        if self.wiring.keeps_content and self._may_tell():
            attributes.update(captured_attributes(self.operation, self.body, self.answer))
            said = None if self.exception is None else failures.told(self.exception)
        fill(self.span, attributes)
        if self.wiring.details_events:
            told = captured_attributes(self.operation, self.body, self.answer)
            known = semconv.opening_attributes(self.request, self.who)
            emit_details(self.span, {**known, **attributes, **told}, call.ended_at)
        if self.error is not None:
            self.span.set_status(Status(StatusCode.ERROR, said or self.error_code))

    def _may_tell(self) -> bool:
        return content.allowed(self.wiring.capture, failed=self.error is not None)

    def _call(self) -> Call:
        who = self.who
        # A tuple: its two ids by their names are a function of Python each.
        trace_id, span_id = self.span.get_span_context()[:2]
        if self.seen == 1 and self.responses:
            response: Response | None = self.responses[0]
        else:
            response = combined(self.request, self.responses, self.seen)
        if self.answer is not None and response is not None and self._may_tell():
            response = structs.replace(response, preview=first_text(self.operation, self.answer))
        call = Call(
            request=self.request,
            response=response,
            started_at=self.started_at,
            ended_at=self.ended_at,
            runtime_seconds=self.ended - self.started,
            http_status=self.http_status,
            request_id=self.request_id,
            trace_id=trace_id,
            span_id=span_id,
            agent=who.agent,
            session=who.session,
            user=who.user,
            endpoint=who.endpoint,
            tags=who.tags,
        )
        # Up to 15 keywords are passed fast; the rest is seldom anything but its default.
        if self.unbilled or self.retries or self.outcome != "complete" or self.first_chunk:
            return self._more(call)
        return call

    def _more(self, call: Call) -> Call:
        """`call` with what only streams, failures and retries have."""
        return structs.replace(
            call,
            time_to_first_chunk=self.first_chunk,
            time_to_first_token=self.first_token,
            outcome=self.outcome,
            error=self.error,
            error_code=self.error_code,
            retries=self.retries,
            billed=not self.unbilled,
            estimated=lacking(self.estimate, call.usage, self.seen),
        )


def left(entered: Token[Observation | None]) -> bool:
    """Make current what was so before; False where this is another context.

    A coroutine that is closed rather than finished mostly runs in one, and so does a generator that
    a thread pool reads step by step: nothing is to undo there.
    """
    try:
        current.reset(entered)
    except ValueError:
        return False
    return True


def is_suppressed(here: context.Context) -> bool:
    """Whether the app asked, by its OpenTelemetry context, for no instrumentation here."""
    return bool(here.get(_SUPPRESSED) or here.get("suppress_instrumentation"))
