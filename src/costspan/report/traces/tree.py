"""A trace as a tree: who called what, and what each branch used and cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from costspan.report.traces.finding import Found
from costspan.report.traces.parts import Part


class Sums(NamedTuple):
    """What the calls of a branch used. None where none of them says, which is not 0."""

    calls: int = 0
    errors: int = 0
    unpriced: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None

    def __add__(self, other: object) -> Sums:
        """Both together."""
        if not isinstance(other, Sums):
            return NotImplemented
        return Sums(*(_sum(mine, its) for mine, its in zip(self, other, strict=True)))


def _sum(mine: Any, its: Any) -> Any:
    return its if mine is None else mine if its is None else mine + its


class Node:
    """A part of the trace or a group of them, with what is beneath it.

    Attributes:
        part: the span or call; None for a group, which is only a name.
        sums: of its own call, if it is one, and of all beneath it.
        is_orphan: its parent is in no file that was read.
    """

    __slots__ = ("children", "ended", "is_orphan", "name", "part", "started", "sums")

    def __init__(self, name: str, part: Part | None = None) -> None:
        self.name = name
        self.part = part
        self.children: list[Node] = []
        self.is_orphan = False
        self.sums = Sums() if part is None else _own(part)
        self.started = 0 if part is None else part.started
        self.ended = 0 if part is None else part.ended


def _own(part: Part) -> Sums:
    if not part.is_call:
        return Sums()
    return Sums(
        1,
        int(part.error is not None),
        int(part.status == "unpriced"),
        part.input_tokens,
        part.output_tokens,
        part.cost_usd,
    )


class Tree(NamedTuple):
    """The whole: its roots in the order of their beginning, sums, and the window in nanoseconds."""

    trace_id: str
    roots: list[Node]
    sums: Sums
    started: int
    ended: int
    who: dict[str, str]


class Step(NamedTuple):
    """A node on its way down a tree: how deep, and for each level whether more come after it."""

    node: Node
    more: tuple[bool, ...]


def tree_of(found: Found) -> Tree:
    """The tree of a trace that was found.

    Spans know their parents. A calls file does not know them: its calls are put together by agent.
    Where there are both, calls without a span are such a group beside the spans.
    """
    nodes = [Node(part.name, part) for part in found.parts]
    roots = _by_parent(nodes) if found.has_spans else _by_agent(nodes)
    _sum_up(roots)
    total = Sums()
    for root in roots:
        total += root.sums
    return Tree(
        found.trace_id or "",
        roots,
        total,
        min(node.started for node in nodes),
        max(node.ended for node in nodes),
        _who(found.parts),
    )


def _by_parent(nodes: Sequence[Node]) -> list[Node]:
    by_id = {node.part.id: node for node in nodes if node.part and node.part.id}
    roots: list[Node] = []
    for node in nodes:
        parent = by_id.get(node.part.parent) if node.part and node.part.parent else None
        if parent is None or _is_beneath(parent, node, by_id):
            node.is_orphan = bool(node.part and node.part.parent)
            roots.append(node)
        else:
            parent.children.append(node)
    return roots


def _is_beneath(parent: Node, node: Node, by_id: dict[str, Node]) -> bool:
    """Whether a parent is beneath its own child: then the file is wrong, and has no end."""
    seen = set()
    above: Node | None = parent
    while above is not None and id(above) not in seen:
        if above is node:
            return True
        seen.add(id(above))
        above = by_id.get(above.part.parent) if above.part and above.part.parent else None
    return False


def _by_agent(nodes: Sequence[Node]) -> list[Node]:
    groups: dict[str, Node] = {}
    roots: list[Node] = []
    for node in nodes:
        agent = node.part.agent if node.part else None
        if agent is None:
            roots.append(node)
            continue
        if agent not in groups:
            groups[agent] = Node(f"agent {agent}")
            roots.append(groups[agent])
        groups[agent].children.append(node)
    return roots


def _sum_up(roots: Iterable[Node]) -> None:
    """From the leaves upwards; without recursion, as a tree may be as deep as it likes."""
    for node, _ in reversed(list(_down(roots))):
        for child in node.children:
            node.sums += child.sums
        if node.part is None:
            node.started = min(child.started for child in node.children)
            node.ended = max(child.ended for child in node.children)


def steps(tree: Tree) -> Iterator[Step]:
    """Every node, parents first, in the order of their beginning."""
    return _down(tree.roots)


def _down(roots: Iterable[Node]) -> Iterator[Step]:
    waiting = _last_first(roots, ())
    while waiting:
        step = waiting.pop()
        yield step
        waiting += _last_first(step.node.children, step.more)


def _last_first(nodes: Iterable[Node], above: tuple[bool, ...]) -> list[Step]:
    found = list(nodes)
    steps = [Step(node, (*above, place < len(found))) for place, node in enumerate(found, 1)]
    return steps[::-1]


def _who(parts: Iterable[Part]) -> dict[str, str]:
    """What all that say it say alike: the trace's session, user, endpoint, agent."""
    found = {}
    for word in ("session", "user", "endpoint", "agent"):
        said = {getattr(part, word) for part in parts} - {None}
        if len(said) == 1:
            found[word] = said.pop()
    return found
