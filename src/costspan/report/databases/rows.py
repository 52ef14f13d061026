"""A line as a row of a database: its values, typed, and the identity by which it is loaded once.

A line of a call that tells its trace and span is known by these and by when the call ended,
wherever it stands. Any other is known by its file's name (without folder, and without what a
compressor adds), its text, and the how manieth of its kind it is in that file.

A call is what a report takes for one. A value of another type than its field's becomes what DuckDB
makes of it: a number's text, a text's number, or nothing. Dollars that are more than `MOST_PICOS`
are not known, in a report as here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import astuple

from costspan.call import PICOS_PER_USD
from costspan.export.naming import lasting_name
from costspan.export.repeated import decoded_by, may_repeat
from costspan.export.schema import MOST_PICOS, Line, is_lasting
from costspan.report.databases.columns import (
    COLUMNS,
    FLAG,
    GAP_COLUMNS,
    INTEGER,
    MOMENT,
    OBJECT,
    PICOS,
    REAL,
    TEXT,
    TEXTS,
    Column,
)

Values = tuple[Any, ...]

_INTEGER = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES = {
    TEXT: str,
    INTEGER: _INTEGER,
    REAL: float,
    FLAG: bool,
    MOMENT: datetime,
    TEXTS: list[str],
    OBJECT: msgspec.Raw,
    PICOS: Decimal,
}
_NEEDED = {"schema", "timestamp", "provider", "operation", "status", "outcome", "latency_ms"}
_NEEDED |= {"runtime_seconds"}
_EXACT = Context(prec=60)
TORN = (msgspec.MsgspecError, ValueError, RecursionError)


def _field(column: Column) -> Any:
    kind: Any = _TYPES[column.kind]
    if column.field in _NEEDED:
        return column.field, kind
    if column.kind == OBJECT:
        return column.field, kind, msgspec.Raw()
    return column.field, kind | None | UnsetType, UNSET


_Call: Any = msgspec.defstruct(
    "_Call",
    [*map(_field, COLUMNS), ("kind", Any, None)],
    kw_only=True,  # else those that have a default would come last
)
_decode = msgspec.json.Decoder(_Call).decode
_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode

_encode = msgspec.json.Encoder(enc_hook=float).encode
_SECONDS = [place for place, column in enumerate(COLUMNS) if column.kind == REAL]
_MONEY = [place for place, column in enumerate(COLUMNS) if column.kind == PICOS]
_TIME, _TAGS, _TRACE, _SPAN = (
    Line.__struct_fields__.index(name) for name in ("timestamp", "tags", "trace_id", "span_id")
)


class Row(Struct, frozen=True):
    """A line that is loaded: of a call, in the order of `COLUMNS`, or of a gap."""

    line_id: bytes
    values: Values
    is_gap: bool = False


class Reader:
    """Makes rows of the lines of one file after another, in memory that does not grow."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("")  # a file of its own that is gone when it is closed
        self._seen.execute("CREATE TABLE seen (line BLOB PRIMARY KEY, count INT) WITHOUT ROWID")
        self._seen.execute("BEGIN")
        self._name = b""

    def close(self) -> None:
        """Forget all."""
        self._seen.close()

    def begin(self, path: Path) -> None:
        """From now on lines are of this file."""
        self._name = lasting_name(path).encode()
        self._seen.execute("DELETE FROM seen")

    def row(self, text: bytes | None) -> Row | str:
        """The row of a line, or what it is instead: `blank`, `record`, `torn` or `foreign`."""
        if text is None:
            return "foreign"
        if not text.strip():
            return "blank"
        try:
            call = _decode(text)
            is_plain = call.kind is None and not may_repeat(text, _keys(call))
            return self._of_call(call, text) if is_plain else self._odd(text)
        except msgspec.ValidationError:
            return self._odd(text)
        except TORN:
            return "torn"

    def _odd(self, text: bytes) -> Row | str:
        """A line of JSON whose types are not all those of a line of a call."""
        try:
            found = decoded(text)
        except TORN:
            return "torn"
        if not isinstance(found, dict):
            return "foreign"
        if found.get("kind") is not None:
            return self._of_gap(found, text) if found["kind"] == "gap" else "record"
        tags = found.get("tags")
        found["tags"] = msgspec.Raw(_encode(tags) if isinstance(tags, dict) else b"")
        told = {c.field: _AS[c.kind](found.get(c.field)) for c in COLUMNS}
        if any(told[name] is None for name in _NEEDED):
            return "foreign"
        return self._of_call(_Call(**told), text)

    def _of_call(self, call: Any, text: bytes) -> Row | str:
        if call.schema < 1:
            return "foreign"
        values = list(astuple(call)[:-1])
        if UNSET in values:
            values = [None if value is UNSET else value for value in values]
        values[_TIME] = ended = _written(call.timestamp)
        if ended is None or not is_lasting(call.runtime_seconds):
            return "foreign"
        for place in _SECONDS:
            if values[place] is not None and not isfinite(values[place]):
                values[place] = None
                if Line.__struct_fields__[place] in _NEEDED:
                    return "foreign"
        tags = bytes(call.tags)
        values[_TAGS] = tags.decode() if tags[:1] == b"{" else "{}"
        for place in _MONEY:
            amount = values[place]
            if amount is not None:
                values[place] = picos_of(amount) if amount else 0
        trace, span = values[_TRACE], values[_SPAN]
        told = _digest(f"{trace} {span} {ended}".encode()) if trace and span else None
        return Row(told or self._place(text), tuple(values))

    def _of_gap(self, found: dict[str, Any], text: bytes) -> Row:
        told = {column.field: _AS[column.kind](found.get(column.field)) for column in GAP_COLUMNS}
        if told["timestamp"] is not None:
            told["timestamp"] = _written(told["timestamp"])
        return Row(self._place(text), tuple(told.values()), is_gap=True)

    def _place(self, text: bytes) -> bytes:
        """Identity by file, text, and how often the same came before in this file."""
        digest = _digest(self._name + b"\0" + text.strip())
        found = self._seen.execute("SELECT count FROM seen WHERE line = ?", (digest,)).fetchone()
        count = 0 if found is None else found[0] + 1
        self._seen.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (digest, count))
        return _digest(digest + str(count).encode()) if count else digest


def decoded(text: bytes) -> Any:
    """A line of JSON, each key being the first of its name; raises one of `TORN`."""
    return decoded_by(_decode_any, text)


def _keys(call: Any) -> int:
    """How many keys its line has, if none stands there twice."""
    tags = bytes(call.tags)
    return len(COLUMNS) - astuple(call).count(UNSET) - (not tags) + tags.count(b'":')


def is_call(found: Mapping[str, Any]) -> bool:
    """Whether an object of JSON has what a line of a call needs, whatever its types."""
    needed = {c.field: _AS[c.kind](found.get(c.field)) for c in COLUMNS if c.field in _NEEDED}
    if any(value is None for value in needed.values()) or needed["schema"] < 1:
        return False
    if _written(needed["timestamp"]) is None:
        return False
    return isfinite(needed["latency_ms"]) and is_lasting(needed["runtime_seconds"])


def picos_of(amount: Decimal) -> int | None:
    """Whole picodollars; None where it is more than `MOST_PICOS`."""
    if not amount.is_finite() or amount.adjusted() > 7:
        return None
    scaled = _EXACT.multiply(amount, PICOS_PER_USD)
    picos = int(scaled.to_integral_value(ROUND_HALF_UP))
    return picos if abs(picos) <= MOST_PICOS else None


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()


def _written(instant: datetime) -> str | None:
    """As the files write it: UTC, with microseconds; None where UTC has no such year."""
    try:
        utc = instant if instant.tzinfo in (UTC, None) else instant.astimezone(UTC)
    except OverflowError:
        return None
    return utc.isoformat(timespec="microseconds")[:26] + "Z"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _encode(value).decode()


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str | int | Decimal):
        try:
            found = Decimal(value)
        except ArithmeticError:
            return None
        return found if found.is_finite() else None
    return None


def _integer(value: Any) -> int | None:
    number = _number(value)
    if number is None or number.adjusted() > 18:
        return None
    found = int(number.to_integral_value(ROUND_HALF_EVEN))
    return found if -(2**63) <= found < 2**63 else None


def _real(value: Any) -> float | None:
    number = _number(value)
    return None if number is None else float(number)


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool | int):
        return bool(value)
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _texts(value: Any) -> list[str | None] | None:
    return [_text(one) for one in value] if isinstance(value, list) else None


_AS: dict[str, Callable[[Any], Any]] = {
    TEXT: _text,
    INTEGER: _integer,
    REAL: _real,
    FLAG: _flag,
    MOMENT: _moment,
    TEXTS: _texts,
    OBJECT: lambda value: value,
    PICOS: _number,
}
"""What becomes of a value of any type in a column."""
