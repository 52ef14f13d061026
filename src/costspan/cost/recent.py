"""The last calls that were settled, in little room.

A call is some thirty small objects, and a thousand of them, each of another moment, lie all over
the memory that a program takes its own small objects from: each of its steps reaches further then.
So all but the newest are packed, many at a time.
"""

from __future__ import annotations

import marshal
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec.structs import astuple

from costspan import totals
from costspan.call import Call, Cost, Request, Response, Usage

_TOGETHER = 50
"""Calls that are packed together."""

_USAGE = Response.__struct_fields__.index("usage")

_Row = tuple[Call, Cost, bool]


class RecentCalls:
    """The last settled calls of one tracker, `most` at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._loose: deque[_Row] = deque()
        self._packed: deque[bytes | list[_Row]] = deque(maxlen=-(-most // _TOGETHER))

    def add(self, call: Call, cost: Cost, *, placed: bool = True) -> None:
        """Keep one more, the oldest may go for it; `placed` unless it is among the `waiting`."""
        self._loose.append((call, cost, placed))
        if len(self._loose) >= 2 * _TOGETHER:
            self._pack()

    def newest_first(self) -> Iterator[tuple[Call, Cost]]:
        """All of them, unpacked as far as they are asked for."""
        return ((call, cost) for call, cost, _ in self._rows())

    def waiting(self) -> Iterator[Call]:
        """Those that were not placed, the newest first."""
        return (call for call, _, placed in self._rows() if not placed)

    def _rows(self) -> Iterator[_Row]:
        with totals.lock():
            loose, packed = list(self._loose), list(self._packed)
        return islice(_backwards(loose, packed), self._most)

    def _pack(self) -> None:
        with totals.lock():
            if len(self._loose) >= 2 * _TOGETHER:  # no other thread was first
                rows = [self._loose.popleft() for _ in range(_TOGETHER)]
                self._packed.append(_bytes_of(rows))


def _backwards(loose: list[_Row], packed: list[bytes | list[_Row]]) -> Iterator[_Row]:
    yield from reversed(loose)
    for rows in reversed(packed):
        yield from reversed(rows if isinstance(rows, list) else _rows_of(rows))


def _bytes_of(rows: list[_Row]) -> bytes | list[_Row]:
    """As bytes; as they are where one has what these bytes cannot hold, such as a `Decimal`."""
    try:
        return marshal.dumps([(_told(call), astuple(cost), placed) for call, cost, placed in rows])
    except ValueError:
        return rows


def _told(call: Call) -> tuple[Any, ...]:
    """A call without its records but those that few have, and bytes cannot hold."""
    request, response, *others = astuple(call)
    if response is not None:
        response = list(astuple(response))
        if response[_USAGE] is not None:
            response[_USAGE] = astuple(response[_USAGE])
    return astuple(request), response, others


def _rows_of(packed: bytes) -> list[_Row]:
    rows = marshal.loads(packed)
    return [(_call(*told), _record(Cost, cost), placed) for told, cost, placed in rows]


def _call(request: Any, response: Any, others: list[Any]) -> Call:
    if response is not None:
        if response[_USAGE] is not None:
            response[_USAGE] = _record(Usage, response[_USAGE])
        response = _record(Response, response)
    call: Call = _record(Call, (_record(Request, request), response, *others))
    return call


def _record(kind: Any, values: Any) -> Any:
    return kind(**dict(zip(kind.__struct_fields__, values, strict=True)))
