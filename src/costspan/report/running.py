"""Work of DuckDB over files of which some may turn out to be unreadable."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from costspan.errors import ConfigurationError
from costspan.export.folders import NO_FILE, by_now, is_endless
from costspan.report.conditions import EXAMPLE
from costspan.report.engine import duckdb, opened
from costspan.report.reading import Percent, percent_read
from costspan.report.selection import IS_CALL, NEEDED
from costspan.report.source import lines
from costspan.report.vocabulary import printable

_MOST_TRIES = 10
"""How often it is begun anew as files were compressed meanwhile, which writers do all the time."""

T = TypeVar("T")

Watch = Callable[[Percent], AbstractContextManager[None]]
"""Looks on while work is done."""


def unwatched(percent: Percent) -> AbstractContextManager[None]:
    """Nobody looks on."""
    return nullcontext()


def run(
    files: Sequence[Path],
    work: Callable[[Any, Sequence[Path]], T],
    where: str | None = None,
    watch: Watch = unwatched,
) -> tuple[T | None, dict[Path, str]]:
    """What `work` gives for the files that can be read, and why the others cannot.

    Args:
        work: gets a connection that may open these files, and the files. It is done once more
            without those that turned out to be unreadable, and where some were compressed since
            they were listed, under the names that they have by now.
        where: the expression in its statements, as it was written.

    Returns:
        The first is None where no file is left.

    Raises:
        ConfigurationError: DuckDB refuses the statement, and no file is at fault.
    """
    files, tries = list(files), 1
    unreadable = dict.fromkeys(filter(is_endless, files), NO_FILE)
    with tempfile.TemporaryDirectory(prefix="costspan-") as folder:
        while chosen := [path for path in files if path not in unreadable]:
            with opened(chosen, folder) as engine, watch(percent_read(chosen)):
                try:
                    return work(engine, chosen), unreadable
                except RuntimeError as fault:
                    raise _interrupted(fault) from None
                except duckdb().Error as fault:
                    now = [by_now(path) for path in files]
                    if now != files and tries < _MOST_TRIES:
                        files, tries = now, tries + 1
                        continue
                    is_of_a_file = where is None or isinstance(fault, _of_files())
                    faulty = _unreadable(engine, chosen) if is_of_a_file else {}
                    if not faulty:
                        raise _refused(where, fault) from None
                    unreadable |= faulty
    return None, unreadable


def _interrupted(fault: RuntimeError) -> BaseException:
    """DuckDB takes Ctrl-C for itself, and says it in words."""
    return KeyboardInterrupt() if str(fault) == "Query interrupted" else fault


def _of_files() -> tuple[type[Exception], ...]:
    """What DuckDB raises for a file, whatever the expression; the second is for a folder."""
    return duckdb().IOException, duckdb().PermissionException


def _unreadable(engine: Any, files: Sequence[Path]) -> dict[Path, str]:
    """The files that cannot be read to their end, each with the reason."""
    found = {}
    for path in files:
        try:
            path.open("rb").close()
            source = lines([path], NEEDED, ())
            engine.execute(f"SELECT count(*) FROM {source} WHERE {IS_CALL}").fetchall()
        except OSError as fault:
            found[path] = fault.strerror or type(fault).__name__
        except duckdb().Error as fault:
            found[path] = "Is a directory" if path.is_dir() else _first_line(fault)
    return found


def _refused(where: str | None, fault: Exception) -> Exception:
    if where is None:
        return ConfigurationError(f"DuckDB cannot answer: {_first_line(fault)}")
    said = _first_line(fault).partition(". ")[0]
    return ConfigurationError(f"--where {where!r}: {said}; {EXAMPLE}")


def _first_line(fault: Exception) -> str:
    line = str(fault).splitlines()[0]
    return printable(line.partition("Error: ")[2] or line)
