"""One finding: what it is about, how grave it is, what was seen and what to do."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Severity = Literal["ok", "note", "warning", "error"]


class Finding(Struct, frozen=True):
    """What was seen of one topic.

    Args:
        topic: what it is about, such as `store`.
        text: what was seen. Holds no key, no password and no message.
        severity: `"ok"`; `"note"`: worth knowing, nothing is wrong; `"warning"`: figures may be
            wrong or late; `"error"`: something that was asked for does not work.
        remedy: what to do; None where there is nothing to do.
    """

    topic: str
    text: str
    severity: Severity = "ok"
    remedy: str | None = None
