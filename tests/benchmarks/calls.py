"""A measuring process: the CPU time of a call and of a streamed chunk, with one subject on.

usage: python -m tests.benchmarks.calls SUBJECT

The first line of standard input holds the recorded spans (see `recorded.py`) as JSON. Each further
line names a case; the answer to it is one number, microseconds of one call or of one chunk. So
several processes can take turns.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable

from tests.benchmarks import subjects

SUBJECT = sys.argv[1]
subjects.prepare_environment(SUBJECT)

from tests.benchmarks import clock, workload  # noqa: E402 - the SDKs read the environment on import
from tests.benchmarks.recorded import HandWritten  # noqa: E402

CALLS = 25
SHORT_STREAMS = 10


class Cases:
    """Each case, ready to be run: made when it is first asked for, and warmed up."""

    def __init__(self, hand_written: HandWritten | None) -> None:
        self._hand = hand_written
        self._loop = asyncio.new_event_loop()
        self._ready: dict[tuple[str, int | None], Callable[[int], float]] = {}

    def microseconds(self, case: str) -> float:
        """What one call took; of `NAME chunk`, what one chunk took.

        A chunk's time is that of a long stream less that of a short one, so that neither the call
        itself nor its end counts, but what a chunk leaves to be done at the end does.
        """
        name = case.removesuffix(" chunk")
        if name == case:
            return self._clocked(name, None)(CALLS)
        short = self._clocked(name, workload.SHORT)(SHORT_STREAMS)
        long = self._clocked(name, workload.LONG)(1)
        return (long - short) / (workload.LONG - workload.SHORT)

    def _clocked(self, name: str, chunks: int | None) -> Callable[[int], float]:
        if (name, chunks) not in self._ready:
            clocked = self._made(name, chunks)
            clocked(SHORT_STREAMS)
            self._ready[name, chunks] = clocked
            clock.settle_down()
        return self._ready[name, chunks]

    def _made(self, name: str, chunks: int | None) -> Callable[[int], float]:
        call = workload.CALLS[name](chunks)
        if name in workload.ASYNC:
            if self._hand is not None:
                call = self._hand.around_async(name, chunks, call)
            return lambda times: clock.async_microseconds(self._loop, call, times)
        if self._hand is not None:
            call = self._hand.around(name, chunks, call)
        return lambda times: clock.microseconds(call, times)


def spans_of_one_call(cases: Cases, exporter: subjects.NullExporter, case: str) -> int:
    """How many spans one call makes, so that nothing is measured that is not switched on."""
    before = exporter.count
    cases._clocked(case, None)(1)
    return exporter.count - before


def main() -> None:
    """Answer until standard input ends."""
    provider, exporter = subjects.make_provider()
    recorded = json.loads(sys.stdin.readline())
    cases = Cases(HandWritten(provider, recorded) if SUBJECT == "span" else None)
    with subjects.switched_on(SUBJECT, provider):
        for line in sys.stdin:
            word, _, case = line.strip().partition(":")
            answer = (
                spans_of_one_call(cases, exporter, case)
                if word == "spans"
                else cases.microseconds(case)
            )
            print(answer, flush=True)


if __name__ == "__main__":
    main()
