"""What `costspan doctor` finds: SDKs, patches, where spans and lines go, prices, budgets, calls."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from costspan.cost.pricing.refresh import Refresher
from costspan.cost.stores.contract import StoreDown
from costspan.cost.stores.opening import has_file, open_store
from costspan.cost.tracker import CostTracker
from costspan.export.local_files import files_of
from costspan.guard import quietly
from costspan.instrumentation.patching import PROVIDERS, TABLE, installed_version
from costspan.instrumentor import VERSION, Instrumentor
from costspan.settings import Settings

Finding = tuple[str, str]
_LAST_CALLS = 3
_STORE_SECONDS = 5.0
_TAIL_BYTES = 64 * 1024


def findings() -> list[Finding]:
    """Topics with what is to be said of each, in the settings that the environment gives.

    costspan is switched on for the look, and off again.

    Raises:
        ConfigurationError: a setting of the environment or of its file is wrong.
    """
    instrumentor = Instrumentor()
    for name in PROVIDERS:
        if installed_version(name) is not None:
            importlib.import_module(name)
    instrumentor.instrument()
    try:
        return list(_findings(instrumentor))
    finally:
        instrumentor.uninstrument()


def _findings(instrumentor: Instrumentor) -> Iterator[Finding]:
    settings = instrumentor.settings
    assert settings is not None
    yield "costspan", f"{VERSION} on Python {platform.python_version()}"
    patched = instrumentor.patches.patched()
    for name in PROVIDERS:
        yield name, _sdk(name, patched.get(name, []))
    yield "spans", instrumentor.destination
    yield "calls file", _file(settings)
    yield from _prices(instrumentor.costs)
    yield from _budgets(instrumentor.costs, settings)
    yield "content", f"capture is {settings.capture_content}"
    yield from _last_calls(settings)


def _sdk(name: str, places: list[str]) -> str:
    version = installed_version(name)
    if version is None:
        return f"not installed (pip install 'costspan[{name}]')"
    if len(places) == len(TABLE):
        return f"{version}, patched"
    return f"{version}, NOT patched" if not places else f"{version}, patched in part: {places}"


def _file(settings: Settings) -> str:
    if settings.local is None:
        return "none (set COSTSPAN_LOCAL=logs, or instrument(local='logs'))"
    files = files_of(settings.local)
    return f"{files.directory}/llm_trace_<{files.unit}>.jsonl"


def _prices(costs: CostTracker | None) -> Iterator[Finding]:
    if costs is None:
        yield "prices", "none"
        return
    prices = costs.prices
    refreshed = "off: Prices(refresh=True) fetches newer prices once a day"
    if prices.refresher is not None:
        refreshed = _refreshed(prices.refresher)
    yield "prices", prices.as_of
    too_old = prices.max_age.complaint(prices.load())
    if too_old is not None:
        yield "prices", too_old
    yield "price refresh", refreshed


def _refreshed(refresher: Refresher) -> str:
    """How a try goes, made now: this process has made none yet."""
    refresher.stop()
    refresher.attempt()
    last = refresher.last
    assert last is not None
    kept = "" if last.taken else "; the table in use stays"
    return f"every {refresher.every}; tried at {last.at:%Y-%m-%dT%H:%M:%SZ}: {last.result}{kept}"


def _budgets(costs: CostTracker | None, settings: Settings) -> Iterator[Finding]:
    """The budgets of the environment and of its file, and how the store does; not its address."""
    names = [] if costs is None else [budget.name for budget in costs.budgets]
    yield "budgets", ", ".join(names) or "none (in the environment and its file)"
    yield "store", _store(settings.store)


def _store(url: str) -> str:
    kind = url.partition(":")[0]
    store = open_store(url, _STORE_SECONDS)
    if not store.shared:
        return "memory: the sums of each process alone"
    if not has_file(url):
        return f"{kind}, whose file is not there yet"
    try:
        known = len(store.declared())
    except StoreDown as down:
        return f"{kind}, which does NOT answer ({down})"
    finally:
        store.close()
    return f"{kind}, knows {known} budget{'' if known == 1 else 's'}: costspan budgets"


def _last_calls(settings: Settings) -> Iterator[Finding]:
    if settings.local is None:
        return
    folder = files_of(settings.local).directory
    files = sorted(folder.glob("llm_trace_*.jsonl"))
    if not files:
        yield "last calls", f"none in {folder} yet"
        return
    for line in _tail(files[-1]):
        with quietly("reading a line of the calls file"):
            record = msgspec.json.decode(line)
            if "kind" not in record:
                yield "last calls", _call(record)


def _tail(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read().splitlines()[-_LAST_CALLS:]


def _call(line: Mapping[str, Any]) -> str:
    cost = "unpriced" if line["cost_usd"] is None else f"{line['cost_usd']} USD"
    failed = f", {line['error']}" if line["error"] else ""
    return f"{line['timestamp']} {line['operation']} {line['model']}: {cost}{failed}"
