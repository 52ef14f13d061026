"""Where checkpoints of the audit chain are kept: a file elsewhere, or what a function does."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from costspan.errors import ConfigurationError
from costspan.export.auditing.audit import Keep
from costspan.export.queues import Queue
from costspan.guard import fault_of

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_SETTLES_SECONDS = 1.0


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


class _Keeper:
    """Has a queue for what must not hold up the writer, which has its lock."""

    def __init__(self) -> None:
        self._queue = Queue("keeping a checkpoint")

    def settle(self) -> None:
        """Wait a second for what is being kept; the writer's lock is free."""
        self._queue.settle(_SETTLES_SECONDS)

    def forked(self) -> None:
        """What waits is the parent's."""
        self._queue.forked()


class _File(_Keeper):
    """Appends to a file, which many processes may share."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __call__(self, checkpoint: bytes) -> None:
        fault = fault_of(partial(self._append, checkpoint))
        if fault is not None:
            self._queue.put(partial(_tell, fault))

    def _append(self, checkpoint: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, _FLAGS, 0o600)
        try:
            os.write(descriptor, checkpoint)
        finally:
            os.close(descriptor)


class _Function(_Keeper):
    """Calls a function in a thread, as it may take its time."""

    def __init__(self, function: Callable[[str], object]) -> None:
        super().__init__()
        self._function = function

    def __call__(self, checkpoint: bytes) -> None:
        self._queue.put(partial(self._function, checkpoint.decode()))


def _tell(fault: Exception) -> None:
    """Have the queue log it: a handler of the log may wait for a call, and so for the writer."""
    raise fault
