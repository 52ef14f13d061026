"""How much of some files this process has read.

DuckDB tells its progress by steps of a statement, as if each took as long: a report that is nearly
done would stand at a tenth. So it is told by the bytes that were read, as Linux counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

Percent = Callable[[], float | None]
"""Tells how much is done, 0 to 100; None where nobody knows."""

_COUNTED = Path("/proc/self/io")


def percent_read(files: Iterable[Path]) -> Percent:
    """Tells how much of these files was read since now, whatever else was read in between."""
    total, start = sum(map(_size, files)), _read_by_now()

    def percent() -> float | None:
        now = _read_by_now()
        if start is None or now is None or not total:
            return None
        return min(100 * (now - start) / total, 100.0)

    return percent


def _read_by_now() -> int | None:
    """Bytes that this process has read from anywhere."""
    try:
        counts = dict(line.split(": ") for line in _COUNTED.read_text().splitlines())
        return int(counts["rchar"])
    except (OSError, KeyError, ValueError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
