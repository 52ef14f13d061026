"""The columns of the table of calls: the fields of a line, each of the type that a report reads."""

from __future__ import annotations

from typing import NamedTuple

from costspan.export.schema import Line
from costspan.report.vocabulary import MONEY, type_of

TEXT, INTEGER, REAL, FLAG = "text", "integer", "real", "flag"
MOMENT, TEXTS, OBJECT, PICOS = "moment", "texts", "object", "picos"
"""What a column holds. `picos` are whole picodollars (10^-12 USD), `texts` a list of texts."""

_KINDS = {
    "VARCHAR": TEXT,
    "INTEGER": INTEGER,
    "BIGINT": INTEGER,
    "DOUBLE": REAL,
    "DECIMAL(18,6)": REAL,
    "BOOLEAN": FLAG,
    "TIMESTAMP": MOMENT,
    "VARCHAR[]": TEXTS,
    MONEY: PICOS,
}


class Column(NamedTuple):
    """A field of a line, and what it holds."""

    field: str
    kind: str


COLUMNS = tuple(
    Column(name, OBJECT if name == "tags" else _KINDS[type_of(name)])
    for name in Line.__struct_fields__
)
"""In the order of the line."""

GAP_COLUMNS = (
    Column("schema", INTEGER),
    Column("timestamp", MOMENT),
    Column("lost", INTEGER),
    Column("from", TEXT),
    Column("to", TEXT),
    Column("reason", TEXT),
    Column("pid", INTEGER),
)
"""Of the table of lines that say that others could not be written."""
