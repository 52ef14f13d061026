"""The prices and their age, the budgets and the store that holds their sums."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from costspan.cost.pricing.refresh import Refresher
from costspan.cost.stores.contract import Store, StoreDown
from costspan.cost.stores.opening import file_of, has_file, open_store
from costspan.cost.tracker import CostTracker
from costspan.doctor.finding import Finding
from costspan.doctor.places import unwritable
from costspan.export.mounts import is_shared_over_network

_STORE_SECONDS = 5.0


def prices(costs: CostTracker | None) -> Iterator[Finding]:
    """Of which day the prices are, whether that is too long ago, and how a refresh goes."""
    if costs is None:
        yield Finding("prices", "none: instrument(costs=None)", "note")
        return
    table = costs.prices
    refreshed = Finding(
        "price refresh", "off: Prices(refresh=True) fetches newer prices once a day"
    )
    if table.refresher is not None:
        refreshed = _refreshed(table.refresher)
    yield Finding("prices", table.as_of)
    too_old = table.max_age.complaint(table.load())
    if too_old is not None:
        said, _, remedy = too_old.partition(": ")
        yield Finding("prices", said, "warning", remedy)
    yield refreshed


def _refreshed(refresher: Refresher) -> Finding:
    """How a try goes, made now: this process has made none yet."""
    refresher.stop()
    refresher.attempt()
    last = refresher.last
    assert last is not None
    said = f"every {refresher.every}; tried at {last.at:%Y-%m-%dT%H:%M:%SZ}: {last.result}"
    if last.taken:
        return Finding("price refresh", said)
    return Finding(
        "price refresh",
        f"{said}; the table in use stays",
        "warning",
        "let the program reach the address, or give a file: Prices(table=FILE)",
    )


def budgets(costs: CostTracker | None, url: str) -> Iterator[Finding]:
    """The budgets that are held, and how their store does; not its address.

    Args:
        url: of the store, as the settings have it.
    """
    names = [] if costs is None else [budget.name for budget in costs.budgets]
    yield Finding("budgets", ", ".join(names) or "none (in the environment and its file)")
    yield from store(url, needed=bool(names))


def store(url: str, *, needed: bool) -> Iterator[Finding]:
    """How a store does.

    Args:
        needed: whether budgets are held in it.
    """
    opened = open_store(url, _STORE_SECONDS)
    if not opened.shared:
        yield Finding("store", "memory: the sums of each process alone")
        return
    file = file_of(url)
    if file is not None:
        yield from _file(file)
    if has_file(url):
        yield _asked(opened, url.partition(":")[0], needed)
    else:
        yield Finding("store", "sqlite, whose file is not there yet")


def _asked(store: Store, kind: str, needed: bool) -> Finding:
    try:
        known = len(store.declared())
    except StoreDown as down:
        return Finding(
            "store",
            f"{kind}, which does NOT answer ({down})",
            "error",
            "start it, or correct the store's address; until it answers, "
            + ("budgets know this process alone" if needed else "sums are kept in memory"),
        )
    finally:
        store.close()
    return Finding(
        "store", f"{kind}, knows {known} budget{'' if known == 1 else 's'}: costspan budgets"
    )


def _file(path: str) -> Iterator[Finding]:
    folder = Path(path).parent
    why = unwritable(folder)
    if why is None and os.path.exists(path) and not os.access(path, os.W_OK):
        why = "Permission denied"
    if why is not None:
        yield Finding(
            "store", f"the file cannot be written to ({why})", "error", "let its user write there"
        )
    if is_shared_over_network(folder):
        yield Finding(
            "store",
            "the file is on a network file system, where SQLite's locks cannot be relied on",
            "warning",
            "keep it on a local disk; several machines share redis:// or postgresql://",
        )
