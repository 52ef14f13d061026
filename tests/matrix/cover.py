"""Which cells a shorter run takes: a small set that still holds every pair of values."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heapreplace
from itertools import combinations
from typing import Any, TypeVar

from tests.matrix.cells import Cell

_CHIEF = frozenset({"openai.chat.completions.create", "anthropic.messages.create"})
_CHIEF_FORMS = frozenset({"plain", "stream"})


def axes(cell: Cell) -> tuple[str, ...]:
    """A cell's value on each axis."""
    return str(cell.method), cell.mode, str(cell.form), cell.ending


C = TypeVar("C")


def pairwise(cells: Sequence[C], axes: Callable[[Any], tuple[str, ...]] = axes) -> tuple[C, ...]:
    """A greedy cover: always the cell with most pairs that are still missing, the first of equals.

    A cell's gain never grows, so only the one on top of the heap has to be counted again.
    """
    pairs = [frozenset(combinations(enumerate(axes(cell)), 2)) for cell in cells]
    missing = set().union(*pairs)
    heap = [(-len(own), place) for place, own in enumerate(pairs)]
    heapify(heap)
    chosen: list[int] = []
    while missing:
        gain, place = heap[0]
        now = -len(pairs[place] & missing)
        if now != gain:
            heapreplace(heap, (now, place))
            continue
        heappop(heap)
        chosen.append(place)
        missing -= pairs[place]
    return tuple(cells[place] for place in sorted(chosen))


def with_all_endings(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """All endings of the two methods that nearly every program calls, plain and streamed."""
    return tuple(
        cell for cell in cells if str(cell.method) in _CHIEF and str(cell.form) in _CHIEF_FORMS
    )


def shortened(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cover and the chief methods' endings, in the order of the matrix."""
    taken = {*pairwise(cells), *with_all_endings(cells)}
    return tuple(cell for cell in cells if cell in taken)
