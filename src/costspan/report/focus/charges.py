"""The charges of calls files: of each day, provider and model, or of each call.

Dollars are exact. What is billed is the list price times the markup, rounded once for each row,
half-even, to 10^-12 USD; without a markup both are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import msgspec
from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.folders import Place
from costspan.export.reader import Reading
from costspan.export.schema import Line
from costspan.report.files import files_in
from costspan.report.focus.columns import Charge
from costspan.report.moments import moment
from costspan.report.query import Question, Report, Row, ask
from costspan.report.vocabulary import NONE, TAG, field_of, former_word, is_word

_EVERY_ROW = ("day", "provider", "model")
_NOT_TO_ASK = {*_EVERY_ROW, "hour", "call"}
_WORDS = "user, agent, session, endpoint, trace or tag:KEY"
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_UNIT = Decimal(1).scaleb(-12)
_EXACT = Context(prec=60)


LeftOut = Counter[tuple[str, str]]
"""How many calls are in no row, by the reason and by provider and model."""

UNPRICED = "no price"
UNENDING = "in December 9999, whose end has no date"
_LAST_MONTH = "9999-12"
_FIRST = datetime.fromisoformat("0001-01-01")


class Wanted(Struct, frozen=True):
    """Which charges.

    Args:
        places: folders, or files themselves.
        by: words to divide rows by, beside day, provider and model.
        since, until: moments as in a report.
        markup: what the list price is multiplied by.
    """

    places: Sequence[Place]
    by: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    markup: Decimal = Decimal(1)

    def words(self) -> tuple[str, ...]:
        """The words, checked.

        Raises:
            ConfigurationError: one is none, or one that every row is by.
        """
        for word in self.by:
            if word in _NOT_TO_ASK:
                raise ConfigurationError(
                    f"--by {word}: every row is of a day, a provider and a model; write {_WORDS} "
                    "(a row for each call is --per call)"
                )
            if not is_word(word):
                raise ConfigurationError(f"--by {word}: write {former_word(word) or _WORDS}")
        return tuple(dict.fromkeys(self.by))

    def billed(self, usd: Decimal) -> Decimal:
        """What is billed for a list price."""
        return _EXACT.quantize(_EXACT.multiply(usd, self.markup), _UNIT)


def of_days(wanted: Wanted) -> tuple[Iterator[Charge], Report, LeftOut]:
    """A charge for each day, provider, model and what else rows are by.

    Returns:
        The charges; a report over the calls that have a price; and the calls that are in no row.

    Raises:
        ConfigurationError: they cannot be asked for.
    """
    by = (*_EVERY_ROW, *wanted.words())

    def asked(where: str) -> Report:
        return ask(Question(wanted.places, by, since=wanted.since, until=wanted.until, where=where))

    priced = asked("cost_usd is not null")
    left_out: LeftOut = Counter()
    for why, found in ((UNPRICED, asked("cost_usd is null").rows), (UNENDING, priced.rows)):
        for row in found:
            if why == UNPRICED or _is_unending(row.keys[0] or ""):
                left_out[why, f"{row.keys[1]} {row.keys[2] or NONE}"] += row.figures.calls
    rows = [row for row in priced.rows if not _is_unending(row.keys[0] or "")]
    rows.sort(key=lambda row: [key or "" for key in row.keys])
    return (_of_day(row, wanted) for row in rows), priced, left_out


def _is_unending(day: str) -> bool:
    return day.startswith(_LAST_MONTH)


def _of_day(row: Row, wanted: Wanted) -> Charge:
    day, provider, model, *keys = row.keys
    figures = row.figures
    since = datetime.fromisoformat(day or "")
    usd = figures.cost_usd or Decimal(0)
    return Charge(
        provider=provider or "",
        model=model,
        since=since,
        until=since + _DAY,
        list_usd=usd,
        billed_usd=wanted.billed(usd),
        calls=figures.calls,
        partial_calls=figures.partial_calls,
        total_tokens=figures.total_tokens,
        input_tokens=figures.input_tokens,
        cached_tokens=figures.cached_tokens,
        output_tokens=figures.output_tokens,
        keys=dict(zip(wanted.words(), keys, strict=True)),
    )


class OfCalls:
    """A charge for each call, in the order of the files; in little memory.

    Attributes:
        reading: what was read and passed over.
        left_out: calls that are in no row.

    Raises:
        ConfigurationError: they cannot be asked for.
    """

    def __init__(self, wanted: Wanted) -> None:
        now = datetime.now(UTC)
        self._wanted = wanted
        self._words = wanted.words()
        self._since = moment("--since", wanted.since, now) if wanted.since else None
        self._until = moment("--until", wanted.until, now) if wanted.until else None
        days = (limit and limit.date() for limit in (self._since, self._until))
        self._files = files_in(wanted.places, *days)
        self.reading = Reading(())
        self.left_out: LeftOut = Counter()

    def __iter__(self) -> Iterator[Charge]:
        """The charges."""
        for line in self.reading.over(self._files):
            ended = _moment(line)
            if ended is None or not self._is_asked(ended):
                continue
            why = UNPRICED if line.cost_usd is None else UNENDING
            if line.cost_usd is None or _is_unending(line.timestamp):
                self.left_out[why, f"{line.provider} {line.model or NONE}"] += 1
                continue
            yield self._charge(line, ended)

    def _is_asked(self, ended: datetime) -> bool:
        return (self._since is None or ended >= self._since) and (
            self._until is None or ended < self._until
        )

    def _charge(self, line: Line, ended: datetime) -> Charge:
        """Whole seconds, as FOCUS has them: from that in which it began to the end of the last."""
        until = ended.replace(microsecond=0)
        began = _before(ended, line.latency_ms)
        usd = Decimal(line.cost_usd)
        return Charge(
            provider=line.provider,
            model=line.model,
            since=began.replace(microsecond=0),
            until=until + _SECOND,
            list_usd=usd,
            billed_usd=self._wanted.billed(usd),
            calls=1,
            partial_calls=int(line.status == "partial"),
            total_tokens=_total(line),
            input_tokens=line.input_tokens,
            cached_tokens=line.cached_tokens,
            output_tokens=line.output_tokens,
            keys={word: _key(line, word) for word in self._words},
        )


def _before(ended: datetime, milliseconds: float) -> datetime:
    """So long before; the first moment of all where there is none."""
    try:
        return ended - timedelta(milliseconds=milliseconds)
    except OverflowError:
        return _FIRST if milliseconds > 0 else ended


def _total(line: Line) -> int | None:
    """Both together; of a call that knows only one part, that part, as in a report."""
    if line.total_tokens is not None:
        return line.total_tokens
    known = [part for part in (line.input_tokens, line.output_tokens) if part is not None]
    return sum(known) if known else None


def _moment(line: Line) -> datetime | None:
    try:
        found = datetime.fromisoformat(line.timestamp)
    except ValueError:
        return None
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def _key(line: Line, word: str) -> str | None:
    value: Any = (
        line.tags.get(word[len(TAG) :]) if word.startswith(TAG) else getattr(line, field_of(word))
    )
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
