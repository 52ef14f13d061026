"""One server, one set of clients and one event loop for all cells of a process."""

import asyncio
import gc
from collections.abc import Iterator
from itertools import count

import pytest
from opentelemetry import trace

from costspan.testing import LLMServer
from tests.matrix.clients import Clients
from tests.matrix.driver import Bench

_number = count()
_CELLS_A_FREEZE = 50


@pytest.fixture(scope="package")
def shared_bench() -> Iterator[Bench]:
    """What the cells share."""
    with LLMServer() as server, asyncio.Runner() as runner:
        clients = Clients(server)
        yield Bench(server, clients, runner)
        runner.run(clients.aclose())
        clients.close()


@pytest.fixture
def bench(shared_bench: Bench, collected: None, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench, with its provider as the global one, so that an SDK's own spans are seen too."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", shared_bench.provider)
    shared_bench.server.tally.clear()
    assert shared_bench.spans.take() == [], "spans that came after the cell before had ended"
    return shared_bench


@pytest.fixture
def collected() -> Iterator[None]:
    """Garbage is collected where a cell asks for it, and after each cell, and nowhere else.

    What the HTTP client closes in a finaliser takes the lock of its connection pool: it may hang
    where a collection strikes inside that lock, with costspan and without.
    """
    gc.disable()
    if next(_number) % _CELLS_A_FREEZE == 0:
        gc.collect()
        gc.freeze()  # a collection in a cell then looks at young objects only
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(scope="package", autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()
