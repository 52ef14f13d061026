"""The clock: CPU time of the calling thread, with garbage collection off."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

WARM = 2
"""Runs that are not counted: the processor's caches hold what another process did before."""


def settle_down() -> None:
    """Make a process ready to be measured: on one processor, with what it has so far uncollected.

    What the imports made is frozen, so that a collection between two measurements is short.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.collect()
    gc.freeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection in the block, and little garbage from before it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def microseconds(
    run: Callable[[], Any], times: int, before: Callable[[], object] = bool
) -> list[float]:
    """CPU microseconds of each of `times` runs, without what is done `before` each."""
    taken = []
    with uncollected():
        for _ in range(times + WARM):
            before()
            start = time.thread_time()
            run()
            taken.append((time.thread_time() - start) * 1e6)
    return taken[WARM:]


def async_microseconds(
    loop: asyncio.AbstractEventLoop,
    run: Callable[[], Awaitable[Any]],
    times: int,
    before: Callable[[], object] = bool,
) -> list[float]:
    """CPU microseconds of each of `times` awaited runs, without what is done `before` each."""

    async def clocked() -> list[float]:
        taken = []
        for _ in range(times + WARM):
            before()
            start = time.thread_time()
            await run()
            taken.append((time.thread_time() - start) * 1e6)
        return taken[WARM:]

    with uncollected():
        return loop.run_until_complete(clocked())
