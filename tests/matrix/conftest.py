"""One server, one set of clients and one event loop for all cells of a process."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from opentelemetry import trace

from costspan.testing import LLMServer
from tests.matrix.clients import Clients
from tests.matrix.driver import Bench


@pytest.fixture(scope="package")
def shared_bench() -> Iterator[Bench]:
    """What the cells share."""
    with LLMServer() as server, asyncio.Runner() as runner:
        clients = Clients(server)
        gc.collect()
        # What exists so far stays: a collection in a cell looks at the cell's own objects.
        gc.freeze()
        yield Bench(server, clients, runner)
        gc.unfreeze()
        runner.run(clients.aclose())
        clients.close()


@pytest.fixture
def bench(shared_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench, with its provider as the global one, so that an SDK's own spans are seen too."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", shared_bench.provider)
    shared_bench.server.tally.clear()
    assert shared_bench.spans.take() == [], "spans that came after the cell before had ended"
    return shared_bench
