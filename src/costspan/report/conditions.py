"""`--where`: an SQL expression over the fields of a line, and nothing else.

DuckDB itself parses it. What its tree holds is then looked at, node by node: fields, constants,
operators and the functions listed here pass; everything else (a subquery, a second statement, a
table, a function that reads files or settings) is refused before anything is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from costspan.errors import ConfigurationError
from costspan.export.schema import Line
from costspan.report.engine import duckdb
from costspan.report.vocabulary import field_of, is_word

FUNCTIONS = frozenset(
    (
        *("abs", "ceil", "floor", "round", "greatest", "least", "coalesce", "ifnull", "nullif"),
        *("lower", "upper", "length", "len", "trim", "ltrim", "rtrim", "replace", "substring"),
        *("contains", "starts_with", "ends_with", "prefix", "suffix", "regexp_matches"),
        *("concat", "strpos", "substr", "list_contains", "strftime", "date_trunc", "date_part"),
        *("year", "month", "week", "day", "dayofweek", "isodow", "hour", "minute", "second"),
        *("epoch",),
    )
)
"""The functions that an expression may call."""

_CLASSES = frozenset(
    ("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
     "OPERATOR", "TYPE")
)  # fmt: skip
_FIELDS = frozenset(Line.__struct_fields__)
EXAMPLE = "write a comparison, such as cost_usd > 0.05 or agent = 'planner'"
_SPELT = "SELECT (\n{}\n)"


class Condition(NamedTuple):
    """An expression that may be run: its SQL, and the fields and keys of tags that it reads."""

    sql: str
    fields: frozenset[str]
    tags: frozenset[str]


def condition(expression: str) -> Condition:
    """What an expression says, checked.

    Raises:
        ConfigurationError: it is none, or says what it may not.
    """
    if not expression.strip():
        raise _wrong(expression, EXAMPLE)
    tree = _tree(expression)
    fields: set[str] = set()
    tags: set[str] = set()
    for node in _nodes(tree):
        _check(expression, node)
        if node["class"] == "COLUMN_REF":
            field, tag = _column(expression, node["column_names"])
            fields.add(field)
            if tag is not None:
                tags.add(tag)
    return Condition(_SPELT.format(expression)[7:], frozenset(fields), frozenset(tags))


def renamed(asked: Condition, tags: Mapping[str, str]) -> str:
    """Its SQL, with the names of `tags` for the keys that it reads."""
    if all(tags[key] == key for key in asked.tags):
        return asked.sql
    with duckdb().connect(":memory:") as engine:
        spelt = engine.execute("SELECT json_serialize_sql(?)", [f"SELECT {asked.sql}"]).fetchall()
        tree = json.loads(spelt[0][0])
        for node in _nodes(tree):
            if node["class"] == "COLUMN_REF" and node["column_names"][0].lower() == "tags":
                node["column_names"][1] = tags[node["column_names"][1]]
        spelt = engine.execute("SELECT json_deserialize_sql(?)", [json.dumps(tree)]).fetchall()
    sql: str = spelt[0][0]
    return f"({sql.removeprefix('SELECT ')})"


def _tree(expression: str) -> Any:
    with duckdb().connect(":memory:") as engine:
        asked, empty = (
            json.loads(engine.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
            for sql in (_SPELT.format(expression), _SPELT.format(1))
        )
    if asked["error"]:
        raise _wrong(expression, f"{_fault(expression, asked)}; {EXAMPLE}")
    trees = [statement["node"].pop("select_list", ()) for statement in asked["statements"]]
    empty["statements"][0]["node"].pop("select_list")
    if asked["statements"] != empty["statements"] or len(trees[0]) != 1:
        raise _wrong(expression, "it is more than one expression")
    return trees[0]


def _fault(expression: str, told: Mapping[str, Any]) -> str:
    """What the parser says, in words: to it the bracket that follows is part of the expression."""
    message: str = told["error_message"].splitlines()[0]
    end = len((_SPELT.partition("{}")[0] + expression).encode())
    near = message.partition(' at or near "')[2].removesuffix('"')
    if near == ")" and int(told.get("position", 0)) >= end:
        is_closed = expression.count(")") > expression.count("(")
        return "there is a bracket too many" if is_closed else "it ends too early"
    return f"it cannot be understood from {near!r} on" if near else message


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)
    elif isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for item in tree.values():
            yield from _nodes(item)


def _check(expression: str, node: dict[str, Any]) -> None:
    if node["class"] not in _CLASSES:
        what = node["class"].lower()
        raise _wrong(expression, f"a {what} may not stand there")
    if node["class"] == "FUNCTION" and not node["is_operator"]:
        name = node["function_name"].lower()
        if name not in FUNCTIONS or node["schema"] or node["catalog"]:
            raise _wrong(expression, f"{name}() may not be called there")


def _column(expression: str, names: list[str]) -> tuple[str, str | None]:
    field = names[0].lower()
    if field == "tags" and len(names) == 2:
        return "tags", names[1]
    if len(names) == 1 and field in _FIELDS - {"tags"}:
        return field, None
    raise _wrong(expression, _hint(".".join(names)))


def _hint(name: str) -> str:
    if name == "tags":
        return "write tags.KEY"
    if is_word(name):
        return f"there is no field {name!r}: write {field_of(name)}"
    return (
        f"there is no field {name!r}: docs/calls-file.md lists them, and a text stands in single "
        "quotes, as in agent = 'planner'"
    )


def _wrong(expression: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"--where {expression!r}: {why}")
