"""The ledger: exact sums in all and by each dimension, in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from costspan import totals
from costspan.call import Call, Cost
from costspan.errors import ConfigurationError
from costspan.totals import Summary, Totals

DIMENSIONS = ("agent", "session", "user", "endpoint", "model", "provider", "trace")
"""What sums can be asked by, besides `tag:KEY`."""

OTHER = "(other)"
NONE = "(none)"
MOST_KEYS = 10_000
"""Keys kept for each dimension; calls of further ones are counted under `(other)`."""

_FORMER_WORDS = {"session_id": "session", "user_id": "user", "trace_id": "trace"}
_OTHER_TRACE = -1
_CELL = DIMENSIONS[:-1]
_MOST_CELLS = 1_000
_MOST_WAITING = 32


class Ledger:
    """Sums of calls. Totals are exact however many keys there are.

    A call is counted in one cell, the sums of all calls with the very same keys, and in its trace.
    The cells are folded into the dimensions when somebody asks, or when there are many.

    Calls wait until there are some of them, or somebody asks: to count many in a row costs a
    fraction of counting each by itself, between the work of an app that has all caches to itself.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Call, Cost]] = []
        self._total = Totals()
        self._by: dict[str, dict[str, Totals]] = {name: {} for name in DIMENSIONS}
        self._cells: dict[tuple[Any, ...], Totals] = {}
        self._traces: dict[int, Totals] = {}

    def add(self, call: Call, cost: Cost, spent: Collection[Totals] = ()) -> None:
        """Count one call, in the ledger and in the running sums of the blocks that it is under."""
        with totals.lock():
            self._waiting.append((call, cost))
            if len(self._waiting) >= _MOST_WAITING:
                self._count()
            if spent:
                totals.add(call, cost, spent)

    def supersede(self, call: Call, spent: Collection[Totals] = ()) -> None:
        """Count an unpriced call as such no more, for its keys and in its blocks' running sums."""
        with totals.lock():
            self._count()
            for one in (self._cell(call), self._trace(call), *spent):
                one.unpriced_calls -= 1

    def add_alert(self, call: Call) -> None:
        """Count one alert for the keys of its call."""
        with totals.lock():
            self._count()
            self._cell(call).alerts += 1
            self._trace(call).alerts += 1

    def summary(self) -> Summary:
        """The sums of everything."""
        with totals.lock():
            self._count()
            self._fold()
            return self._total.summary()

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension, the dearest first.

        Raises:
            ConfigurationError: the dimension is unknown; the message names the right word.
        """
        checked_dimension(dimension)
        with totals.lock():
            self._count()
            self._fold()
            rows = self._trace_rows() if dimension == "trace" else self._by.get(dimension, {})
            sums = {key: row.summary() for key, row in rows.items()}
            return with_untagged(dimension, sums, self._total.summary())

    def _cell(self, call: Call) -> Totals:
        tags = tuple(call.tags.items()) if call.tags else None
        key = (
            call.agent,
            call.session,
            call.user,
            call.endpoint,
            call.model,
            call.request.provider,
            tags,
        )
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= _MOST_CELLS:
                self._fold()
            cell = self._cells[key] = Totals()
        return cell

    def _trace(self, call: Call) -> Totals:
        trace = call.trace_id
        row = self._traces.get(trace)
        if row is None:
            if len(self._traces) >= MOST_KEYS:
                trace = _OTHER_TRACE
            row = self._traces.setdefault(trace, Totals())
        return row

    def _trace_rows(self) -> dict[str, Totals]:
        names = {0: NONE, _OTHER_TRACE: OTHER}
        return {names.get(key) or f"{key:032x}": row for key, row in self._traces.items()}

    def _count(self) -> None:
        """Count the calls that wait; one that a finaliser settles meanwhile waits for the next."""
        waiting, self._waiting = self._waiting, []
        for call, cost in waiting:
            totals.add(call, cost, (self._cell(call), self._trace(call)))

    def _fold(self) -> None:
        for key, cell in self._cells.items():
            *values, tags = key
            self._total.merge(cell)
            for dimension, value in zip(_CELL, values, strict=True):
                _row(self._by[dimension], value).merge(cell)
            for tag, value in tags or ():
                rows = self._by.get(f"tag:{tag}")
                if rows is None:
                    if len(self._by) >= MOST_KEYS:
                        continue
                    rows = self._by[f"tag:{tag}"] = {}
                _row(rows, str(value)).merge(cell)
        self._cells.clear()


def _row(rows: dict[str, Totals], key: str | None) -> Totals:
    row = rows.get(key or NONE)
    if row is None:
        name = (key or NONE) if len(rows) < MOST_KEYS else OTHER
        row = rows.get(name)
        if row is None:
            row = rows[name] = Totals()
    return row


def with_untagged(
    dimension: str, rows: Mapping[str, Summary], total: Summary
) -> dict[str, Summary]:
    """Sums by one dimension, the dearest first; by a tag, calls without it under `(none)`."""
    found = dict(rows) if not dimension.startswith("tag:") else _untagged(rows, total)
    return dict(sorted(found.items(), key=lambda item: item[1].cost_usd, reverse=True))


def _untagged(rows: Mapping[str, Summary], total: Summary) -> dict[str, Summary]:
    tagged = {key: row for key, row in rows.items() if key != NONE}
    left = total.as_dict()
    for row in tagged.values():
        for name, value in row.as_dict().items():
            left[name] -= value
    if left["calls"] <= 0:  # less than none, where calls came between the two sums
        return tagged
    return {**tagged, NONE: Summary(**left)}


def checked_dimension(word: str) -> str:
    """`word` if sums can be asked by it.

    Raises:
        ConfigurationError: it cannot; the message names the right word.
    """
    if word in DIMENSIONS or (word.startswith("tag:") and len(word) > len("tag:")):
        return word
    right = _FORMER_WORDS.get(word)
    hint = f"write {right!r}" if right else f"use one of {', '.join(DIMENSIONS)} or 'tag:KEY'"
    if word in ("call", "span_id"):
        hint = "each call is in costs.records"
    raise ConfigurationError(f"there is no sum by {word!r}: {hint}")
