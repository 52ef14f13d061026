"""The bound of a blocking budget holds whoever races: threads, tasks, processes; three cases.

Model `m` takes 1 and 10 USD for a million tokens. What reached the server is counted there.

- stated: the request says max_tokens=100, and its JSON has 572 bytes. Reserved are 0.001572 USD and
  taken 0.00102 (20 tokens in, 100 out), of 0.0115. Seven reservations fit at once, and after any
  mix of calls that are over and calls that are not, what is spent never passes the limit.
- typical: nothing is stated. Reserved are 1,000 tokens out and a quarter of the bytes in, 0.010139
  USD; taken are 0.0201, of 0.05. Four are in flight at most, each of which may pass its reservation
  by 0.009961.
- streamed: as typical, of 3,000 tokens, by processes that know of twenty streams of three tokens
  each: every stream passes what is reserved for it, and is cut when the budget has no more.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import CostTracker
from costspan.testing import LLMServer
from tests.cost.stores.servers import needs_redis, redis_server
from tests.instrumentation import racers
from tests.instrumentation.racers import CUT, MADE
from tests.instrumentation.rig import watched

CASES = ("stated", "typical", "streamed")
RACERS = 24
PROCESSES = 3


@pytest.fixture
def own() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


def holds(
    case: str, became: Counter[str], server: LLMServer, costs: CostTracker, processes: int = 1
) -> None:
    """What the server served stays within the bound, and what it served is what is booked."""
    assert sum(became.values()) == RACERS
    assert server.requests_seen == became[MADE] + became[CUT]
    learnt = racers.LEARNT * processes if case == "streamed" else 0
    assert costs.summary().calls == RACERS + learnt
    {"stated": _stated, "typical": _typical, "streamed": _streamed}[case](became, server, costs)


def _served(server: LLMServer) -> Decimal:
    total = server.tally.total()
    return Decimal(total.input_tokens + 10 * total.output_tokens) / 10**6


def _stated(became: Counter[str], server: LLMServer, costs: CostTracker) -> None:
    assert racers.size(racers.STATED) == 572
    spent = _served(server)
    assert spent <= Decimal("0.0115")
    assert racers.left(costs) == Decimal("0.0115") - spent
    # 10 x 0.00102 + 0.001572 = 0.011772 is too much; 7 reservations, 0.011004, are not.
    assert 7 <= became[MADE] <= 10


def _typical(became: Counter[str], server: LLMServer, costs: CostTracker) -> None:
    reserved = Decimal("0.01") + Decimal(-(-racers.size(racers.ASK) // 4)) / 10**6
    in_flight, taken = 4, Decimal("0.0201")
    assert in_flight * reserved <= Decimal("0.05") < (in_flight + 1) * reserved
    spent = _served(server)
    assert spent <= Decimal("0.05") + in_flight * (taken - reserved)
    assert costs.summary().cost_usd == spent
    assert 2 <= became[MADE] <= in_flight


def _streamed(became: Counter[str], server: LLMServer, costs: CostTracker) -> None:
    assert racers.left(costs) >= 0
    assert became[CUT] > 0


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("case", CASES)
def test_threads(case: str, store: str, own: LLMServer, tmp_path: Path):
    where = "memory" if store == "memory" else f"sqlite:///{tmp_path}/costs.db"
    costs = racers.costs_of(case, where)
    racers.learn(costs, case)
    with watched(costs=costs) as spans:
        became = racers.threads(case, own.openai_url, RACERS)
        assert costs.flush(60)
        assert len(spans.wait(RACERS)) == RACERS
        holds(case, became, own, costs)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("case", CASES)
async def test_tasks(case: str, store: str, own: LLMServer, tmp_path: Path):
    where = "memory" if store == "memory" else f"sqlite:///{tmp_path}/costs.db"
    costs = racers.costs_of(case, where)
    racers.learn(costs, case)
    with watched(costs=costs) as spans:
        became = await racers.tasks(case, own.openai_url, RACERS)
        assert costs.flush(60)
        assert len(spans.wait(RACERS)) == RACERS
        holds(case, became, own, costs)


def test_processes_that_share_a_file(tmp_path: Path):
    _race_processes([f"sqlite:///{tmp_path}/{case}.db" for case in CASES])


@pytest.mark.system
@pytest.mark.redis
@needs_redis
def test_processes_that_share_a_redis():
    with redis_server() as redis:
        _race_processes([f"{redis.url[:-1]}{number}" for number in range(len(CASES))])


def _race_processes(stores: list[str]) -> None:
    with ExitStack() as open_, _racers() as start:
        servers = [open_.enter_context(LLMServer()) for _ in CASES]
        words = [
            (case, store, server.openai_url)
            for case, store, server in zip(CASES, stores, servers, strict=True)
        ]
        running = start([word for one in words for word in one])
        for case, store, server in zip(CASES, stores, servers, strict=True):
            became = _one_race(running)
            costs = racers.costs_of(case, store)
            holds(case, became, server, costs, PROCESSES)
            costs._store.close()


Running = list[subprocess.Popen[str]]


@contextmanager
def _racers() -> Iterator[Callable[[list[str]], Running]]:
    """Starts the processes; none of them stays."""
    running: Running = []

    def start(words: list[str]) -> Running:
        command = [sys.executable, "-m", "tests.instrumentation.racers", str(RACERS // PROCESSES)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        running.extend(subprocess.Popen([*command, *words], **pipes) for _ in range(PROCESSES))
        return running

    try:
        yield start
    finally:
        for process in running:
            process.communicate(timeout=100)
            assert process.returncode == 0


def _one_race(running: Running) -> Counter[str]:
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == '"ready"\n'
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    became: Counter[str] = Counter()
    for process in running:
        assert process.stdout is not None
        became.update(json.loads(process.stdout.readline()))
    return became
