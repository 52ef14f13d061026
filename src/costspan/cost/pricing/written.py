"""Prices as a TOML file writes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from costspan.cost.pricing.nearest import nearest
from costspan.cost.pricing.overrides import key_fault
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import Rate
from costspan.errors import ConfigurationError

Place = tuple[str, ...]
Fault = tuple[Place, str]
"""Where something is wrong, as the keys that lead there, and what to write instead."""

KEYS = tuple(inspect.signature(Prices).parameters)
"""What a file may say of prices: what `Prices(...)` takes."""

_COMPANIONS = {"refresh_url": {"refresh": True}}
"""What a setting needs beside it to be judged."""


def prices_of(table: Mapping[str, Any]) -> Prices:
    """The `[prices]` of a file.

    Raises:
        ConfigurationError: something in it is wrong; the message names the first of the faults.
    """
    for path, text in faults(table):
        raise ConfigurationError(f"{spelled(path)}: {text}")
    return _made(table)


def offline(table: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, but that nothing is fetched: for a look at prices."""
    return {key: value for key, value in table.items() if key not in ("refresh", "refresh_url")}


def faults(table: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that is wrong with the `[prices]` of a file."""
    found = [*_key_faults(("prices",), table, KEYS), *_override_faults(table)]
    found += _setting_faults(table)
    if not found:
        found = [(("prices",), text) for text in _refusal(_made, {"table": table})]
    yield from found


def spelled(path: Place) -> str:
    """A key as TOML writes it."""
    words = [word if word.replace("_", "").isalnum() else f'"{word}"' for word in path]
    return ".".join(words)


def _override_faults(table: Mapping[str, Any]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for key, rate in table.get("overrides", {}).items():
        path = ("prices", "overrides", key)
        fault = key_fault(key)
        if fault is not None:
            yield path, fault
        earlier = seen.setdefault(key.lower(), key)
        if earlier != key:
            yield path, f"the same key as {earlier!r}, as case does not matter: leave one out"
        yield from _rate_faults(path, rate)


def _rate_faults(path: Place, rate: Any) -> Iterator[Fault]:
    if rate == "free":
        return
    if not isinstance(rate, Mapping):
        yield path, f'{rate!r} is no rate: write {{ input = 0.10, output = 0.40 }} or "free"'
        return
    found = list(_key_faults(path, rate, Rate.__struct_fields__))
    for name in Rate.__struct_fields__:
        if name in rate:
            found += [((*path, name), text) for text in _refusal(Rate, {name: rate[name]})]
    if not found:
        found = [(path, text) for text in _refusal(Rate, rate)]
    yield from found


def _key_faults(path: Place, table: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[Fault]:
    for key in table:
        if key not in known:
            close = nearest(key, known)
            hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(known)}"
            yield (*path, key), f"unknown key {key!r}: {hint}"


def _setting_faults(table: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with each setting by itself; it is `Prices` that knows."""
    for key, value in table.items():
        path = ("prices", key)
        if key == "unknown" and isinstance(value, Mapping):
            yield from _rate_faults(path, value)
        elif key in KEYS and key != "overrides":
            alone = {**_COMPANIONS.get(key, {}), key: value}
            yield from ((path, text) for text in _refusal(_made, {"table": alone}))


def _refusal(kind: Any, settings: Mapping[str, Any]) -> list[str]:
    try:
        kind(**settings)
    except ConfigurationError as fault:
        return [str(fault)]
    return []


def _made(table: Mapping[str, Any]) -> Prices:
    settings = dict(table)
    rates = {key: _rate(rate) for key, rate in table.get("overrides", {}).items()}
    if isinstance(settings.get("unknown"), Mapping):
        settings["unknown"] = _rate(settings["unknown"])
    return Prices(**{**settings, "overrides": rates})


def _rate(rate: Any) -> Rate:
    return Rate.free() if rate == "free" else Rate(**rate)
