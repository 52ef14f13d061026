"""The keys that `costspan verify` accepts: today's, and those that were replaced.

A file or variable holds a key a line; `until=2026-11-01` behind one says that it was replaced on
that day, and may vouch for nothing later. Empty lines, and lines that begin with `#`, are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.export.auditing.audit import id_of, key_of


class Key(Struct, frozen=True):
    """A secret, and the last day that it may vouch for, if there is one."""

    secret: bytes
    until: date | None = None


def keys_by_id(keys: Iterable[Key]) -> Mapping[str, Key]:
    """The keys under the names that lines give them."""
    return {id_of(key.secret): key for key in keys}


def keys_in(text: str) -> list[Key]:
    """The keys of a file or variable.

    Raises:
        ConfigurationError: a line is none, or there is no key at all.
    """
    lines = (line.strip() for line in text.splitlines())
    keys = [_key(line) for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ConfigurationError("there is no key: write one a line")
    return keys


def _key(line: str) -> Key:
    secret, found, day = line.partition(" until=")
    try:
        return Key(key_of(secret), date.fromisoformat(day.strip()) if found else None)
    except ValueError:
        raise ConfigurationError(f"until={day} is no date: write until=2026-11-01") from None
