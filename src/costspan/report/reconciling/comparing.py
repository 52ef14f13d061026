"""Holds the files' sums against a provider's export, by day and model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct

from costspan.export.folders import Place
from costspan.report.figures import Figures, together
from costspan.report.query import Question, Report, ask
from costspan.report.reconciling.names import key_of, undated
from costspan.report.reconciling.statement import Item, Statement
from costspan.report.vocabulary import NONE

_DAY = timedelta(days=1)
_OVER_MIDNIGHT = "epoch(timestamp) % 86400 < latency_ms / 1000"
"""Calls that began on the day before the one that they are counted on."""
_ABANDONED = "outcome = 'abandoned'"

Key = tuple[date, tuple[str, ...]]
"""A day, and what the names of one model have in common; no words for what has no model."""


class Pair(Struct, frozen=True, kw_only=True):
    """One model's day on both sides.

    Attributes:
        model: its name, without a date; None for what the provider books on no model, and where it
            names no model at all.
        ours: the figures of the files; None where they have no such call.
        items: the provider's lines.
        abandoned, over_midnight: figures of those of our calls.
        measure: `cost_usd` or `total_tokens`.
    """

    day: date
    model: str | None
    ours: Figures | None
    items: tuple[Item, ...]
    abandoned: Figures = Figures()
    over_midnight: Figures = Figures()
    measure: str = "cost_usd"

    @property
    def known(self) -> Decimal | None:
        """Our sum; None where no call of ours has a price, or tells its tokens."""
        return getattr(self.ours or Figures(), self.measure)  # type: ignore[no-any-return]

    @property
    def is_unknown(self) -> bool:
        """Whether there are calls of ours, of which no sum is known."""
        return bool(self.ours and self.ours.calls) and self.known is None

    @property
    def our_amount(self) -> Decimal:
        """Our sum; what is not known adds nothing to it."""
        return Decimal(self.known or 0)

    @property
    def their_amount(self) -> Decimal:
        """The provider's."""
        return sum((item.amount for item in self.items), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """How much more the provider has."""
        return self.their_amount - self.our_amount


class Comparison(Struct, frozen=True, kw_only=True):
    """Both sides.

    Attributes:
        is_by_model: whether the provider's export names models; else only days are compared.
        pairs: in the order of days, the greatest difference first.
        apart: the provider's lines that are no usage: credits, taxes, fees.
        report: what was read of the files.
    """

    statement: Statement
    is_by_model: bool
    pairs: list[Pair]
    apart: tuple[Item, ...]
    report: Report

    @property
    def known(self) -> Decimal | None:
        """Our sum of all; None where no call of ours has a price, or tells its tokens."""
        is_none = all(pair.known is None for pair in self.pairs)
        return None if is_none and any(pair.is_unknown for pair in self.pairs) else self.ours

    @property
    def ours(self) -> Decimal:
        """The same; what is not known adds nothing to it."""
        return sum((pair.our_amount for pair in self.pairs), Decimal(0))

    @property
    def theirs(self) -> Decimal:
        """The provider's sum of all usage, without what stands apart."""
        return sum((pair.their_amount for pair in self.pairs), Decimal(0))


def compare(places: Sequence[Place], statement: Statement) -> Comparison:
    """Both sides, over the days of the provider's export.

    Raises:
        ConfigurationError: the files cannot be asked.
    """
    is_by_model = any(item.model for item in statement.items)
    reports = [_asked(places, statement, more) for more in ("", _OVER_MIDNIGHT, _ABANDONED)]
    ours, over_midnight, abandoned = (_by_key(report, is_by_model) for report in reports)
    names = _names(reports[0], statement) if is_by_model else {}
    theirs: dict[Key, list[Item]] = defaultdict(list)
    apart = []
    for item in statement.items:
        if item.kind == "usage":
            theirs[item.day, key_of(item.model or "")].append(item)
        else:
            apart.append(item)
    pairs = [
        Pair(
            day=key[0],
            model=names.get(key[1]),
            ours=ours.get(key),
            items=tuple(theirs.get(key, ())),
            abandoned=abandoned.get(key, Figures()),
            over_midnight=over_midnight.get(key, Figures()),
            measure="cost_usd" if statement.unit == "USD" else "total_tokens",
        )
        for key in {*ours, *theirs}
    ]
    pairs.sort(key=lambda pair: (pair.day, -abs(pair.difference), pair.model or ""))
    return Comparison(
        statement=statement,
        is_by_model=is_by_model,
        pairs=pairs,
        apart=tuple(apart),
        report=reports[0],
    )


def _asked(places: Sequence[Place], statement: Statement, more: str) -> Report:
    where = f"provider = '{statement.provider}' and {statement.calls}"
    return ask(
        Question(
            places,
            ("day", "model"),
            since=statement.first.isoformat(),
            until=(statement.last + _DAY).isoformat(),
            where=f"{where} and {more}" if more else where,
        )
    )


def _by_key(report: Report, is_by_model: bool) -> Mapping[Key, Figures]:
    found: dict[Key, list[Figures]] = defaultdict(list)
    for row in report.rows:
        day, model = row.keys
        name = key_of(model or NONE) if is_by_model else ()
        found[date.fromisoformat(day or ""), name].append(row.figures)
    return {key: together(figures) for key, figures in found.items()}


def _names(report: Report, statement: Statement) -> dict[tuple[str, ...], str]:
    """What a model is called: as we call it most often, else as the provider does."""
    counts: Counter[str] = Counter()
    for row in report.rows:
        counts[row.keys[1] or NONE] += row.figures.calls
    theirs = sorted({item.model for item in statement.items if item.model})
    names: dict[tuple[str, ...], str] = {}
    for name in (*(name for name, _ in counts.most_common()), *theirs):
        names.setdefault(key_of(name), undated(name))
    return names
