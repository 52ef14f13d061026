"""A trace as it is printed: a tree with its tokens, dollars and seconds, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from costspan.call import plain
from costspan.report.layout import Column, dollars
from costspan.report.traces.tree import Node, Step, Sums, Tree, steps
from costspan.report.vocabulary import printable
from costspan.report.widths import cut

_NANOS = 1e9
_LONGEST_NAME = 60
_WORDS = ("agent", "model", "status", "error", "outcome", "corrects")
TIMELINE = 30
"""Characters of the timeline."""


def heading(tree: Tree) -> Iterator[str]:
    """What is said of the whole."""
    sums = tree.sums
    began = datetime.fromtimestamp(tree.started / _NANOS, UTC).isoformat(timespec="seconds")
    yield f"trace {tree.trace_id}  {began.replace('+00:00', 'Z')}"
    who = [f"{word} {printable(name)}" for word, name in tree.who.items()]
    if who:
        yield ", ".join(who)
    parts = [
        _many(sums.calls, "call"),
        f"{(tree.ended - tree.started) / _NANOS:.2f} s",
        "no price" if sums.cost_usd is None else f"{plain(sums.cost_usd)} USD",
    ]
    parts += [_many(sums.errors, "error")] if sums.errors else []
    parts += [f"{sums.unpriced:,} without a price"] if sums.unpriced else []
    yield ", ".join(parts)


def columns(tree: Tree, *, timeline: bool = False) -> list[Column]:
    """The columns of the table: a row for each span, call and group."""
    rows = list(steps(tree))
    digits = 4 if (tree.sums.cost_usd or 0) >= 1 else 6
    found = [
        Column("", [_branch(step) for step in rows], is_text=True),
        Column("start s", [_seconds(step.node.started - tree.started) for step in rows], 2),
        Column("time s", [_seconds(step.node.ended - step.node.started) for step in rows]),
    ]
    if timeline:
        bars = [_bar(step.node, tree) for step in rows]
        found.append(Column("", bars, 1, is_text=True))
    found += [
        Column("input", [_count(step.node.sums.input_tokens) for step in rows], 3),
        Column("output", [_count(step.node.sums.output_tokens) for step in rows], 3),
        Column("cost USD", [dollars(step.node.sums.cost_usd, digits) for step in rows]),
        Column("", [_note(step.node) for step in rows], 4, is_text=True),
    ]
    return found


def _branch(step: Step) -> str:
    """The name, behind the lines of its place in the tree."""
    name = cut(printable(step.node.name), _LONGEST_NAME)
    if len(step.more) == 1:
        return name
    above = "".join("│  " if more else "   " for more in step.more[1:-1])
    return f"{above}{'├─ ' if step.more[-1] else '└─ '}{name}"


def _note(node: Node) -> str:
    """What is out of the ordinary with a call."""
    part = node.part
    if part is None:
        return ""
    found = [printable(part.error)] if part.error else []
    if part.outcome == "abandoned":
        found.append("abandoned")
    if part.status not in (None, "priced"):
        found.append(str(part.status).replace("_", " "))
    if part.corrects:
        found.append(f"corrects {part.corrects}")
    if node.is_orphan:
        found.append("parent elsewhere")
    return ", ".join(found)


def _bar(node: Node, tree: Tree) -> str:
    """Where in the time of the trace it ran."""
    whole = max(tree.ended - tree.started, 1)
    first = (node.started - tree.started) * TIMELINE // whole
    last = -((tree.started - node.ended) * TIMELINE // whole)
    first = min(max(first, 0), TIMELINE - 1)
    length = min(max(last - first, 1), TIMELINE - first)
    drawn = "█" if node.part is not None and node.part.is_call else "─"
    return " " * first + drawn * length


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / _NANOS:.2f}"


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def as_json(tree: Tree, files: int) -> str:
    """One object; docs/show.md lists its keys."""
    found = {
        "trace_id": tree.trace_id,
        "since": _written(tree.started),
        "until": _written(tree.ended),
        "files": files,
        **_amounts(tree.sums),
        "spans": [_object(step) for step in steps(tree)],
    }
    return msgspec.json.encode(found).decode()


def _object(step: Step) -> dict[str, Any]:
    node, part = step.node, step.node.part
    own = None if part is None or part.cost_usd is None else _number(part.cost_usd)
    return {
        "name": node.name,
        "depth": len(step.more) - 1,
        "span_id": part.id if part else None,
        "parent_id": part.parent if part else None,
        "is_call": bool(part and part.is_call),
        "since": _written(node.started),
        "until": _written(node.ended),
        **{word: getattr(part, word, None) for word in _WORDS},
        "own_cost_usd": own,
        **_amounts(node.sums),
    }


def _amounts(sums: Sums) -> dict[str, Any]:
    """What a branch used, its own call and all beneath it."""
    cost = None if sums.cost_usd is None else _number(sums.cost_usd)
    return sums._asdict() | {"cost_usd": cost}


def _number(amount: Decimal) -> msgspec.Raw:
    return msgspec.Raw(plain(amount).encode())


def _written(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{rest:09d}Z"
