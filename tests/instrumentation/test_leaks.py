"""Nothing is left behind by calls and abandoned streams, over a transport in memory."""

import gc
import itertools
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from costspan import Instrumentor
from costspan.instrumentation.settlement import settlement
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    PATIENCE,
    Spans,
    answer_chat,
    answer_message,
    anthropic_client,
    openai_client,
    provider_into,
    watched,
)

CALLS = int(os.environ.get("COSTSPAN_LEAK_CALLS", "10000"))
"""Calls of the leak run; the full run is COSTSPAN_LEAK_CALLS=100000 (minutes)."""
TRACED_CALLS = CALLS if "COSTSPAN_LEAK_CALLS" in os.environ else 1_500
"""Calls with tracemalloc on, which makes each several times slower."""
TRACED_BYTES = 1024 * 1024 if TRACED_CALLS >= 100_000 else 128 * 1024
KEPT_RECORDS = 50  # instead of 1,000 (10,000 to be compared), so that a short warm-up fills them
WARM_UP = 300
COLLECTED_STREAMS = 10_000


class Forgotten(Spans):
    """Keeps the number of spans, not the spans."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._more = threading.Condition()

    def export(self, spans: Any) -> Any:
        with self._more:
            self.count += len(spans)
            self._more.notify_all()
        return super().export(())

    def reach(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: self.count >= count, PATIENCE), self.count


@contextmanager
def in_one_trace() -> Iterator[None]:
    """The ledger keeps sums of up to 10,000 traces by design: here all calls are of one."""
    parent = SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with trace.use_span(NonRecordingSpan(parent)):
        yield


@pytest.fixture
def doings() -> Iterator[Iterator[Callable[[], Any]]]:
    """Calls and abandoned streams of both SDKs, in turn, for ever."""
    with openai_client(answer_chat) as chat, anthropic_client(answer_message) as claude:
        create, message = chat.chat.completions.create, claude.messages.create
        yield itertools.cycle(
            (
                lambda: create(**ASK),
                lambda: next(create(**ASK, stream=True)),
                lambda: create(**ASK, stream=True),
                lambda: create(**ASK, stream=True).close(),
                lambda: message(**ASK_CLAUDE),
                lambda: next(message(**ASK_CLAUDE, stream=True)),
                lambda: message(**ASK_CLAUDE, stream=True).close(),
            )
        )


class TestLeftovers:
    @pytest.fixture
    def run(self, doings: Any, monkeypatch: Any) -> Iterator[Callable[[int], None]]:
        """Makes that many calls and waits until the last of them is settled."""
        monkeypatch.setattr("costspan.cost.tracker.KEPT_RECORDS", KEPT_RECORDS)
        monkeypatch.setattr("costspan.cost.seen.MOST_KEPT", KEPT_RECORDS)
        monkeypatch.setattr("costspan.cost.seen.MOST_WAITING", KEPT_RECORDS)
        ended = Forgotten()
        with watched(tracer_provider=provider_into(ended)), in_one_trace():

            def run(calls: int) -> None:
                before = ended.count
                for do in itertools.islice(doings, calls):
                    do()
                ended.reach(before + calls)
                gc.collect()

            run(WARM_UP)
            yield run

    @pytest.mark.timeout(3600)
    def test_no_object_stays(self, run: Any) -> None:
        """Not one block of memory for every ten further calls.

        What calls leave grows with each look, what other threads of the process hold does not.
        """

        def grown() -> int:
            before = sys.getallocatedblocks()
            run(CALLS)
            return sys.getallocatedblocks() - before

        assert any(grown() < CALLS / 10 for _ in range(3))

    @pytest.mark.timeout(3600)
    def test_no_bytes_stay(self, run: Any) -> None:
        """Within 1 MiB after 100,000 further calls, or as near as a shorter run can tell.

        As above: the memory is that of the whole process, in which other tests have run.
        """

        def grown() -> int:
            before, _ = tracemalloc.get_traced_memory()
            run(TRACED_CALLS)
            after, _ = tracemalloc.get_traced_memory()
            return after - before

        tracemalloc.start()
        try:
            run(WARM_UP)
            assert any(grown() < TRACED_BYTES for _ in range(3))
        finally:
            tracemalloc.stop()


class TestCollected:
    def test_collections_at_every_moment_do_not_hang(self) -> None:
        """Streams that the collector finds, in any thread and under any lock, only queue up."""
        ended, done = Forgotten(), threading.Event()
        calls = 2 * (COLLECTED_STREAMS // 10)

        def abandon(create: Any) -> None:
            for _ in range(COLLECTED_STREAMS):
                ring: list[Any] = [create(**ASK, stream=True)]
                ring.append(ring)
            done.set()

        def settle(create: Any) -> None:
            for _ in range(calls // 2):
                create(**ASK)

        with watched(tracer_provider=provider_into(ended)), openai_client(answer_chat) as client:
            create = client.chat.completions.create
            targets = (abandon, settle, settle)
            threads = [threading.Thread(target=t, args=(create,), daemon=True) for t in targets]
            threshold = gc.get_threshold()
            gc.freeze()  # so that a collection looks at the streams, not at the whole program
            gc.set_threshold(1)
            try:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(110)
                assert not [thread for thread in threads if thread.is_alive()], "hangs"
            finally:
                gc.set_threshold(*threshold)
                gc.unfreeze()
            gc.collect()
            ended.reach(COLLECTED_STREAMS + calls)
            costs = Instrumentor().costs
            assert costs is not None
            assert costs.summary().calls == COLLECTED_STREAMS + calls

    def test_a_finaliser_takes_no_lock(self) -> None:
        """A stream that dies while a thread holds every lock of the sums is only queued."""
        from costspan import totals

        with watched() as spans, openai_client(answer_chat) as client:
            stream = client.chat.completions.create(**ASK, stream=True)
            dead = threading.Event()
            box = [stream]
            del stream

            def drop() -> None:
                box.clear()
                dead.set()

            with totals._lock, settlement._lock:
                thread = threading.Thread(target=drop, daemon=True)
                thread.start()
                assert dead.wait(PATIENCE)
            thread.join()
            assert dict(spans.wait(1)[0].attributes or {})["costspan.stream.outcome"] == "abandoned"


class TestOpenStream:
    @pytest.mark.parametrize("sdk", ["openai", "anthropic"])
    def test_holds_little_more_than_the_sdk_does(self, sdk: str) -> None:
        """Less than 2 KiB beyond the SDK's own; what OpenTelemetry's span takes is not in it."""
        told = subprocess.run(
            [sys.executable, "-m", "tests.instrumentation.open_streams", sdk],
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
        )
        bare, ours = map(float, told.stdout.split())

        assert 0 < ours - bare < 2048
