"""Whether a folder lies on a network file system, where processes cannot share a file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_KINDS = re.compile(
    r"nfs|nfs4|cifs|smb3|smbfs|9p|afs|ceph|lustre|gpfs|beegfs|glusterfs|ocfs2|gfs2|vboxsf|fuse\..+"
)
_MOUNTS = Path("/proc/self/mounts")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def is_shared_over_network(folder: Path) -> bool:
    """Whether appends of several processes may be torn there, as far as it can be told.

    Linux says of what kind each mount is; of other systems nothing is known. Windows has no
    append that is safe between processes, so the answer is always yes there.
    """
    if sys.platform == "win32":
        return True
    try:
        table = _MOUNTS.read_text("utf-8", "surrogateescape")
        place = os.path.realpath(folder)
    except OSError:
        return False
    return _KINDS.fullmatch(kind_of(place, table)) is not None


def kind_of(place: str, table: str) -> str:
    """The kind of file system that holds an absolute path, by a table of mounts; "" if unknown."""
    kind, longest = "", -1
    for row in table.splitlines():
        fields = row.split(" ")
        if len(fields) < 3:
            continue
        mounted = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[1])
        inside = place == mounted or place.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= longest:  # of two on one place, the later one is on top
            kind, longest = fields[2], len(mounted)
    return kind
