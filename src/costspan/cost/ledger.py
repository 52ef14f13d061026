"""The ledger: exact sums in all and by each dimension, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from costspan.call import Call, Cost
from costspan.errors import ConfigurationError
from costspan.totals import Summary, Totals, add, add_alert

DIMENSIONS = ("agent", "session", "user", "endpoint", "model", "provider", "trace")
"""What sums can be asked by, besides `tag:KEY`."""

OTHER = "(other)"
NONE = "(none)"
MOST_KEYS = 10_000
"""Keys kept for each dimension; calls of further ones are counted under `(other)`."""

_FORMER_WORDS = {"session_id": "session", "user_id": "user", "trace_id": "trace"}


class Ledger:
    """Sums of calls. Totals are exact however many keys there are."""

    def __init__(self) -> None:
        self.total = Totals()
        self._by: dict[str, dict[str, Totals]] = {name: {} for name in DIMENSIONS}

    def add(self, call: Call, cost: Cost) -> None:
        """Count one call in the total and under each of its keys."""
        add(call, cost, self._rows(call))

    def add_alert(self, call: Call) -> None:
        """Count one alert in the total and under each of the call's keys."""
        add_alert(self._rows(call))

    def summaries(self, dimension: str) -> dict[str, Summary]:
        """The sums by one dimension, the dearest first.

        Raises:
            ConfigurationError: the dimension is unknown; the message names the right word.
        """
        checked_dimension(dimension)
        rows = dict(self._by.get(dimension, {}))
        sums = {key: row.summary() for key, row in rows.items()}
        return dict(sorted(sums.items(), key=lambda item: item[1].cost_usd, reverse=True))

    def _rows(self, call: Call) -> list[Totals]:
        by = self._by
        rows = [
            self.total,
            _row(by["agent"], call.agent),
            _row(by["session"], call.session),
            _row(by["user"], call.user),
            _row(by["endpoint"], call.endpoint),
            _row(by["model"], call.model),
            _row(by["provider"], call.request.provider),
            _row(by["trace"], f"{call.trace_id:032x}" if call.trace_id else None),
        ]
        if call.tags:
            rows += self._tag_rows(call)
        return rows

    def _tag_rows(self, call: Call) -> Iterator[Totals]:
        for tag, value in call.tags.items():
            name = f"tag:{tag}"
            if name not in self._by and len(self._by) >= len(DIMENSIONS) + MOST_KEYS:
                continue
            yield _row(self._by.setdefault(name, {}), str(value))


def _row(rows: dict[str, Totals], key: str | None) -> Totals:
    row = rows.get(key or NONE)
    if row is None:
        name = (key or NONE) if len(rows) < MOST_KEYS else OTHER
        row = rows.setdefault(name, Totals())
    return row


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
