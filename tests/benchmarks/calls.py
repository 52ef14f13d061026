"""One measuring process: CPU time of a call and of a streamed chunk, with one subject on.

usage: python -m tests.benchmarks.calls SUBJECT  (recorded spans, as JSON, on standard input)

Prints one JSON object: `us` holds the blocks of each case, `spans` how many spans one call made,
`recorded` what costspan wrote on a span, for the hand-written one to write the same.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tests.benchmarks import subjects
from tests.benchmarks.clock import async_microseconds, blocks, microseconds

subjects.prepare_environment(sys.argv[1])

from opentelemetry.trace import SpanKind  # noqa: E402 - the SDKs read the environment on import

from tests.benchmarks import workload  # noqa: E402

BLOCKS = 6
CALLS = 40
SHORT_STREAMS = 10

_MAKERS: dict[str, Callable[..., Any]] = {
    "openai": workload.openai_call,
    "openai async": workload.openai_async_call,
    "anthropic": workload.anthropic_call,
    "anthropic async": workload.anthropic_async_call,
}

Recorded = dict[str, tuple[str, dict[str, Any], dict[str, Any]]]


class HandWritten:
    """Makes the span that an app would write by hand, with what costspan recorded."""

    def __init__(self, provider: Any, recorded: Recorded) -> None:
        self._tracer = provider.get_tracer("app")
        self._recorded = recorded

    def around(self, case: str, call: Callable[[], Any]) -> Callable[[], Any]:
        """`call` inside such a span."""
        name, first, rest = self._facts(case)

        def run() -> None:
            span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=first)
            call()
            span.set_attributes(rest)
            span.end()

        return run

    def around_async(self, case: str, call: Callable[[], Awaitable[Any]]) -> Callable[[], Any]:
        """`call` inside such a span."""
        name, first, rest = self._facts(case)

        async def run() -> None:
            span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=first)
            await call()
            span.set_attributes(rest)
            span.end()

        return run

    def _facts(self, case: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        name, first, rest = self._recorded[case]
        return name, _with_tuples(first), _with_tuples(rest)


def _with_tuples(attributes: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}


def _reading(make: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        for _ in make():
            pass

    return run


def _reading_async(make: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        async for _ in await make():
            pass

    return run


class Cases:
    """The cases of one process."""

    def __init__(self, subject: str, recorded: Recorded) -> None:
        self.provider, self.exporter = subjects.make_provider()
        self._loop = asyncio.new_event_loop()
        self._hand = HandWritten(self.provider, recorded) if subject == "span" else None
        self._beginnings = subjects.Beginnings()

    def clocked(self, case: str, chunks: int | None) -> Callable[[int], float]:
        """A function that gives the microseconds of one of so many runs."""
        make = _MAKERS[case](chunks)
        label = case if chunks is None else f"{case} stream"
        if case.endswith("async"):
            call = make if chunks is None else _reading_async(make)
            run = call if self._hand is None else self._hand.around_async(label, call)
            return lambda times: async_microseconds(self._loop, run, times)
        call = make if chunks is None else _reading(make)
        run = call if self._hand is None else self._hand.around(label, call)
        return lambda times: microseconds(run, times)

    def measure(self, case: str) -> dict[str, list[float]]:
        """Microseconds of a call, and of a chunk: a long stream less a short one."""
        whole = self.clocked(case, None)
        short = self.clocked(case, workload.SHORT_CHUNKS)
        long = self.clocked(case, workload.SHORT_CHUNKS + workload.CHUNKS)
        shorts = blocks(lambda: short(SHORT_STREAMS), BLOCKS)
        longs = blocks(lambda: long(1), BLOCKS)
        return {
            case: blocks(lambda: whole(CALLS), BLOCKS),
            f"{case} chunk": [
                (b - a) / workload.CHUNKS for a, b in zip(shorts, longs, strict=True)
            ],
        }

    def record(self, case: str) -> dict[str, Any]:
        """The span of one more call and of one more stream: name, first and later attributes."""
        return {
            case: self._recorded(self.clocked(case, None)),
            f"{case} stream": self._recorded(self.clocked(case, workload.SHORT_CHUNKS)),
        }

    def _recorded(self, run: Callable[[int], float]) -> Any:
        run(1)
        span, first = self.exporter.last, self._beginnings.attributes
        rest = {k: v for k, v in span.attributes.items() if k not in first}
        return span.name, first, rest

    def spans(self, case: str) -> int:
        """How many spans one call makes."""
        before = self.exporter.count
        self.clocked(case, None)(1)
        return self.exporter.count - before

    def watch_beginnings(self) -> None:
        """Have `record` know what a span starts with; not while time is taken."""
        self.provider.add_span_processor(self._beginnings)


def main(subject: str) -> None:
    """Measure every case with `subject` on."""
    cases = Cases(subject, json.load(sys.stdin))
    names = [case for case in _MAKERS if subject != "native" or case.startswith("anthropic")]
    us: dict[str, list[float]] = {}
    recorded: dict[str, Any] = {}
    with subjects.switched_on(subject, cases.provider):
        for case in names:
            us.update(cases.measure(case))
        spans = {case: cases.spans(case) for case in names}
        if subject == "ours":
            cases.watch_beginnings()
            for case in names:
                recorded.update(cases.record(case))
    print(json.dumps({"us": us, "spans": spans, "recorded": recorded}))


if __name__ == "__main__":
    main(sys.argv[1])
