"""Newer prices from the network, fetched in the background by a thread of its own."""

from __future__ import annotations

import logging
import os
import re
import threading
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from msgspec import Struct

from costspan.cost.pricing.compare import Change
from costspan.cost.pricing.durations import duration, in_words
from costspan.cost.pricing.merge import MOST_FACTOR, TableRefused, merged
from costspan.cost.pricing.rows import reason_of
from costspan.cost.pricing.table import Table
from costspan.errors import ConfigurationError
from costspan.guard import fault_of, quietly

logger = logging.getLogger("costspan")

_TIMEOUT_SECONDS = 10.0
_MOST_NAMED = 20
_MOST_CHARACTERS = 300


class Attempt(Struct, frozen=True):
    """One try to get newer prices: when, whether the new table was taken, and how it went."""

    at: datetime
    taken: bool
    result: str


class Refreshed(Protocol):
    """Whoever has a table in use and can take another."""

    def load(self) -> Table:
        """The table in use."""

    def take(self, table: Table) -> None:
        """Use `table` from now on."""


class Refresher:
    """Fetches a table at once and then at every interval, from `start()` to `stop()`.

    Only a weak reference is held to whoever uses the table: the thread ends with it. A forked
    child has no thread until `keep_running()` is called there.

    Args:
        owner: whoever uses the table.
        interval: between two tries.
        url: where from; by default genai-prices' own address.
    """

    def __init__(self, owner: Refreshed, interval: timedelta, url: str | None) -> None:
        self.interval = interval
        self.every = in_words(interval)
        self.last: Attempt | None = None
        self._url = url
        self._wanted = True
        # By process. No lock guards it: a lock that is held while another thread forks stays held.
        self._stops: dict[int, SimpleQueue[None]] = {}
        self._said: set[str] = set()
        # A finaliser takes no lock: putting into a SimpleQueue is safe there.
        self._owner = weakref.ref(owner, lambda _: self.stop())

    def start(self) -> None:
        """Have the thread run, also after a `stop()`."""
        self._wanted = True
        self.keep_running()

    def keep_running(self) -> None:
        """Have the thread run in this process, unless it was stopped."""
        process = os.getpid()
        if not self._wanted or process in self._stops:
            return
        stop: SimpleQueue[None] = SimpleQueue()
        if self._stops.setdefault(process, stop) is not stop:
            return
        with quietly("starting to refresh the prices"):
            threading.Thread(
                target=self._run, args=(stop,), name="costspan-prices", daemon=True
            ).start()

    def stop(self) -> None:
        """End the thread: at once while it waits, else when its fetch is over."""
        self._wanted = False
        stop = self._stops.pop(os.getpid(), None)
        if stop is not None:
            stop.put(None)

    def attempt(self, stop: SimpleQueue[None] | None = None) -> None:
        """Fetch a table once and take it, if it is good; any failure keeps the one in use."""
        outcome: list[tuple[bool, str]] = []
        fault = fault_of(lambda: outcome.append(self._fetch(stop)))
        if fault is None:
            taken, result = outcome[0]
        else:
            taken, result = False, self._failed(fault)
        self.last = Attempt(datetime.now(UTC), taken, result)

    def _run(self, stop: SimpleQueue[None]) -> None:
        pause = min(self.interval.total_seconds(), threading.TIMEOUT_MAX)
        while True:
            with quietly("refreshing the prices"):
                self.attempt(stop)
            try:
                stop.get(timeout=pause)
            except Empty:
                continue
            return

    def _fetch(self, stop: SimpleQueue[None] | None) -> tuple[bool, str]:
        from opentelemetry.instrumentation.utils import suppress_instrumentation

        owner = self._owner()
        if owner is None:
            return False, "nobody uses the prices any more"
        in_use = owner.load()
        del owner  # it may go while the network is slow
        with suppress_instrumentation():
            fetched = Table.fetched(self._url, _TIMEOUT_SECONDS)
        table, held = merged(in_use, fetched)
        owner = self._owner()
        if owner is None or (stop is not None and not stop.empty()):
            return False, "stopped meanwhile"
        owner.take(table)
        self._say_held(held)
        logger.debug("costspan has new prices: %s", table.prices_as_of)
        return True, f"taken: {table.prices_as_of}"

    def _failed(self, fault: Exception) -> str:
        kind = fault.kind if isinstance(fault, TableRefused) else type(fault).__name__
        text = f"{kind}: {reason_of(fault)}"[:_MOST_CHARACTERS]
        result = re.sub(r"//[^/@\s]*@", "//", text)  # a URL's user and password
        level = logging.DEBUG if kind in self._said else logging.WARNING
        self._said.add(kind)
        logger.log(
            level,
            "costspan could not refresh its prices (%s). The table in use stays; the next try is "
            "in %s.",
            result,
            self.every,
        )
        return result

    def _say_held(self, held: Sequence[Change]) -> None:
        first: dict[str, Change] = {}
        for change in held:
            first.setdefault(f"{change.provider}/{change.model}", change)
        new = [change for name, change in first.items() if name not in self._said]
        if not new:
            return
        self._said.update(first)
        more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
        logger.warning(
            "costspan holds back the new prices of %d model%s, which would change by more than a "
            "factor of %s: %s%s. They keep the prices in use; all others are new. Where the new "
            "ones are right, upgrade genai-prices, or give Prices(table=FILE) or "
            "Prices(overrides=...).",
            len(new),
            "s" if len(new) > 1 else "",
            MOST_FACTOR,
            "; ".join(map(str, new[:_MOST_NAMED])),
            more,
        )


def refresher(owner: Refreshed, refresh: Any, url: Any) -> Refresher | None:
    """The refresher that the settings ask for; None where they ask for none.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    if url is not None and not re.match(r"https?://[^/]", str(url)):
        raise ConfigurationError(f"Prices(refresh_url={url!r}): give an http:// or https:// URL")
    if refresh is False:
        if url is not None:
            raise ConfigurationError("Prices(refresh_url=...) has no use without refresh=True")
        return None
    if refresh is not True and not isinstance(refresh, str):
        raise ConfigurationError(
            f'Prices(refresh={refresh!r}): use True for once a day, an interval such as "6h", or '
            "False"
        )
    interval = timedelta(days=1) if refresh is True else duration("Prices(refresh)", refresh)
    if interval < timedelta(hours=1):
        raise ConfigurationError(
            f'Prices(refresh={refresh!r}) is too often: use "1h" or a longer time'
        )
    return Refresher(owner, interval, url)
