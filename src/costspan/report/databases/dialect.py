"""What SQLite and PostgreSQL spell differently: names, types, moments, money and tags.

PostgreSQL has exact numbers, so a line's dollars are its dollars. SQLite has none: its tables,
whose names end in `_exact`, hold whole picodollars in columns `*_picos`, and views without that end
show the same as dollars, each the nearest double.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from costspan.report.databases.columns import (
    FLAG,
    INTEGER,
    MOMENT,
    OBJECT,
    PICOS,
    REAL,
    TEXT,
    TEXTS,
    Column,
)
from costspan.report.vocabulary import quoted, text

_SQLITE_TAG = """(SELECT CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
    ELSE CAST(value AS TEXT) END FROM json_each(tags) WHERE key = {} LIMIT 1)"""
_SQLITE_REAL = "json(CASE WHEN {0} IS NOT NULL THEN printf('%!.17g', {0}) END)"
_SQLITE_DOLLARS = """json(CASE WHEN {0} IS NOT NULL THEN CASE WHEN {0} < 0 THEN '-' ELSE '' END ||
    printf('%d.%012d', abs({0}) / 1000000000000, abs({0}) % 1000000000000) END)"""


class Dialect(Struct, frozen=True):
    """One of the two.

    Attributes:
        mark: what stands for a value.
        types: the type of a column by what it holds; of `line_id`, `day`, `hour`, `seconds` too.
        exact: what is added to the name of a table that holds money.
        dollars: what becomes of the name of a field of dollars.
        seconds: the sum of the seconds of calls, exact to the microsecond.
        hour: the hour of a call as text, such as `2026-11-21T14`.
        periods: by `day` and `hour` how the one of a call is told.
        tag_of: a tag's value as text, with `{}` for its key as a text.
        parts: by what a column holds, its value within JSON, with `{0}` for its name.
        line: a JSON object of names and values.
    """

    mark: str
    types: Mapping[str, str]
    exact: str
    dollars: str
    seconds: str
    hour: str
    periods: Mapping[str, str]
    tag_of: str
    parts: Mapping[str, str]
    line: str

    def column(self, column: Column) -> str:
        """A column's name, as SQL writes it."""
        name = column.field
        return quoted(self.money(name) if column.kind == PICOS else name)

    def money(self, field: str) -> str:
        """The name of the column of a field of dollars."""
        return field.removesuffix("_usd") + self.dollars

    def tag(self, key: str) -> str:
        """The text of a call's tag."""
        written = text(key) if self.mark == "?" else text(key).replace("%", "%%")
        return self.tag_of.format(written)

    def in_json(self, column: Column) -> str:
        """A column's value as it stands in a line."""
        return self.parts.get(column.kind, "{0}").format(self.column(column))


SQLITE = Dialect(
    mark="?",
    types={
        TEXT: "TEXT",
        INTEGER: "INTEGER",
        REAL: "REAL",
        FLAG: "INTEGER",
        MOMENT: "TEXT",
        TEXTS: "TEXT",
        OBJECT: "TEXT",
        PICOS: "INTEGER",
        "line_id": "BLOB",
        "day": "TEXT",
        "hour": "TEXT",
        "seconds": "REAL",
    },
    exact="_exact",
    dollars="_picos",
    seconds="sum(CAST(round(runtime_seconds * 1000000) AS INTEGER)) / 1e6",
    hour="substr(timestamp, 1, 13)",
    periods={"day": "substr(timestamp, 1, 10)", "hour": "substr(timestamp, 1, 13) || ':00:00Z'"},
    tag_of=_SQLITE_TAG,
    parts={
        REAL: _SQLITE_REAL,
        FLAG: "json(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)",
        TEXTS: "json({0})",
        OBJECT: "json({0})",
        PICOS: _SQLITE_DOLLARS,
    },
    line="json_object({})",
)

POSTGRES = Dialect(
    mark="%s",
    types={
        TEXT: "text",
        INTEGER: "bigint",
        REAL: "double precision",
        FLAG: "boolean",
        MOMENT: "timestamptz",
        TEXTS: "text[]",
        OBJECT: "jsonb",
        PICOS: "numeric(38,12)",
        "line_id": "bytea",
        "day": "date",
        "hour": "timestamptz",
        "seconds": "numeric",
    },
    exact="",
    dollars="_usd",
    seconds="sum(round(runtime_seconds::numeric, 6))",
    hour="""to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')""",
    periods={
        "day": "(timestamp AT TIME ZONE 'UTC')::date",
        "hour": "date_trunc('hour', timestamp, 'UTC')",
    },
    tag_of="(tags ->> {})",
    parts={MOMENT: """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""},
    line="json_build_object({})",
)
