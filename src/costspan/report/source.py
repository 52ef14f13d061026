"""The lines of the calls files as a table of DuckDB's.

A line that is no JSON object is a row of NULLs, a value of another type is NULL. A time with an
offset becomes UTC; one without is UTC, and one of no year from 1 to 9999 is NULL.

A structure cannot have two names that differ by case only. Where keys of tags do, they are read as
a map, and the structure that is made of it has generated names.

DuckDB reads a JSON number as a double before it becomes a decimal. That is exact up to 15
significant digits, so for dollars with 12 decimals below 1,000. Where one call cost more, the lines
are read as text, and dollars are taken from there: exact too, and slower. More than `MOST_USD` is
NULL there; more than a decimal holds is NULL at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from costspan.export.schema import MOST_USD
from costspan.report.vocabulary import MONEY, pattern, quoted, text, type_of

DEAR_USD = 1000
"""Dollars of one call from which on a double does not hold 12 decimals."""

_FORMAT = "format='newline_delimited', ignore_errors=true"
_MAP = "MAP(VARCHAR, VARCHAR)"
_TIME = "timestamp"
_IN_UTC = f"""CASE WHEN {_TIME} BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00'
    AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN {_TIME}::TIMESTAMP END"""
"""The session's zone is UTC, so that nothing is shifted here."""
_NUMBER = "(-?[0-9][0-9.eE+-]*)"


def lines(
    files: Iterable[Path], fields: Iterable[str], tags: Iterable[str], *, as_text: bool = False
) -> str:
    """A table with a column for each of `fields`, `kind`, `lost`, `filename`, and `tags` if any.

    Args:
        tags: keys of tags; `tags` is a structure of them, as strings, by their `names_of`.
        as_text: take dollars from the text of the lines.
    """
    types = {name: type_of(name) for name in sorted(fields)}
    types |= {"kind": "VARCHAR", "lost": "BIGINT", _TIME: "TIMESTAMPTZ"}
    names = f"[{', '.join(text(pattern(path)) for path in files)}]"
    named = names_of(tags)
    is_map = any(key != name for key, name in named.items())
    shape: object = _MAP if is_map else dict.fromkeys(named, "VARCHAR")
    if as_text:
        found = _from_text(names, types, shape if named else None)
    else:
        if is_map:
            types["tags"] = _MAP
        elif named:
            types["tags"] = f"STRUCT({', '.join(f'{quoted(key)} VARCHAR' for key in named)})"
        columns = ", ".join(f"{quoted(name)}: {text(kind)}" for name, kind in types.items())
        found = f"(SELECT *, filename FROM read_json({names}, {_FORMAT}, columns={{{columns}}}))"
    tags_too = f", {_of_map(named)} AS tags" if is_map else ""
    return f"(SELECT * REPLACE ({_IN_UTC} AS {_TIME}{tags_too}) FROM {found})"


def names_of(tags: Iterable[str]) -> dict[str, str]:
    """The name of each key in the structure `tags`: itself, unless two differ by case only."""
    keys = sorted(tags)
    if len({key.lower() for key in keys}) == len(keys):
        return dict(zip(keys, keys, strict=True))
    return {key: f"t{index}" for index, key in enumerate(keys)}


def _of_map(named: Mapping[str, str]) -> str:
    parts = (f"{name} := map_extract(tags, {text(key)})[1]" for key, name in named.items())
    return f"struct_pack({', '.join(parts)})"


def _from_text(names: str, types: Mapping[str, str], tags: object) -> str:
    shape: dict[str, object] = {name: kind for name, kind in types.items() if kind != MONEY}
    if tags is not None:
        shape["tags"] = tags
    money = ", ".join(_dollars(name) for name, kind in types.items() if kind == MONEY)
    return f"""(SELECT unnest(found), filename, {money} FROM (
        SELECT json, filename, json_transform(json, {text(json.dumps(shape))}) AS found
        FROM read_json_objects({names}, {_FORMAT})))"""


def _dollars(field: str) -> str:
    """The first number of that name that is the field's, as a double: tags may have its name too.

    Within a string the quotes around the name would have a backslash before them.
    """
    pattern = text(rf'[,{{]\s*"{field}"\s*:\s*"?{_NUMBER}')
    told = f"try_cast(json_extract_string(json, '$.{field}') AS DOUBLE)"
    found = f"regexp_extract_all(json, {pattern}, 1)"
    same = f"[number FOR number IN {found} IF try_cast(number AS DOUBLE) = {told}][1]"
    amount = f"try_cast({same} AS {MONEY})"
    return f"CASE WHEN abs({amount}) <= {MOST_USD} THEN {amount} END AS {field}"
