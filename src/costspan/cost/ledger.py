"""The ledger: exact sums in all and by each dimension, in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from costspan import totals
from costspan.call import Call, Cost
from costspan.errors import ConfigurationError
from costspan.totals import (
    NO_LONGER_UNPRICED,
    NOTHING,
    ONE_ALERT,
    Summary,
    Sums,
    Taken,
    Totals,
    plus,
    summary_of,
    together,
)

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


class Ledger:
    """Sums of calls. Totals are exact however many keys there are.

    A call is counted in one cell, the sums of all calls with the very same keys, and in its trace.
    The cells are folded into the dimensions when somebody asks, or when there are many.
    """

    def __init__(self) -> None:
        self._total = NOTHING
        self._by: dict[str, dict[str, Sums]] = {name: {} for name in DIMENSIONS}
        self._cells: dict[tuple[Any, ...], Sums] = {}
        self._traces: dict[int, Sums] = {}

    def add(self, call: Call, cost: Cost, spent: tuple[Totals, ...] = ()) -> None:
        """Count one call, in the ledger and in the running sums of the blocks that it is under."""
        totals.count(call, cost, (self, *spent))

    def supersede(self, call: Call, spent: Collection[Totals] = ()) -> None:
        """Count an unpriced call as such no more, for its keys and in its blocks' running sums."""
        totals.count(call, NO_LONGER_UNPRICED, (self, *spent))

    def add_alert(self, call: Call) -> None:
        """Count one alert for the keys of its call."""
        totals.count(call, ONE_ALERT, (self,))

    def take(self, calls: Taken) -> None:
        """Add what some calls come to; the lock is held."""
        cells: dict[tuple[Any, ...], list[Sums]] = {}
        traces, others = self._traces, []
        for call, figures in calls:
            key = _cell(call)
            rows = cells.get(key)
            if rows is None:
                cells[key] = [figures]
            else:
                rows.append(figures)
            before = traces.get(call.trace_id)
            if before is not None:
                traces[call.trace_id] = plus(before, figures)
            elif len(traces) < MOST_KEYS:
                traces[call.trace_id] = figures
            else:
                others.append(figures)
        if others:
            traces[_OTHER_TRACE] = plus(traces.get(_OTHER_TRACE, NOTHING), together(others))
        for key, rows in cells.items():
            self._cells[key] = plus(self._cells.get(key, NOTHING), together(rows))
        if len(self._cells) > _MOST_CELLS:
            self._fold()

    def summary(self) -> Summary:
        """The sums of everything."""
        with totals.lock():
            totals.count_waiting()
            self._fold()
            return summary_of(self._total)

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension, the dearest first.

        Raises:
            ConfigurationError: the dimension is unknown; the message names the right word.
        """
        checked_dimension(dimension)
        with totals.lock():
            totals.count_waiting()
            self._fold()
            rows = self._trace_rows() if dimension == "trace" else self._by.get(dimension, {})
            sums = {key: summary_of(row) for key, row in rows.items()}
            return with_untagged(dimension, sums, summary_of(self._total))

    def _trace_rows(self) -> dict[str, Sums]:
        names = {0: NONE, _OTHER_TRACE: OTHER}
        return {names.get(key) or f"{key:032x}": row for key, row in self._traces.items()}

    def _fold(self) -> None:
        # Each is taken out first: a signal's handler that comes in the middle may ask for the sums,
        # or end this, and nothing is counted twice.
        cells, self._cells = self._cells, {}
        try:
            for key in list(cells):
                self._fold_one(key, cells.pop(key))
        finally:
            for key, cell in cells.items():
                self._cells[key] = plus(self._cells.get(key, NOTHING), cell)

    def _fold_one(self, key: tuple[Any, ...], cell: Sums) -> None:
        *values, tags = key
        self._total = plus(self._total, cell)
        for dimension, value in zip(_CELL, values, strict=True):
            _add_row(self._by[dimension], value, cell)
        for tag, value in tags or ():
            rows = self._by.get(f"tag:{tag}")
            if rows is None:
                if len(self._by) >= MOST_KEYS:
                    continue
                rows = self._by[f"tag:{tag}"] = {}
            _add_row(rows, str(value), cell)


def _cell(call: Call) -> tuple[Any, ...]:
    """All keys of a call."""
    request, response, tags = call.request, call.response, call.tags
    return (
        call.agent,
        call.session,
        call.user,
        call.endpoint,
        (None if response is None else response.model) or request.model,
        request.provider,
        tuple(tags.items()) if tags else None,
    )


def _add_row(rows: dict[str, Sums], key: str | None, sums: Sums) -> None:
    name = key or NONE
    if name not in rows and len(rows) >= MOST_KEYS:
        name = OTHER
    rows[name] = plus(rows.get(name, NOTHING), sums)


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
    if not isinstance(word, str):
        raise ConfigurationError(
            f"there is no sum by {word!r}: name one word; `costspan report --by agent,model` has "
            "rows by several"
        )
    if word in DIMENSIONS or (word.startswith("tag:") and len(word) > len("tag:")):
        return word
    right = _FORMER_WORDS.get(word)
    hint = f"write {right!r}" if right else f"use one of {', '.join(DIMENSIONS)} or 'tag:KEY'"
    if word in ("call", "span_id"):
        hint = "each call is in costs.records"
    raise ConfigurationError(f"there is no sum by {word!r}: {hint}")
