"""Runs a cell: the same script once bare and once instrumented, through one of two shells."""

import asyncio
import contextvars
import gc
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from costspan import CostTracker, Instrumentor, Prices, guard
from costspan.testing import LLMServer
from costspan.testing.tally import Served
from tests.matrix.cells import WRAPPERS, Cell
from tests.matrix.clients import Clients
from tests.matrix.endings import END, scenario, script
from tests.matrix.methods import runner_arguments
from tests.matrix.seen import Seen

PATIENCE = 10.0  # seconds for what another thread has to do


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


class Play:
    """One run of a cell: its steps, and what the caller holds."""

    def __init__(self, cell: Cell, bench: "Bench", nonce: str) -> None:
        self.cell = cell
        self.seen = Seen(several_turns=cell.method.kind == "runner")
        self.held: dict[str, Any] = {}
        self._bench = bench
        self._nonce = nonce
        self._watcher: Any = None
        self.own: set[Any] = set()  # the tasks of the run itself

    # what the caller holds

    def hold(self, name: str, value: Any) -> None:
        """Keep a value, as in a variable."""
        self.held[name] = value

    def take(self, name: str) -> Any:
        """A value that is kept no longer."""
        return self.held.pop(name)

    def note(self, name: str) -> None:
        """Look at a value."""
        self.seen.note(name, self.held[name])

    def drop(self) -> None:
        """Forget everything."""
        self.held.clear()

    @property
    def is_manager(self) -> bool:
        """Whether the call gives a context manager."""
        return self.cell.method.kind == "helper" or self.cell.form.via == "unread"

    # steps

    def call(self) -> Any:
        """Call the SDK's method."""
        cell = self.cell
        client = self._bench.clients.client_for(cell)
        resource = cell.method.resource(client)
        if cell.form.via != "direct":
            resource = getattr(resource, WRAPPERS[cell.form.via])
        method = getattr(resource, cell.method.verb)
        return method(**self._arguments(method))

    def _arguments(self, method: Any) -> dict[str, Any]:
        cell = self.cell
        arguments = cell.method.arguments(self._nonce)
        if cell.form.streamed and cell.method.kind != "helper":
            arguments |= cell.method.streamed or {}
        if cell.ending == "helper_raises":
            arguments |= cell.method.parsing or {}
        if cell.method.kind == "runner":
            arguments |= runner_arguments(method, is_async=cell.is_async)
        headers = {"x-costspan-scenario": scenario(self), "x-nonce": self._nonce}
        return arguments | {"extra_headers": headers}

    def enter(self) -> Any:
        """Enter the context manager."""
        manager = self.held["manager"]
        return manager.__aenter__() if self.cell.is_async else manager.__enter__()

    def leave(self, exc: BaseException | None) -> Any:
        """Leave the context manager, by an exception or without."""
        told = (type(exc), exc, exc.__traceback__) if exc is not None else (None, None, None)
        manager = self.take("manager")
        return manager.__aexit__(*told) if self.cell.is_async else manager.__exit__(*told)

    def parse(self) -> Any:
        """Parse a raw response."""
        return self.held["answer"].parse()

    def read(self) -> Any:
        """Read an unread response whole."""
        return self.held["answer"].read()

    def close(self) -> Any:
        """Close a stream or an unread response."""
        return self.held["answer"].close()

    def iterate(self, source: str = "answer", name: str = "iterator") -> None:
        """Begin a loop over the answer, or over its lines."""
        answer = self.held[source]
        if self.cell.form.reader == "lines":
            answer = answer.iter_lines()
        self.hold(name, aiter(answer) if self.cell.is_async else iter(answer))

    def next(self, name: str = "iterator") -> Any:
        """The next piece, or `END`."""
        iterator = self.held[name]
        return anext(iterator, END) if self.cell.is_async else next(iterator, END)

    def next_turn(self) -> Any:
        """The next message of a tool runner, or `END`."""
        return self.next("turns")

    def collect(self) -> Any:
        """Collect garbage, and let the loop finish what that began."""
        gc.collect()
        return self._collect_again() if self.cell.is_async else None

    async def _collect_again(self) -> None:
        # What the loop finished may have held a cycle: a response and its stream do.
        await settled_loop(self.own)
        gc.collect()

    def cancel_now(self) -> None:
        """Have the next step be cancelled."""
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    def cancel_in_flight(self) -> None:
        """Have this task be cancelled as soon as the server has its request."""
        task, seen = asyncio.current_task(), self._bench.server.requests_seen
        assert task is not None

        async def watch() -> None:
            while self._bench.server.requests_seen == seen:
                await asyncio.sleep(0.001)
            task.cancel()

        self._watcher = asyncio.create_task(watch())


async def settled_loop(own: set[Any]) -> None:
    """Wait until no other task of this loop is left, nor any that a dropped generator begins."""
    turns = 0
    while turns < 3:  # such a task begins a turn of the loop later
        others = asyncio.all_tasks() - own
        if others:
            await asyncio.wait(others, timeout=PATIENCE)
        turns = 0 if others else turns + 1
        await asyncio.sleep(0)


# --- the two shells


def run_sync(steps: Generator[Any, Any, None]) -> None:
    """Carry a script out."""
    came = Came()
    try:
        while True:
            step = came.send_to(steps)
            try:
                came.value = step()
            except BaseException as exc:
                came.fault = exc
            del step
    except Finished:
        return
    finally:
        came.clear()


async def run_async(steps: Generator[Any, Any, None]) -> None:
    """Carry a script out, awaiting what can be awaited."""
    came = Came()
    try:
        while True:
            step = came.send_to(steps)
            try:
                came.value = step()
                if hasattr(came.value, "__await__"):
                    came.value = await came.value
            except BaseException as exc:
                came.fault = exc
            del step
    except Finished:
        return
    finally:
        came.clear()


class Finished(Exception):
    """A script has come to its end."""


class Came:
    """What the last step gave: kept no longer than until the script has it.

    An exception that stayed in a shell's frame would be a cycle, and a dropped stream with it
    would be closed by the next garbage collection, wherever that strikes.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget it."""
        self.value: Any = None
        self.fault: BaseException | None = None

    def send_to(self, steps: Generator[Any, Any, None]) -> Any:
        """Hand it to the script, which gives its next step."""
        value, fault = self.value, self.fault
        self.clear()
        try:
            return steps.send(value) if fault is None else steps.throw(fault)
        except StopIteration:
            raise Finished from None
        finally:
            del value, fault


# --- one run


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

    def bare(self, cell: Cell, nonce: str) -> Run:
        """Run a cell without costspan."""
        run = self._run(cell, f"{nonce}0")
        self.spans.take()  # of the SDK's own
        return run

    def instrumented(self, cell: Cell, nonce: str) -> tuple[Run, CostTracker, list[ReadableSpan]]:
        """Run a cell with costspan."""
        costs = CostTracker(prices=self._prices)
        Instrumentor().instrument(tracer_provider=self.provider, costs=costs)
        try:
            run = self._run(cell, f"{nonce}1")
            self.spans.wait(1)
        finally:
            Instrumentor().uninstrument()
        return run, costs, self.spans.take()

    def served(self, nonce: str) -> list[Served]:
        """What the server booked of the instrumented run."""
        return [one for one in self.server.tally if one.headers.get("x-nonce") == f"{nonce}1"]

    def _run(self, cell: Cell, nonce: str) -> Run:
        run = Run(Play(cell, self, nonce))
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
