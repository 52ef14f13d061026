"""Patching the SDKs: one table says what is wrapped, one class wraps and unwraps it.

No SDK is imported here: one that is already imported is patched at once, another when the app
imports it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import logging
import re
import sys
from typing import Any

import wrapt

from costspan.errors import ConfigurationError
from costspan.guard import quietly
from costspan.instrumentation import shells
from costspan.instrumentation.requests import Requests
from costspan.providers.anthropic import ANTHROPIC
from costspan.providers.openai import OPENAI
from costspan.providers.operation import Provider

logger = logging.getLogger("costspan")

PROVIDERS: dict[str, Provider] = {one.name: one for one in (OPENAI, ANTHROPIC)}

TABLE = (
    ("_base_client", "SyncAPIClient", "request", shells.sync_request),
    ("_base_client", "AsyncAPIClient", "request", shells.async_request),
    ("_base_client", "SyncAPIClient", "_process_response", shells.sync_response),
    ("_base_client", "AsyncAPIClient", "_process_response", shells.async_response),
    ("_streaming", "Stream", "__init__", shells.stream_made),
    ("_streaming", "AsyncStream", "__init__", shells.stream_made),
)
"""Module of the SDK, class, function, and the shell that goes around it."""


class Patches:
    """What is wrapped in one process."""

    def __init__(self) -> None:
        self._wrapped: dict[tuple[str, str, str], tuple[Any, Any]] = {}
        self._requests: dict[str, Requests] = {}
        self._awaited: set[str] = set()
        self._wanted: set[str] = set()

    def apply(self, names: tuple[str, ...]) -> None:
        """Patch the SDKs of these providers, now or when the app imports them."""
        self._wanted = set(names)
        for name in names:
            if sys.modules.get(name) is not None:
                self._patch(PROVIDERS[name])
            elif name not in self._awaited:
                self._awaited.add(name)
                wrapt.register_post_import_hook(self._imported, name)

    def remove(self) -> None:
        """Put the originals back where our wrapper is the outermost; others stay, switched off."""
        self._wanted = set()
        self._put_back(list(self._wrapped))

    def _put_back(self, places: list[tuple[str, str, str]]) -> None:
        for place in places:
            owner, wrapper = self._wrapped[place]
            if owner.__dict__.get(place[2]) is wrapper:
                setattr(owner, place[2], wrapper.__wrapped__)
                del self._wrapped[place]

    def _forget_lost(self, name: str) -> None:
        """Start anew with a provider where a wrapper of ours is no more to be seen.

        Somebody put back what stood there before it, or covered it. It may still run: so all of
        this provider's are retired for good, lest a call be seen twice.
        """
        places = [place for place in self._wrapped if place[0] == name]
        wrapped = [(place[2], *self._wrapped[place]) for place in places]
        if all(_stands(owner, function, wrapper) for function, owner, wrapper in wrapped):
            return
        self._requests.pop(name).retired = True
        self._put_back(places)
        for place in places:
            self._wrapped.pop(place, None)

    def patched(self) -> dict[str, list[str]]:
        """The functions that are wrapped, by provider."""
        found: dict[str, list[str]] = {}
        for name, owner, function in self._wrapped:
            found.setdefault(name, []).append(f"{owner}.{function}")
        return found

    def _imported(self, module: Any) -> None:
        name = module.__name__
        if name in self._wanted:
            with quietly(f"patching {name}"):
                self._patch(PROVIDERS[name])

    def _patch(self, provider: Provider) -> None:
        self._forget_lost(provider.name)
        requests = self._requests.setdefault(provider.name, Requests(provider))
        requests.sees_responses = True
        for module_name, owner_name, function, shell in TABLE:
            place = (provider.name, owner_name, function)
            if place in self._wrapped:
                continue
            owner = _owner(f"{provider.name}.{module_name}", owner_name)
            if owner is None or function not in owner.__dict__:
                _say_missing(provider, f"{owner_name}.{function}")
                if function == "_process_response":
                    requests.sees_responses = False
                continue
            original = owner.__dict__[function]
            wrapper: Any = functools.wraps(original)(shell(requests, original))
            setattr(owner, function, wrapper)
            self._wrapped[place] = (owner, wrapper)


def _stands(owner: Any, function: str, wrapper: Any) -> bool:
    """Whether `wrapper` is what the class has, or is seen beneath it."""
    found = owner.__dict__.get(function)
    while found is not None and found is not wrapper:
        found = getattr(found, "__wrapped__", None)
    return found is wrapper


def _owner(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _say_missing(provider: Provider, place: str) -> None:
    logger.warning(
        "costspan does not find %s in %s %s: part of its calls go unseen. Upgrade costspan, or "
        "report this version",
        place,
        provider.name,
        installed_version(provider.name),
    )


def installed_version(package: str) -> str | None:
    """The installed version of a package, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def checked_providers(names: tuple[str, ...] | None) -> tuple[str, ...]:
    """The providers to patch: those named, else all whose SDK is installed and supported.

    Raises:
        ConfigurationError: one that was named is unknown, not installed or not supported.
    """
    if names is None:
        return tuple(name for name in PROVIDERS if _is_usable(name))
    for name in names:
        if name not in PROVIDERS:
            raise ConfigurationError(
                f"providers=({name!r},) is unknown: use {' and '.join(map(repr, PROVIDERS))}"
            )
        _check_named(name)
    return tuple(names)


def _check_named(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise ConfigurationError(
            f"providers=({name!r},): the package {name} is not installed: "
            f"pip install 'costspan[{name}]'"
        )
    if not _is_supported(name):
        raise ConfigurationError(
            f"providers=({name!r},): {name} {installed_version(name)} is not supported: "
            f"install {_range(name)}"
        )


def _is_usable(name: str) -> bool:
    if sys.modules.get(name) is None and importlib.util.find_spec(name) is None:
        return False
    if _is_supported(name):
        return True
    logger.warning(
        "costspan leaves %s %s alone: it supports %s", name, installed_version(name), _range(name)
    )
    return False


def _is_supported(name: str) -> bool:
    version = installed_version(name)
    if version is None:
        return True
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    lowest, beyond = PROVIDERS[name].versions
    return lowest <= numbers < beyond


def _range(name: str) -> str:
    lowest, beyond = PROVIDERS[name].versions
    return f"{name}>={'.'.join(map(str, lowest))},<{'.'.join(map(str, beyond))}"
