"""Runs a cell: the same script once bare and once instrumented."""

import asyncio
import contextvars
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from typing import Any
from zlib import crc32

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from costspan import CostSpanProcessor, CostTracker, Instrumentor, Prices, guard
from costspan.testing import LLMServer
from costspan.testing.tally import Served
from tests.matrix.cells import Cell
from tests.matrix.clients import Clients
from tests.matrix.endings import script
from tests.matrix.play import PATIENCE, Play, settled_loop
from tests.matrix.seen import Seen
from tests.matrix.shells import run_async, run_sync

PRICED_BY = os.environ.get("COSTSPAN_MATRIX_PRICED_BY", "")
"""`instrument`, or `processor`: calls are recorded without costs, and a `CostSpanProcessor` alone
prices them. By default half of the cells run in either way, chosen by their names."""


class Spans(SpanExporter):
    """Ended spans, which another thread may still be about to hand in."""

    def __init__(self) -> None:
        self._ended: list[ReadableSpan] = []
        self._arrived = Condition()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._arrived:
            self._ended += spans
            self._arrived.notify_all()
        return SpanExportResult.SUCCESS

    def wait(self, count: int) -> list[ReadableSpan]:
        """The spans, once there are `count`, or all there are when patience ends."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._ended) >= count, PATIENCE)
            return list(self._ended)

    def take(self) -> list[ReadableSpan]:
        """The spans of calls that there are; all are forgotten.

        Of its own, the Anthropic SDK also makes INTERNAL spans, for a runner and its tools.
        """
        with self._arrived:
            taken, self._ended = self._ended, []
            return [span for span in taken if span.kind is not SpanKind.INTERNAL]


def _state() -> tuple[Any, dict[Any, Any]]:
    return otel_context.get_current(), dict(contextvars.copy_context().items())


class Run:
    """What one run showed: to its caller, and in its context."""

    def __init__(self, play: Play) -> None:
        self.seen = play.seen
        self.context_kept = False
        self._play = play

    def sync(self) -> None:
        """Run in this thread."""
        before = _state()
        try:
            run_sync(script(self._play))
        except BaseException as exc:
            self.seen.fail(exc)
        self._play.drop()
        self.context_kept = _state() == before

    async def in_loop(self) -> None:
        """Run in this task."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._complain)
        before = _state()
        inner = asyncio.create_task(self._task())
        own = {asyncio.current_task(), inner}
        self._play.own = own
        try:
            await inner
        except BaseException as exc:
            self.seen.fail(exc)
        self._play.drop()
        await settled_loop(own)
        self.context_kept = self.context_kept and _state() == before

    async def _task(self) -> None:
        before = _state()
        try:
            await run_async(script(self._play))
        finally:
            self.context_kept = _state() == before

    def _complain(self, loop: Any, context: dict[str, Any]) -> None:
        self.seen.complain(context["message"], context.get("exception"))


class Bench:
    """What all cells of one process share: a server, clients, a loop, and where spans go."""

    def __init__(self, server: LLMServer, clients: Clients, runner: asyncio.Runner) -> None:
        self.server = server
        self.clients = clients
        self._runner = runner
        self._prices = Prices()
        self.spans = Spans()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self._processor = CostSpanProcessor(CostTracker(prices=self._prices))
        self._processor.serve(None)
        self.provider.add_span_processor(self._processor)

    def bare(self, cell: Cell, nonce: str) -> Run:
        """Run a cell without costspan."""
        run = self._run(cell, f"{nonce}0")
        self.spans.take()  # of the SDK's own
        return run

    def instrumented(self, cell: Cell, nonce: str) -> tuple[Run, CostTracker, list[ReadableSpan]]:
        """Run a cell with costspan."""
        costs = CostTracker(prices=self._prices)
        alone = PRICED_BY == "processor" if PRICED_BY else bool(crc32(str(cell).encode()) % 2)
        self._processor.serve(costs if alone else None)
        Instrumentor().instrument(tracer_provider=self.provider, costs=None if alone else costs)
        try:
            run = self._run(cell, f"{nonce}1")
            self.spans.wait(1)
        finally:
            Instrumentor().uninstrument()
            self._processor.serve(None)
        return run, costs, self.spans.take()

    def served(self, nonce: str) -> list[Served]:
        """What the server booked of the instrumented run."""
        return [one for one in self.server.tally if one.headers.get("x-nonce") == f"{nonce}1"]

    def _run(self, cell: Cell, nonce: str) -> Run:
        run = Run(Play(cell, self.server, self.clients, nonce))
        with _complaints(run.seen), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if cell.is_async:
                self._runner.run(run.in_loop(), context=contextvars.copy_context())
            else:
                contextvars.copy_context().run(run.sync)
        run.seen.warn(caught)
        return run


@contextmanager
def _complaints(seen: Seen) -> Iterator[None]:
    hook = sys.unraisablehook
    sys.unraisablehook = lambda args: seen.complain(f"in {args.object!r}"[:20], args.exc_value)
    try:
        yield
    finally:
        sys.unraisablehook = hook


def faults_of_costspan() -> int:
    """How many of its own faults costspan has swallowed."""
    return guard.faults()
