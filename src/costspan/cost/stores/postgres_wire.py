"""One connection to PostgreSQL on which nothing takes longer than it may.

The libraries' own ways of waiting have no limit on the client's side, and a server that hangs keeps
its sockets open. So libpq is driven without blocking, through `psycopg.pq`.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import pq

Row = tuple[str, ...]

_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Refused(Exception):
    """The server did not do it, or not in time. Holds a code and no text of the server."""


class Wire:
    """A connection; any thread may use it, one at a time.

    Args:
        url: as libpq reads it.
        seconds: how long connecting may take.
        deadline: how long a statement may take, in seconds.
    """

    def __init__(self, url: str, seconds: float, deadline: float) -> None:
        self._seconds = deadline
        until = time.monotonic() + seconds
        self._pg = pq.PGconn.connect_start(url.encode())
        try:
            self._connect(until)
        except BaseException:
            self._pg.finish()
            raise
        self._pg.nonblocking = 1

    def _connect(self, deadline: float) -> None:
        if self._pg.status == pq.ConnStatus.BAD:
            raise Refused("no connection")
        while True:
            state = self._pg.connect_poll()
            if state == pq.PollingStatus.OK:
                return
            if state == pq.PollingStatus.FAILED:
                refused = b"authentication failed" in self._pg.error_message
                raise Refused("the password is refused" if refused else "no connection")
            self._wait(_READ if state == pq.PollingStatus.READING else _WRITE, deadline)

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """In the block, each statement may take so long."""
        before, self._seconds = self._seconds, seconds
        try:
            yield
        finally:
            self._seconds = before

    def ask(self, statement: str, *values: str | int | None) -> list[Row]:
        """The rows of one statement; NULL is an empty text.

        Raises:
            Refused: it failed, or no answer came in time.
        """
        deadline = time.monotonic() + self._seconds
        if values:
            given = [None if one is None else str(one).encode() for one in values]
            self._pg.send_query_params(statement.encode(), given)
        else:
            self._pg.send_query(statement.encode())
        while self._pg.flush():
            self._wait(_READ | _WRITE, deadline)
            self._pg.consume_input()
        results = []
        while True:
            while self._pg.is_busy():
                self._wait(_READ, deadline)
                self._pg.consume_input()
            result = self._pg.get_result()
            if result is None:
                break
            results.append(result)
        return _rows(results)

    def is_open(self) -> bool:
        """Nothing is to be read of a connection that is idle, unless it is its end."""
        with _Selector() as selector:
            selector.register(self._pg.socket, _READ)
            return not selector.select(0)

    def close(self) -> None:
        """End the connection."""
        self._pg.finish()

    def _wait(self, events: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        with _Selector() as selector:
            selector.register(self._pg.socket, events)
            if left <= 0 or not selector.select(left):
                raise Refused("no answer in time")


def _rows(results: Sequence[pq.abc.PGresult]) -> list[Row]:
    rows: list[Row] = []
    for result in results:
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            code = result.error_field(pq.DiagnosticField.SQLSTATE) or b"unknown"
            raise Refused(f"SQLSTATE {code.decode()}")
        rows += [
            tuple(
                (result.get_value(row, column) or b"").decode() for column in range(result.nfields)
            )
            for row in range(result.ntuples)
        ]
    return rows
