"""DuckDB, in memory, and closed to everything but the files that it was opened for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from costspan.errors import ConfigurationError
from costspan.report.vocabulary import pattern, text

_MOST_THREADS = 4
"""Each has buffers of its own: more would not fit into the memory that a report may take."""

_MEMORY = "320MiB"
"""What DuckDB counts of its memory; the whole process has up to 160 MiB more."""


def duckdb() -> Any:
    """The module.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return import_module("duckdb")
    except ImportError:
        raise ConfigurationError("a report needs DuckDB: pip install 'costspan[report]'") from None


def opened(files: Iterable[Path], folder: str) -> Any:
    """A connection to an empty database that can read `files` and nothing else.

    It loads no extension, does not see Python's variables, and its settings are locked.

    Args:
        folder: where it may put what does not fit into memory.
    """
    engine = duckdb().connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "preserve_insertion_order": False,
            "threads": min(os.cpu_count() or 1, _MOST_THREADS),
            "memory_limit": _MEMORY,
            "temp_directory": folder,
        },
    )
    allowed = {name for path in files for name in (str(path), pattern(path))}
    engine.execute(f"SET allowed_paths = [{', '.join(map(text, allowed))}]")
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute("SET enable_progress_bar = false")  # it would stand in standard output
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")
    return engine
