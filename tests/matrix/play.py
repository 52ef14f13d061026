"""One run of a cell: what its steps do, and what its caller holds."""

import asyncio
import gc
from typing import Any

from costspan.testing import LLMServer
from tests.matrix.cells import WRAPPERS, Cell
from tests.matrix.clients import Clients
from tests.matrix.endings import END, scenario
from tests.matrix.methods import runner_arguments
from tests.matrix.seen import Seen

PATIENCE = 10.0  # seconds for what another thread or task has to do


class Play:
    """One run of a cell: its steps, and what the caller holds."""

    def __init__(self, cell: Cell, server: LLMServer, clients: Clients, nonce: str) -> None:
        self.cell = cell
        self.seen = Seen(several_turns=cell.method.kind == "runner")
        self.held: dict[str, Any] = {}
        self._server = server
        self._clients = clients
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
        client = self._clients.client_for(cell)
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
        task, seen = asyncio.current_task(), self._server.requests_seen
        assert task is not None

        async def watch() -> None:
            # The server is another thread's: there is nothing that a loop could wait for.
            while self._server.requests_seen == seen:  # noqa: ASYNC110
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
