"""From a URL to the store that it names. Nothing is opened before the first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import unquote

from costspan.cost.stores import contract
from costspan.cost.stores.contract import Store
from costspan.cost.stores.memory import MemoryStore
from costspan.errors import ConfigurationError
from costspan.guard import fault_of

if TYPE_CHECKING:
    from costspan.cost.stores.backend import Backend

FORMS = (
    "'memory', 'sqlite:///costs.db' (in the current folder), 'sqlite:////var/lib/costs.db' (an"
    " absolute path), 'redis://host:6379/0', 'rediss://host:6379/0' or"
    " 'postgresql://user@host/database'"
)


def open_store(url: str, deadline: float | None = None) -> Store:
    """The store that `url` names; it is not asked before its first use.

    Args:
        deadline: seconds that one operation of a shared store may take; by default as in the
            contract.

    Raises:
        ConfigurationError: no store has such a URL, its package is not installed, or the folder of
            its file does not exist. The message never holds a password.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"store={type(url).__name__}: give a text: {FORMS}")
    if url == "memory":
        return MemoryStore()
    scheme, colon, _ = url.partition("://")
    make = _MAKERS.get(scheme) if colon else None
    if make is None:
        raise ConfigurationError(f"store={_shown(url)!r}: use one of {FORMS}")
    return make(url, contract.DEADLINE_SECONDS if deadline is None else deadline)


def _shown(url: str) -> str:
    """As much of a URL as may be shown: what stands before the colon, or a single word."""
    scheme, colon, _ = url.partition(":")
    if colon:
        return f"{scheme}:..."
    return url if url.isalnum() and len(url) < 20 else "..."


def _sqlite(url: str, deadline: float) -> Store:
    from costspan.cost.stores.sqlite import SQLite

    host, path = _host_and_path(url)
    if host or not path or path.endswith("/") or path.startswith(":") or "?" in url:
        raise ConfigurationError(
            f"store={url!r}: after 'sqlite://' comes a slash and then the path of a file:"
            " 'sqlite:///costs.db' is in the current folder, 'sqlite:////var/lib/costs.db' an"
            " absolute path; for sums of this process alone use 'memory'"
        )
    path = os.path.abspath(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise ConfigurationError(f"store={url!r}: make the folder {folder!r} first")
    if os.path.isdir(path):
        raise ConfigurationError(f"store={url!r}: {path!r} is a folder, name a file in it")
    return _shared(SQLite(path, deadline))


def has_file(url: str) -> bool:
    """Whether the file of an SQLite store is there; always True of others, which have none."""
    path = file_of(url)
    return path is None or os.path.exists(path)


def file_of(url: str) -> str | None:
    """The absolute path of an SQLite store's file; None of other stores."""
    if not url.startswith("sqlite://"):
        return None
    return os.path.abspath(_host_and_path(url)[1])


def _host_and_path(url: str) -> tuple[str, str]:
    host, _, path = url.removeprefix("sqlite://").partition("/")
    return host, unquote(path)


def _redis(url: str, deadline: float) -> Store:
    _need("redis", "redis", url)
    from costspan.cost.stores.redis import Redis, check

    _read(check, url, "redis://:password@host:6379/0")
    return _shared(Redis(url, deadline))


def _postgres(url: str, deadline: float) -> Store:
    _need("psycopg", "postgres", url)
    from costspan.cost.stores.postgres import Postgres, check

    _read(check, url, "postgresql://user:password@host:5432/database")
    return _shared(Postgres(url, deadline))


def _shared(backend: Backend) -> Store:
    from costspan.cost.stores.shared import SharedStore  # most programs never need it

    return SharedStore(backend)


# What fails below may have a text with the password in it: it must not go along as the context.


def _need(module: str, extra: str, url: str) -> None:
    if isinstance(fault_of(lambda: import_module(module)), ImportError):
        raise ConfigurationError(
            f"store={_shown(url)!r} needs a package that is not installed:"
            f" pip install 'costspan[{extra}]'"
        )


def _read(check: Callable[[str], object], url: str, example: str) -> None:
    if fault_of(lambda: check(url)) is not None:
        raise ConfigurationError(
            f"store={_shown(url)!r}: its host, port or options cannot be read; write it as"
            f" {example!r}, with special characters of a password as %XX"
        )


_MAKERS: dict[str, Callable[[str, float], Store]] = {
    "sqlite": _sqlite,
    "redis": _redis,
    "rediss": _redis,
    "postgresql": _postgres,
    "postgres": _postgres,
}
