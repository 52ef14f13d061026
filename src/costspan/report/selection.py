"""The calls that a question is about: which files, which of their lines, and what of each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.folders import Place
from costspan.report.conditions import Condition, condition, renamed
from costspan.report.databases.spilling import as_files
from costspan.report.files import files_in
from costspan.report.moments import moment
from costspan.report.source import DEAR_USD, lines, names_of
from costspan.report.vocabulary import TAG, checked_word, field_of, key_of, text, type_of

NEEDED = (
    "schema",
    "timestamp",
    "provider",
    "operation",
    "status",
    "outcome",
    "latency_ms",
    "runtime_seconds",
)
"""What every version's line of a call has."""

IS_CALL = " AND ".join(
    [
        *("kind IS NULL", "coalesce(schema > 0, false)"),
        *(f"{name} IS NOT NULL" for name in NEEDED),
        "isfinite(latency_ms)",
    ]
)
"""Whether a line is one of a call."""


class Asked(Struct, frozen=True):
    """Which calls, and what to sum them by: checked words, moments in UTC without a zone."""

    by: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    where: Condition | None
    written: str | None
    places: tuple[Place, ...]


def asked(
    places: Sequence[Place],
    by: Sequence[str],
    since: str | None = None,
    until: str | None = None,
    where: str | None = None,
    now: datetime | None = None,
) -> Asked:
    """What is asked, as `question.Question` words it.

    Raises:
        ConfigurationError: it cannot be asked.
    """
    words = tuple(dict.fromkeys(checked_word(word) for word in by))
    now = now or datetime.now(UTC)
    start = None if since is None else moment("--since", since, now)
    end = None if until is None else moment("--until", until, now)
    if start is not None and start >= (end or moment("--until", "now", now)):
        raise ConfigurationError(f"--since {since} is not before --until {until or 'now'}")
    return Asked(
        by=words,
        since=start,
        until=end,
        where=None if where is None else condition(where),
        written=where,
        places=tuple(places),
    )


@contextmanager
def files_of(question: Asked, fields: Iterable[str]) -> Iterator[list[Path]]:
    """The files to read; for each database among the places a temporary one.

    Args:
        fields: of a line, that are read beside those that the question names.

    Raises:
        ConfigurationError: a place is not there, or cannot be read.
    """
    wanted = _fields(question, fields)
    with as_files(question.places, wanted, question.since, question.until) as places:
        days = [None if one is None else one.date() for one in (question.since, question.until)]
        yield files_in(places, *days)


def _fields(question: Asked, fields: Iterable[str]) -> set[str]:
    """All that is read of a line."""
    wanted = {*fields, *NEEDED, *map(field_of, question.by)}
    return wanted if question.where is None else wanted | question.where.fields


def rows(
    files: Sequence[Path],
    question: Asked,
    columns: Mapping[str, str],
    fields: Iterable[str],
    *,
    as_text: bool = False,
) -> str:
    """A statement: the lines of the calls that are asked about, and those that are no calls.

    Its columns are the keys `k0`, `k1` and so on, `columns`, and what tells the lines apart:
    `is_call`, `is_dear`, `schema`, and of no call `kind`, `lost` and `broken`, its file.

    Args:
        columns: by their names, expressions over `fields` and the columns before.
        fields: of a line, of which those of dollars are exact.
        as_text: dollars are read as text.
    """
    wanted, tags = _fields(question, fields), tags_of(question.by, question.where)
    source, named = lines(files, wanted - {"tags"}, tags, as_text=as_text), names_of(tags)
    keys = [f"{key_of(word, named)}::VARCHAR AS k{place}" for place, word in enumerate(question.by)]
    kept = [f"{says} AS {name}" for name, says in columns.items()]
    dollars = [name for name in wanted if type_of(name) == type_of("cost_usd")]
    dear = " OR ".join(f"abs({name}) >= {DEAR_USD}" for name in dollars) or "false"
    where = renamed(question.where, named) if question.where else "true"
    return f"""
SELECT {", ".join((*keys, *kept))}, is_call, coalesce({dear}, false) AS is_dear,
    CASE WHEN NOT is_call THEN kind END AS kind, CASE WHEN NOT is_call THEN lost END AS lost,
    CASE WHEN NOT is_call AND kind IS NULL THEN filename END AS broken, schema
FROM (SELECT *, {IS_CALL} AS is_call FROM {source})
WHERE NOT is_call OR ({within(question.since, question.until)} AND {where})
"""


def within(since: datetime | None, until: datetime | None) -> str:
    """The condition that a call ended in a time."""
    parts = [f"timestamp >= {instant(since)}"] if since else []
    parts += [f"timestamp < {instant(until)}"] if until else []
    return " AND ".join(parts) or "true"


def instant(moment: datetime) -> str:
    """A moment in UTC, without a zone, as SQL writes it."""
    return f"TIMESTAMP {text(moment.isoformat(' '))}"


def tags_of(by: Sequence[str], where: Condition | None) -> set[str]:
    """The keys of tags that are read."""
    found = {word[len(TAG) :] for word in by if word.startswith(TAG)}
    return found if where is None else found | where.tags
