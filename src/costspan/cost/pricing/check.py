"""Everything that is wrong with the prices of a user's file, each with its place."""

from __future__ import annotations

import os
import tomllib
from collections import ChainMap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from costspan import config_file
from costspan.cost.pricing import written
from costspan.cost.pricing.notes import note
from costspan.cost.pricing.places import fault_line, line_of, lines_of
from costspan.cost.pricing.written import Fault, Place, spelled
from costspan.errors import ConfigurationError


class Finding(Struct, frozen=True):
    """An `error`, which keeps the file from being used, or a `note`, which is good to know.

    `line` is counted from 1, None where the fault is in no line; `key` is as TOML writes it.
    """

    level: str
    line: int | None
    key: str
    text: str


def check(file: str, environ: Mapping[str, str] | None = None) -> list[Finding]:
    """What there is to say of the prices in a file for `COSTSPAN_CONFIG`, in its order.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        raw = Path(file).read_bytes()
    except OSError as fault:
        raise ConfigurationError(f"{file}: the file cannot be read ({fault.strerror})") from None
    try:
        text = raw.decode()
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        return [Finding("error", fault_line(fault, raw), "", f"this is no TOML: {fault}")]
    places = lines_of(text)
    found = [
        Finding(level, line_of(path, places), spelled(path), said)
        for level, (path, said) in _findings(content, os.environ if environ is None else environ)
    ]
    return sorted(found, key=lambda finding: finding.line or 0)


def _findings(content: Mapping[str, Any], env: Mapping[str, str]) -> Iterator[tuple[str, Fault]]:
    for key in content:
        hint = config_file.unknown_key(key)
        if hint is not None:
            yield "error", ((key,), hint)
    unset = list(_unset((), content, env))
    for path, name in unset:
        yield "error", (path, f"${{{name}}} is not set in the environment")
    known = ChainMap({name: "" for _, name in unset}, dict(env))
    try:
        table = config_file.price_table(config_file.expanded(content, known, ""))
    except ConfigurationError as fault:
        yield "error", (("prices",), str(fault))
        return
    wrong = list(written.faults(table))
    # What a variable stands for that is not set cannot be judged.
    yield from (("error", fault) for fault in wrong if fault[0] not in dict(unset))
    if not wrong:
        yield from _of_table(table)


def _unset(path: Place, value: Any, env: Mapping[str, str]) -> Iterator[tuple[Place, str]]:
    """Where a `${VAR}` stands that the environment does not have, and its name."""
    if isinstance(value, str):
        yield from ((path, name) for name in config_file.references(value) if name not in env)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unset((*path, key), item, env)
    elif isinstance(value, list):
        for item in value:
            yield from _unset(path, item, env)


def _of_table(content: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    """What the price table has to say of the rates; or that it cannot be read."""
    prices = written.prices_of(written.offline(content))
    try:
        table = prices.load()
    except ConfigurationError as fault:
        yield "error", (("prices", "table"), str(fault))
        return
    for override in prices.overrides:
        text = note(table, override.key, override.rate)
        if text is not None:
            yield "note", (("prices", "overrides", override.key), text)
