"""A Prometheus that a real run has filled, by each of the two ways that the page describes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from costspan.testing import LLMServer
from tests.dashboards.api import Prometheus
from tests.dashboards.ordered import Program
from tests.dashboards.servers import collector, prometheus
from tests.servers.running import needs_collector
from tests.third_party.processes import free_port

WAYS = [pytest.param("push", marks=needs_collector), "pull"]
ROUNDS = 2
SCRAPED_CALLS = (
    "sum(gen_ai_client_inference_duration_seconds_count)"
    " + sum(gen_ai_client_operation_duration_seconds_count)"
)
RECORDED_CALLS = "sum(sum_over_time(costspan:calls:added1m[1h]))"


class Filled(NamedTuple):
    """A Prometheus, and what the program says that its calls cost."""

    way: str
    prometheus: Prometheus
    total: dict[str, Any]


@pytest.fixture(scope="session", params=WAYS)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: LLMServer
) -> Iterator[Filled]:
    """Some rounds of calls, each scraped before the next, and all of it recorded.

    `push` is by OTLP to a collector that Prometheus scrapes, `pull` from a port of the program's.
    """
    way, folder = request.param, tmp_path_factory.mktemp(request.param)
    with ExitStack() as running:
        start = running.enter_context
        if way == "push":
            where, port = start(collector(folder))
            asked = start(prometheus(folder, port))
        else:
            port = free_port()
            where = str(port)
            asked = start(prometheus(folder, port, job="shop"))
        program = start(Program([way, where], server))
        yield Filled(way, asked, _rounds(program, asked))


def _rounds(program: Program, asked: Prometheus) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for _ in range(ROUNDS):
        total = program.round()
        asked.wait(SCRAPED_CALLS, total["calls"])
    asked.wait(RECORDED_CALLS, total["calls"])
    asked.wait('count(ALERTS{alertname="CostspanCallsRefused", alertstate="firing"})', 1)
    return total
