"""A measuring process: the CPU time of a call and of a streamed chunk, with one subject on.

usage: python -m tests.benchmarks.calls SUBJECT [ready]

With `ready` the SDK's own work is left out (see `ready.py`), and there are more calls.

The first line of standard input holds the recorded spans (see `recorded.py`) as JSON. Each further
line is a question: `us:CASE` is answered by the microseconds of one call (or one chunk), in the
fastest and in the median one of several runs of many calls, `spans:NAME` by how many spans one call
makes. So several processes can take turns.

Of `ours+metrics` a reader collects before each run, of `ours+unread` none does: of 32 calls one
does the work of all then.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Callable

from tests.benchmarks import subjects

SUBJECT = sys.argv[1]
IS_READY = sys.argv[2:] == ["ready"]
subjects.prepare_environment(SUBJECT)

from tests.benchmarks import clock, ready, workload  # noqa: E402 - the SDKs read the environment on import
from tests.benchmarks.recorded import HandWritten  # noqa: E402

RUNS, SHORT_STREAMS, LONG_STREAMS = (20, 60, 20) if IS_READY else (3, 10, 4)

MANY = 32
"""Calls of a run: what is done once in so many calls has its share in each."""

UNTIL_FULL = 40
"""Runs after which a process keeps as many calls as it ever will."""

Runs = Callable[[int], list[float]]


class Cases:
    """Each case, ready to be run: made when it is first asked for, and warmed up."""

    def __init__(self, hand_written: HandWritten | None) -> None:
        self._hand = hand_written
        self._loop = asyncio.new_event_loop()
        self._ready: dict[tuple[str, int | None], Runs] = {}
        self._before = subjects.collect if SUBJECT == "ours+metrics" else bool

    def microseconds(self, case: str) -> tuple[float, float]:
        """What one call took, in the fastest and in the median run; of `NAME chunk`, one chunk.

        A chunk's time is that of a long stream less that of a short one, so that neither the call
        itself nor its end counts, but what a chunk leaves to be done at the end does.
        """
        name, _, what = case.rpartition(" ")
        if what == "chunk":
            return self._chunk(name)
        runs = self.clocked(case, None)(RUNS)
        return min(runs) / MANY, statistics.median(runs) / MANY

    def _chunk(self, name: str) -> tuple[float, float]:
        short = self.clocked(name, workload.SHORT)(SHORT_STREAMS)
        long = self.clocked(name, workload.LONG)(LONG_STREAMS)
        more = workload.LONG - workload.SHORT
        least = (min(long) - min(short)) / more
        return least, (statistics.median(long) - statistics.median(short)) / more

    def clocked(self, name: str, chunks: int | None) -> Runs:
        """Gives the microseconds of each of so many runs: of many calls, or of one stream."""
        key = name, chunks
        if key not in self._ready:
            self._ready[key] = self._made(*key)
            self._ready[key](SHORT_STREAMS if self._ready.keys() > {key} else UNTIL_FULL)
            clock.settle_down()
        return self._ready[key]

    def _made(self, name: str, chunks: int | None) -> Runs:
        call, times = workload.CALLS[name](chunks), MANY if chunks is None else 1
        if name in workload.ASYNC:
            if self._hand is not None:
                call = self._hand.around_async(name, chunks, call)
            run = _awaited(call, times)
            return lambda runs: clock.async_microseconds(self._loop, run, runs, self._before)
        if self._hand is not None:
            call = self._hand.around(name, chunks, call)
        run = _repeated(call, times)
        return lambda runs: clock.microseconds(run, runs, self._before)


def _repeated(call: workload.Call, times: int) -> workload.Call:
    def run() -> None:
        for _ in range(times):
            call()

    return call if times == 1 else run


def _awaited(call: workload.AsyncCall, times: int) -> workload.AsyncCall:
    async def run() -> None:
        for _ in range(times):
            await call()

    return call if times == 1 else run


def spans_of_one_call(cases: Cases, exporter: subjects.NullExporter, name: str) -> float:
    """How many spans one call makes, so that nothing is measured that is not switched on."""
    clocked = cases.clocked(name, None)
    before = exporter.count
    runs = len(clocked(RUNS)) + clock.WARM
    return (exporter.count - before) / (runs * MANY)


def main() -> None:
    """Answer until standard input ends."""
    provider, exporter = subjects.make_provider()
    recorded = json.loads(sys.stdin.readline())
    meter = subjects.make_meters().get_meter("app") if SUBJECT == "span+metrics" else None
    by_hand = SUBJECT.startswith("span")
    if IS_READY:
        ready.install()
    cases = Cases(HandWritten(provider, recorded, meter) if by_hand else None)
    with subjects.switched_on(SUBJECT, provider):
        for line in sys.stdin:
            word, _, case = line.strip().partition(":")
            if word == "spans":
                print(spans_of_one_call(cases, exporter, case), flush=True)
            else:
                print(*cases.microseconds(case), flush=True)


if __name__ == "__main__":
    main()
