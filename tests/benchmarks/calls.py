"""A measuring process: the CPU time of a call and of a streamed chunk, with one subject on.

usage: python -m tests.benchmarks.calls SUBJECT [ready]

With `ready` the SDK's own work is left out (see `ready.py`), and there are more calls.

The first line of standard input holds the recorded spans (see `recorded.py`) as JSON. Each further
line is a question: `us:CASE` is answered by the microseconds of the fastest and of the median call
(or chunk) of several, `spans:NAME` by how many spans one call makes. So several processes can take
turns.
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

CALLS, SHORT_STREAMS, LONG_STREAMS = (300, 60, 20) if IS_READY else (15, 10, 4)

Runs = Callable[[int], list[float]]


class Cases:
    """Each case, ready to be run: made when it is first asked for, and warmed up."""

    def __init__(self, hand_written: HandWritten | None) -> None:
        self._hand = hand_written
        self._loop = asyncio.new_event_loop()
        self._ready: dict[tuple[str, int | None], Runs] = {}

    def microseconds(self, case: str) -> tuple[float, float]:
        """What one call took, the fastest and the median one; of `NAME chunk`, one chunk.

        A chunk's time is that of a long stream less that of a short one, so that neither the call
        itself nor its end counts, but what a chunk leaves to be done at the end does.
        """
        name = case.removesuffix(" chunk")
        if name == case:
            calls = self.clocked(name, None)(CALLS)
            return min(calls), statistics.median(calls)
        short = self.clocked(name, workload.SHORT)(SHORT_STREAMS)
        long = self.clocked(name, workload.LONG)(LONG_STREAMS)
        more = workload.LONG - workload.SHORT
        least = (min(long) - min(short)) / more
        return least, (statistics.median(long) - statistics.median(short)) / more

    def clocked(self, name: str, chunks: int | None) -> Runs:
        """Gives the microseconds of each of so many runs."""
        if (name, chunks) not in self._ready:
            self._ready[name, chunks] = self._made(name, chunks)
            self._ready[name, chunks](SHORT_STREAMS)
            clock.settle_down()
        return self._ready[name, chunks]

    def _made(self, name: str, chunks: int | None) -> Runs:
        call = workload.CALLS[name](chunks)
        if name in workload.ASYNC:
            if self._hand is not None:
                call = self._hand.around_async(name, chunks, call)
            return lambda times: clock.async_microseconds(self._loop, call, times)
        if self._hand is not None:
            call = self._hand.around(name, chunks, call)
        return lambda times: clock.microseconds(call, times)


def spans_of_one_call(cases: Cases, exporter: subjects.NullExporter, name: str) -> float:
    """How many spans one call makes, so that nothing is measured that is not switched on."""
    clocked = cases.clocked(name, None)
    before = exporter.count
    calls = len(clocked(CALLS)) + clock.WARM
    return (exporter.count - before) / calls


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
