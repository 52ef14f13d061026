"""Where a database is: its URL, read once, and shown without what is secret in it."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from costspan.errors import ConfigurationError
from costspan.guard import fault_of

_SCHEMES = ("sqlite", "postgresql", "postgres")
_BEGINNINGS = tuple(f"{scheme}:" for scheme in _SCHEMES)
_FORMS = (
    "sqlite:///calls.db (in the current folder), sqlite:////var/lib/calls.db (an absolute path) "
    "or postgresql://user@host/database"
)


class Address(Struct, frozen=True):
    """A database: `target` is the path of its file, or what libpq reads; `shown` may be printed."""

    is_file: bool
    target: str
    shown: str
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def masked(self, said: str) -> str:
        """What a library said, on one line and without the password."""
        line = " ".join(said.split())
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line


def is_address(place: object) -> bool:
    """Whether a place is a URL rather than a folder."""
    return isinstance(place, str) and ("://" in place or place.startswith(_BEGINNINGS))


def address(url: str) -> Address:
    """The database that a URL names; it is not asked.

    Raises:
        ConfigurationError: no database has such a URL, or its package is not installed. The
            message never holds a password.
    """
    scheme, colon, rest = url.partition("://")
    if not colon or scheme not in _SCHEMES:
        raise ConfigurationError(f"{_scheme(url)!r} is no database: write {_FORMS}")
    return _file(url, rest) if scheme == "sqlite" else _server(url)


def _scheme(url: str) -> str:
    """As much as may be shown of what is no URL of ours: it may hold a password."""
    return f"{url.partition(':')[0]}:..." if ":" in url else url


def _file(url: str, rest: str) -> Address:
    host, _, name = rest.partition("/")
    path = unquote(name)
    if host or not path or path.endswith("/") or path.startswith(":") or "?" in url:
        shown = _scheme(url) if "@" in host else url
        raise ConfigurationError(f"{shown!r} names no file: write {_FORMS}")
    path = os.path.abspath(path)
    if not os.path.isdir(os.path.dirname(path)):
        raise ConfigurationError(f"{url}: make the folder {os.path.dirname(path)!r} first")
    if os.path.isdir(path):
        raise ConfigurationError(f"{url}: {path!r} is a folder, name a file in it")
    return Address(True, path, url)


# What fails below may have a text with the password in it: it must not go along as the context.


def _server(url: str) -> Address:
    if isinstance(fault_of(lambda: import_module("psycopg")), ImportError):
        raise ConfigurationError(
            "a PostgreSQL database needs a package that is not installed: "
            "pip install 'costspan[postgres]'"
        )
    parts = _parts(url)
    if parts is None:
        raise ConfigurationError(
            "postgresql:...: its host, port or options cannot be read; write it as "
            "postgresql://user:password@host:5432/database, with special characters of a password "
            "as %XX"
        )
    user, port = parts.get("user"), parts.get("port")
    place = f"{parts.get('host', '')}{f':{port}' if port else ''}/{parts.get('dbname', '')}"
    shown = f"postgresql://{f'{user}@' if user else ''}{place}"
    secrets = [str(parts[name]) for name in ("password", "sslpassword") if parts.get(name)]
    return Address(False, url, shown, tuple(secrets))


def _parts(url: str) -> dict[str, Any] | None:
    from psycopg.conninfo import conninfo_to_dict

    found: list[dict[str, Any]] = []
    if fault_of(lambda: found.append(conninfo_to_dict(url))) is not None:
        return None
    # Where a password has a "/" or "@", a part of it is taken for what may be shown.
    shown = "".join(str(found[0].get(name, "")) for name in ("user", "host", "dbname"))
    is_sound = "@" not in shown and str(found[0].get("port", "0")).replace(",", "").isdecimal()
    return found[0] if is_sound else None
