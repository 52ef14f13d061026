"""Where checkpoints of the audit chain are kept: a file elsewhere, or what a function does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costspan.errors import ConfigurationError
from costspan.export import workers
from costspan.export.audit import Keep
from costspan.guard import quietly

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_LAST_WAITS_SECONDS = 1.0


def keeper_of(target: Any) -> Keep | None:
    """What takes checkpoints.

    Args:
        target: a file's name, or a function that takes a checkpoint as text.

    Raises:
        ConfigurationError: it is neither, or the name of a folder.
    """
    if target is None:
        return None
    if callable(target):
        return _Function(target)
    if not isinstance(target, str | os.PathLike) or not str(target):
        raise ConfigurationError("LocalFiles(checkpoints=...): give a file's name or a function")
    if Path(target).is_dir():
        raise ConfigurationError(
            f"LocalFiles(checkpoints={str(target)!r}) is a folder: give a file's name in it"
        )
    return _File(Path(target))


class _File:
    """Appends to a file, which many processes may share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, checkpoint: bytes, is_last: bool) -> None:
        with quietly("keeping a checkpoint", even_asked_for=True):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, _FLAGS, 0o600)
            try:
                os.write(descriptor, checkpoint)
            finally:
                os.close(descriptor)


class _Function:
    """Calls a function in a thread, as it may take its time; the last one of a file is awaited."""

    def __init__(self, function: Callable[[str], object]) -> None:
        self._function = function

    def __call__(self, checkpoint: bytes, is_last: bool) -> None:
        def call() -> None:
            with quietly("keeping a checkpoint", even_asked_for=True):
                self._function(checkpoint.decode())

        try:
            thread = workers.start(call)
        except RuntimeError:  # the interpreter is ending, and no thread is to be had
            call()
            return
        if is_last:
            thread.join(_LAST_WAITS_SECONDS)
