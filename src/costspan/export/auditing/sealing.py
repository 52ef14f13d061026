"""Who seals the lines of a folder, where its rules ask for it."""

from __future__ import annotations

from costspan.export.auditing.audit import Sealer
from costspan.export.auditing.checkpoints import keeper_of
from costspan.export.local_files import LocalFiles


def sealer_of(files: LocalFiles, lead: bytes = b"{") -> Sealer | None:
    """A new writer's seal; None without `audit_key`.

    Args:
        lead: how lines about the writer itself begin, so that readers of the file accept them.
    """
    if files.audit_key is None:
        return None
    return Sealer(files.audit_key, lead, keeper_of(files.checkpoints))
