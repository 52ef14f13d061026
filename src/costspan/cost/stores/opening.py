"""From a URL to the store that it names. Nothing is opened before the first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from costspan.cost.stores import contract
from costspan.cost.stores.contract import Store
from costspan.cost.stores.memory import MemoryStore
from costspan.cost.stores.shared import SharedStore
from costspan.errors import ConfigurationError

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
    return SharedStore(SQLite(path, deadline))


def has_file(url: str) -> bool:
    """Whether the file of an SQLite store is there; always True of others, which have none."""
    if not url.startswith("sqlite://"):
        return True
    return os.path.exists(os.path.abspath(_host_and_path(url)[1]))


def _host_and_path(url: str) -> tuple[str, str]:
    host, _, path = url.removeprefix("sqlite://").partition("/")
    return host, unquote(path)


def _redis(url: str, deadline: float) -> Store:
    try:
        from costspan.cost.stores.redis import Redis
    except ImportError:
        raise _missing("redis", url) from None
    _check_address(url, "redis://:password@host:6379/0")
    return SharedStore(Redis(url, deadline))


def _postgres(url: str, deadline: float) -> Store:
    try:
        from costspan.cost.stores.postgres import Postgres
    except ImportError:
        raise _missing("postgres", url) from None
    _check_address(url, "postgresql://user:password@host:5432/database")
    return SharedStore(Postgres(url, deadline))


def _missing(extra: str, url: str) -> ConfigurationError:
    return ConfigurationError(
        f"store={_shown(url)!r} needs a package that is not installed:"
        f" pip install 'costspan[{extra}]'"
    )


def _check_address(url: str, example: str) -> None:
    try:
        urlsplit(url).port  # noqa: B018 - reading it is the check
    except ValueError:
        raise ConfigurationError(
            f"store={_shown(url)!r}: its host or port cannot be read; write it as {example!r}, with"
            " special characters of a password as %XX"
        ) from None


_MAKERS: dict[str, Callable[[str, float], Store]] = {
    "sqlite": _sqlite,
    "redis": _redis,
    "rediss": _redis,
    "postgresql": _postgres,
    "postgres": _postgres,
}
