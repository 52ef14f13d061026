"""Prices that are refreshed from a local server."""

import gc
import threading
from collections.abc import Iterator

import pytest
from genai_prices.data import providers

from costspan import Prices
from costspan.cost.pricing.table import Table
from tests.cost.pricing.tables import SERVED, Source, newer, source, until


def refresh_threads() -> list[threading.Thread]:
    """The threads that refresh prices."""
    return [one for one in threading.enumerate() if one.name == "costspan-prices"]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A server with newer prices of a few providers, the only ones in use; no thread stays."""
    few = [one for one in providers if one.id in SERVED]
    monkeypatch.setattr(Table, "bundled", lambda: Table(few, "genai-prices 0.2.3"))
    with source() as here:
        here.serve(newer())
        yield here
        gc.collect()
        until(lambda: not refresh_threads())


@pytest.fixture
def prices(served: Source) -> Prices:
    """Prices that are refreshed only when the test says so."""
    made = Prices(refresh=True, refresh_url=served.url)
    made.refresher.stop()
    return made
