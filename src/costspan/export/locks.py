"""Who has a file open: writers share a lock on it, and who closes it for good wants it alone.

The locks are advisory (`flock`), belong to an open file rather than to a process, and end with it,
however a process ends.
"""

from __future__ import annotations

import errno
import sys

if sys.platform == "win32":
    AVAILABLE = False
else:
    import fcntl

    AVAILABLE = True

_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def share(descriptor: int) -> bool:
    """Say that this file is written to; False where somebody is closing it for good.

    True also where the file system has no locks: nothing is ever closed for good there.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as fault:
        return fault.errno not in _HELD
    return True


def take(descriptor: int) -> bool:
    """Have the file alone; False where a writer has it open, or there are no locks."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
