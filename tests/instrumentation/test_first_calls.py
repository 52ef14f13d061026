"""Two first calls at once: what the first of them makes is made once, and serves the second too."""

import threading
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import instrumentor, record_call
from costspan.instrumentation import once, wiring
from costspan.instrumentation.wiring import Tracers
from tests.instrumentation.metered import TOKENS, Metered
from tests.instrumentation.rig import PATIENCE, watched


class Firsts:
    """Has a second thread come while the first is in the middle; stands in the lock's place."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._come = threading.Event()
        self._second: threading.Thread | None = None

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._come.set()
            self._lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self._lock.release()

    def both(self, work: Callable[[], object]) -> None:
        """Do some work here, which calls `middle`, and in another thread."""
        self._work = work
        work()
        assert self._second is not None
        self._second.join(PATIENCE)

    def middle(self) -> None:
        """Go on when the second thread is done, or has to wait."""
        if self._second is None:
            self._second = threading.Thread(target=self._follow)
            self._second.start()
            assert self._come.wait(PATIENCE)

    def _follow(self) -> None:
        self._work()
        self._come.set()


@pytest.fixture
def firsts(monkeypatch: pytest.MonkeyPatch) -> Firsts:
    made = Firsts()
    monkeypatch.setattr(once, "_lock", made)
    return made


@pytest.fixture
def tracers(firsts: Firsts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracers]:
    """Those of an app that has no provider and asks for OTLP."""

    def exporter() -> InMemorySpanExporter:
        firsts.middle()
        return InMemorySpanExporter()

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:9")
    monkeypatch.setattr(wiring, "otlp_exporter", exporter)
    monkeypatch.setattr(wiring, "_is_unset", lambda provider: True)
    made = Tracers(None, "1")
    made.prepare()
    yield made
    made.private.shutdown()


def test_a_private_provider_has_one_exporter(tracers: Tracers, firsts: Firsts) -> None:
    """With two, each span is sent twice, and its dollars are counted twice where they arrive."""
    firsts.both(lambda: tracers.tracer)

    assert len(tracers.private._active_span_processor._span_processors) == 1


def test_a_call_that_ends_while_instruments_are_made_is_recorded(
    firsts: Firsts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for them, as there is nobody else to record it."""
    metered = Metered()
    make = metered.provider.get_meter

    def get_meter(*named: str) -> object:
        firsts.middle()
        return make(*named)

    def call() -> None:
        with record_call(model="gpt-4o-mini") as one:
            one.set_usage(input_tokens=1000, output_tokens=100)

    monkeypatch.setattr(metered.provider, "get_meter", get_meter)
    with watched(meter_provider=metered.provider):
        firsts.both(call)

    assert metered.sum(f"{TOKENS}input_tokens") == 2000


def test_there_is_one_tracker_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two, a call of the one is no call of the other's budgets."""
    prepare, made = instrumentor._prepared, []

    def prepare_slowly(arguments: object) -> object:
        prepared = prepare(arguments)
        if threading.current_thread() is not another:
            another.start()
            another.join(PATIENCE)
        return prepared

    another = threading.Thread(target=lambda: made.append(instrumentor.standing_wiring()))
    monkeypatch.setattr(instrumentor, "_standing", [])
    monkeypatch.setattr(instrumentor, "_prepared", prepare_slowly)

    assert [instrumentor.standing_wiring()] == made
