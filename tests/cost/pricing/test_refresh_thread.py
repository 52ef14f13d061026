"""The thread that refreshes: when it runs, when it ends, and that no call waits for it."""

import gc
import os
import threading
import time
from datetime import timedelta

import pytest
from genai_prices import update_prices
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from costspan import CostTracker, Instrumentor, Prices
from tests.cost.calls import thousand_tokens as usd
from tests.cost.conftest import refresh_threads as threads
from tests.cost.pricing.tables import BUNDLED, NEWER, Source, newer, until


def test_no_thread_runs_before_the_first_price(served: Source):
    prices = Prices(refresh=True, refresh_url=served.url)
    prices.load()
    assert threads() == []
    assert served.asked == 0
    assert usd(prices) is not None
    until(lambda: served.asked == 1)
    until(lambda: usd(prices) == NEWER)


def test_no_thread_runs_unless_asked_for(served: Source):
    prices = Prices()
    usd(prices)
    assert prices.refresher is None
    assert threads() == []


def test_the_thread_runs_while_costspan_is_switched_on(served: Source):
    costs = CostTracker(prices=Prices(refresh="6h", refresh_url=served.url))
    for times in (1, 2):
        Instrumentor().instrument(costs=costs)
        until(lambda times=times: served.asked == times)
        (thread,) = threads()
        assert thread.daemon
        Instrumentor().uninstrument()
        thread.join(10)
        assert threads() == []
    usd(costs.prices, "gpt-4-turbo")
    assert threads() == []


def test_the_thread_goes_with_its_prices(served: Source):
    prices = Prices(refresh=True, refresh_url=served.url)
    usd(prices)
    refresher = prices.refresher
    until(lambda: refresher.last is not None)
    (thread,) = threads()
    del prices
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_it_fetches_again_at_each_interval(served: Source):
    prices = Prices(refresh="1h", refresh_url=served.url)
    prices.refresher.interval = timedelta(milliseconds=10)
    served.answer = lambda: (500, b"")
    usd(prices)
    until(lambda: served.asked >= 3)
    served.serve(newer())
    until(lambda: usd(prices) == NEWER)
    prices.refresher.stop()


def test_an_interval_may_be_as_long_as_can_be_written(served: Source):
    prices = Prices(refresh="999999w", refresh_url=served.url)
    usd(prices)
    until(lambda: prices.refresher.last is not None)
    (thread,) = threads()
    thread.join(0.1)
    assert thread.is_alive()
    prices.refresher.stop()


@pytest.mark.faults
def test_without_a_thread_calls_are_priced_all_the_same(
    served: Source, monkeypatch: pytest.MonkeyPatch
):
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert usd(Prices(refresh=True, refresh_url=served.url)) == BUNDLED


def test_a_fetch_that_hangs_is_in_no_ones_way(served: Source):
    """Calls are priced, and costspan is switched off, while the server says nothing."""
    said_nothing = threading.Event()
    served.answer = lambda: (said_nothing.wait(20), (500, b""))[1]
    costs = CostTracker(prices=Prices(refresh=True, refresh_url=served.url))
    Instrumentor().instrument(costs=costs)
    until(lambda: served.asked == 1)
    started = time.monotonic()
    assert {usd(costs.prices, model) for model in ("gpt-4o-mini", "gpt-4o", "gpt-5")}
    Instrumentor().uninstrument()
    assert time.monotonic() - started < 5
    assert costs.prices.refresher.last is None
    said_nothing.set()


def test_a_fetch_that_was_stopped_takes_no_table_any_more(served: Source):
    table, go_on = newer(), threading.Event()
    served.serve(table)
    answer = served.answer
    served.answer = lambda: (go_on.wait(20), answer())[1]
    prices = Prices(refresh=True, refresh_url=served.url)
    usd(prices)
    until(lambda: served.asked == 1)
    prices.refresher.stop()
    go_on.set()
    until(lambda: not threads())
    assert usd(prices) == BUNDLED
    assert prices.refresher.last.result == "stopped meanwhile"


def test_there_is_one_thread_however_many_price_at_once(served: Source):
    prices, start = Prices(refresh=True, refresh_url=served.url), threading.Barrier(8)

    def price() -> None:
        start.wait()
        usd(prices)

    workers = [threading.Thread(target=price) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    until(lambda: prices.refresher.last is not None)
    assert served.asked == 1
    prices.refresher.stop()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_thread_starts_anew_in_a_forked_child(served: Source):
    prices = Prices(refresh=True, refresh_url=served.url)
    usd(prices)
    until(lambda: usd(prices) == NEWER)
    before = prices.refresher.last
    child = os.fork()
    if child == 0:
        code = 1
        try:
            survived = threads()
            usd(prices, "gpt-4-turbo")
            until(lambda: prices.refresher.last is not before)
            code = 0 if prices.refresher.last.taken and not survived else 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert served.asked == 2
    prices.refresher.stop()


def test_a_fetch_leaves_no_span(prices: Prices, monkeypatch: pytest.MonkeyPatch):
    """An instrumentation of the HTTP client is told to look away."""
    seen = []
    fetch = update_prices.UpdatePrices.fetch

    def watched(self: update_prices.UpdatePrices) -> object:
        seen.append(is_instrumentation_enabled())
        return fetch(self)

    monkeypatch.setattr(update_prices.UpdatePrices, "fetch", watched)
    prices.refresher.attempt()
    assert seen == [False]
    assert is_instrumentation_enabled()
