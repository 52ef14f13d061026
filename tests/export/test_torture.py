"""Eight writers, small files, compression, and kill -9 at any moment: what returned is there once.

`COSTSPAN_TORTURE_SECONDS` says for how long; the few seconds of `make test` are the default.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from costspan import LocalFiles
from costspan.export.closed_files import ClosedFiles
from tests.export.folder import Folder, files_in

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("COSTSPAN_TORTURE_SECONDS", "3"))
WORKERS = 8
LEAST_CALLS = 100
RULES = {word: (str(WORKERS), word, "200 kB", "gzip") for word in ("call", "fsync")}


class Nursery:
    """The workers of one start, what they say and who of them lives."""

    def __init__(self, folder: Path, durability: str, acknowledged: set[str]) -> None:
        self.acknowledged = acknowledged
        self.names: dict[str, int] = {}
        self.killed = 0
        self.begun = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.export.nursery", folder, *RULES[durability]],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            words = line.decode().split()
            if words[0] == "begin":
                self.names[words[1]] = int(words[2])
                if len(self.names) == WORKERS:
                    self.begun.set()
            else:
                self.acknowledged.add(f"{words[0]} {words[1]}")

    def kill_one(self) -> None:
        """Kill one of the eight that began last, at whatever it is about."""
        living = list(self.names)[-WORKERS:]
        if not living:
            return
        try:
            os.kill(self.names.pop(random.choice(living)), signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed += 1

    def end(self) -> None:
        """Kill all at once, and hear them out."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self.killed += WORKERS + 1


def torture(logs: Path, durability: str, seconds: float) -> tuple[set[str], int]:
    """Start workers and kill them until the time is over; the acknowledged calls and the kills.

    A machine on which that is too short for a hundred calls gets up to two minutes more.
    """
    acknowledged: set[str] = set()
    killed = 0
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end or (len(acknowledged) <= LEAST_CALLS and now < end + 120):
        nursery = Nursery(logs, durability, acknowledged)
        try:
            assert nursery.begun.wait(60)
            start_over = time.monotonic() + max(1, min(20, end - time.monotonic()))
            while time.monotonic() < start_over:
                time.sleep(random.uniform(0, 0.1))
                nursery.kill_one()
        finally:
            nursery.end()
        killed += nursery.killed
    return acknowledged, killed


@pytest.mark.timeout(0)
@pytest.mark.skipif(os.name == "nt", reason="forks, and kills by signal")
@pytest.mark.parametrize("durability", ["call", "fsync"])
def test_every_call_that_returned_before_a_kill_has_one_line(logs: Path, durability: str):
    acknowledged, killed = torture(logs, durability, SECONDS)
    assert_whole(logs, acknowledged, killed)
    # the next start compresses what the killed ones left, and nothing changes by it
    before = sorted(Folder(logs).agents)
    tidy = ClosedFiles(LocalFiles(logs, compress="gzip"), "llm_trace_", lambda: False)
    tidy.tidy(time.time_ns() + 2 * 86_400 * 10**9)
    assert {path.suffix for path in logs.iterdir()} == {".gz"}
    assert sorted(Folder(logs).agents) == before
    assert len(files_in(logs)) > 1


def assert_whole(logs: Path, acknowledged: set[str], killed: int) -> None:
    found = Folder(logs)
    times = Counter(found.agents)
    assert len(acknowledged) > LEAST_CALLS
    assert [agent for agent in acknowledged if times[agent] != 1] == []
    assert [agent for agent, count in times.items() if count != 1] == []
    # a call may be written and its process killed before it said so
    assert len(times) - len(acknowledged) <= killed
    assert len(found.torn) <= killed
    assert found.records == []


SUMMING = """
import os, sys
from costspan import Instrumentor, LocalFiles, attribution, record_call
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

provider = TracerProvider(sampler=TraceIdRatioBased(0.1), shutdown_on_exit=False)
files = LocalFiles(sys.argv[1], durability=sys.argv[2], rotate="100 kB", compress="gzip")
Instrumentor().instrument(tracer_provider=provider, local=files, providers=())
for process in range(4):
    if not os.fork():
        for number in range(300):
            with record_call(model=("gpt-4o-mini", "gpt-4o", "none")[number % 3]) as call:
                call.set_usage(input_tokens=997 * number + process, output_tokens=13 * number)
        summary = Instrumentor().costs.summary()
        Instrumentor().uninstrument()
        os.write(1, b"%d %d\\n" % (summary.calls, summary.cost_usd * 10**12))
        os._exit(0)
for _ in range(4):
    assert os.wait()[1] == 0
"""


@pytest.mark.parametrize("durability", ["call", "batch"])
def test_the_sum_of_the_files_is_the_ledgers_whatever_the_sampler_drops(
    logs: Path, durability: str
):
    done = subprocess.run(
        [sys.executable, "-c", SUMMING, logs, durability],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    said = [tuple(map(int, row.split())) for row in done.stdout.splitlines()]
    found = Folder(logs)
    assert [count for count, _ in said] == [300] * 4
    assert len(found.calls) == 1200
    picos = [round((call["cost_usd"] or 0) * 10**12) for call in found.calls]
    assert sum(picos) == sum(total for _, total in said) > 0
