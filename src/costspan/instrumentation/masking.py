"""Addresses without their secrets, to be shown and logged."""

from __future__ import annotations

SET = "***"
"""What stands for a secret that is set."""


def masked(url: str) -> str:
    """An address without user, password and query; what cannot be told apart is left out."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        return url.rpartition("@")[2]
    if "@" in rest.partition("?")[2]:
        return f"{scheme}://{SET}"
    before, at, host = rest.rpartition("@")
    host, question, _ = host.partition("?")
    secret = SET + "@" if at and before else ""
    return f"{scheme}://{secret}{host}{'?' + SET if question else ''}"
