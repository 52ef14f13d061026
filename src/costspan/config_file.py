"""The TOML file that `COSTSPAN_CONFIG` names; `${VAR}` in its strings stands for a variable."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costspan.errors import ConfigurationError

FILE_KEYS = (
    "local",
    "store",
    "on_store_error",
    "capture_content",
    "providers",
    "metric_names",
    "metric_labels",
    "budgets",
    "alerts",
    "prices",
)
"""What the file may set."""


def read_file(name: str | None, env: Mapping[str, str]) -> dict[str, Any]:
    """The file's tables, with its variables written out; empty where there is no file.

    Raises:
        ConfigurationError: it cannot be read, is no TOML, has an unknown key, or names a variable
            that is not set.
    """
    if not name:
        return {}
    path = Path(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigurationError(
            f"COSTSPAN_CONFIG={name}: the file cannot be read ({fault.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigurationError(f"COSTSPAN_CONFIG={name} is no TOML: {fault}") from None
    for key in table:
        hint = unknown_key(key)
        if hint is not None:
            raise ConfigurationError(f"{name}: {hint}")
    return expanded(table, env, name)


def unknown_key(key: str) -> str | None:
    """What to write instead of a key that the file cannot have; None for one that it can."""
    if key in FILE_KEYS:
        return None
    close = difflib.get_close_matches(key, FILE_KEYS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(FILE_KEYS)}"
    return f"unknown key {key!r}: {hint}"


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def references(text: str) -> list[str]:
    """The variables that a string of the file stands for."""
    return _REFERENCE.findall(text)


def expanded(table: Mapping[str, Any], env: Mapping[str, str], file: str) -> dict[str, Any]:
    """A file's tables with the variables in their strings written out.

    Raises:
        ConfigurationError: a variable is not set.
    """
    return {key: _expanded(value, env, file) for key, value in table.items()}


def _expanded(value: Any, env: Mapping[str, str], file: str) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item, env, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, env, file) for item in value]
    if not isinstance(value, str):
        return value

    def variable(found: re.Match[str]) -> str:
        if found[1] not in env:
            raise ConfigurationError(f"{file}: ${{{found[1]}}} is not set in the environment")
        return env[found[1]]

    return _REFERENCE.sub(variable, value)


def tables(file: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    """The file's `[[key]]`.

    Raises:
        ConfigurationError: it is no list of tables.
    """
    found = file.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConfigurationError(f"{key} in the file is a list of tables: write [[{key}]]")
    return tuple(found)


def price_table(file: Mapping[str, Any]) -> Mapping[str, Any]:
    """The file's `[prices]`.

    Raises:
        ConfigurationError: it is no table, or its overrides are none.
    """
    table = file.get("prices", {})
    if not isinstance(table, dict) or not isinstance(table.get("overrides", {}), dict):
        raise ConfigurationError(
            'prices in the file is a table: write [prices] and [prices.overrides."MODEL"]'
        )
    return table
