"""The lines of the calls files as a table of DuckDB's.

A line that is no JSON object is a row of NULLs, a value of another type is NULL.

DuckDB reads a JSON number as a double before it becomes a decimal. That is exact up to 15
significant digits, so for dollars with 12 decimals below 1,000. Where one call cost more, the lines
are read as text, and dollars are taken from there: exact too, and slower.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from costspan.report.vocabulary import MONEY, pattern, quoted, text, type_of

DEAR_USD = 1000
"""Dollars of one call from which on a double does not hold 12 decimals."""

_FORMAT = "format='newline_delimited', ignore_errors=true"
_NUMBER = "(-?[0-9][0-9.eE+-]*)"


def lines(
    files: Iterable[Path], fields: Iterable[str], tags: Iterable[str], *, as_text: bool = False
) -> str:
    """A table with a column for each of `fields`, `kind`, `lost`, `filename`, and `tags` if any.

    Args:
        tags: keys of tags; `tags` is a structure of them, as strings.
        as_text: take dollars from the text of the lines.
    """
    types = {name: type_of(name) for name in sorted(fields)}
    types |= {"kind": "VARCHAR", "lost": "BIGINT"}
    names = f"[{', '.join(text(pattern(path)) for path in files)}]"
    keys = sorted(tags)
    if as_text:
        return _from_text(names, types, keys)
    if keys:
        types["tags"] = f"STRUCT({', '.join(f'{quoted(key)} VARCHAR' for key in keys)})"
    columns = ", ".join(f"{quoted(name)}: {text(kind)}" for name, kind in types.items())
    return f"(SELECT *, filename FROM read_json({names}, {_FORMAT}, columns={{{columns}}}))"


def _from_text(names: str, types: Mapping[str, str], tags: list[str]) -> str:
    shape: dict[str, object] = {name: kind for name, kind in types.items() if kind != MONEY}
    if tags:
        shape["tags"] = dict.fromkeys(tags, "VARCHAR")
    money = ", ".join(_dollars(name) for name, kind in types.items() if kind == MONEY)
    return f"""(SELECT unnest(found), filename, {money} FROM (
        SELECT json, filename, json_transform(json, {text(json.dumps(shape))}) AS found
        FROM read_json_objects({names}, {_FORMAT})))"""


def _dollars(field: str) -> str:
    """The last number of that name: tags, which may have the same name, stand before the dollars.

    Within a string the quotes around the name would have a backslash before them.
    """
    pattern = text(rf'.*[,{{]\s*"{field}"\s*:\s*{_NUMBER}')
    found = f"nullif(regexp_extract(json, {pattern}, 1), '')"
    return f"try_cast({found} AS {MONEY}) AS {field}"
