"""What the page asks: figures by time, model, agent, endpoint and session, and single calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from costspan.errors import ConfigurationError
from costspan.export.naming import parsed
from costspan.report.files import PREFIX, files_in
from costspan.report.moments import moment
from costspan.report.page.particulars import Particulars, particulars
from costspan.report.query import Breakdown, Question, Report, ask_each

ALWAYS = (("model",), ("agent",), ("endpoint",))
"""What money is broken down by in every page."""

_ROWS = 10
_CALLS = 10
_MOST_STACKED = 5_000
_BY_THE_HOUR = timedelta(days=2)


class Contents(Struct, frozen=True):
    """Everything that the page tells.

    Attributes:
        time, stacked: by hour or day, and the same by model too.
        breakdowns: by model, agent and endpoint, and by what else was asked.
        notes: sentences about what the figures leave out.
        budgets: the object that `costspan budgets --json` prints; None where no store is known.
        no_budgets: why there is none.
    """

    made_at: datetime
    time: Report
    stacked: Report
    breakdowns: list[Report]
    sessions: Report
    particulars: Particulars
    notes: Sequence[str] = ()
    budgets: Mapping[str, Any] | None = None
    no_budgets: str = ""

    @property
    def models(self) -> Report:
        """The first of the breakdowns."""
        return self.breakdowns[0]


def contents(question: Question) -> Contents:
    """Ask: two passes over the files.

    Args:
        question: `by` is broken down by beside what always is, `top` is how many rows a table has.

    Raises:
        ConfigurationError: as `ask` does; or the page does not have what is asked.
    """
    if question.compare:
        raise ConfigurationError("--compare is not for --html: leave one of both out")
    now = question.now or datetime.now(UTC)
    question = structs.replace(question, now=now)
    unit = _unit(question, now)
    top = _ROWS if question.top is None else question.top
    words = dict.fromkeys([*ALWAYS, *([question.by] if question.by else [])])
    found = ask_each(
        question,
        [
            Breakdown((unit,)),
            Breakdown((unit, "model"), _MOST_STACKED),
            *(Breakdown(by, top) for by in words),
            Breakdown(("session",), top),
        ],
    )
    time, stacked, *breakdowns, sessions = found
    return Contents(
        made_at=now.astimezone(UTC),
        time=time,
        stacked=stacked,
        breakdowns=breakdowns,
        sessions=sessions,
        particulars=particulars(question, time, _CALLS),
    )


def _unit(question: Question, now: datetime) -> str:
    """By the hour where two days are asked for, or the names of the files tell of no more."""
    if question.since is not None:
        since = moment("--since", question.since, now)
        until = moment("--until", question.until or "now", now)
        if until - since <= _BY_THE_HOUR:
            return "hour"
    days = {_day_of(path.name) for path in files_in(question.places)}
    return "hour" if None not in days and 0 < len(days) <= _BY_THE_HOUR.days else "day"


def _day_of(file: str) -> str | None:
    parts = parsed(PREFIX, file)
    return None if parts is None else parts.period[:10]
