"""The clock: CPU time of the calling thread, with garbage collection off."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any


def settle_down() -> None:
    """Make a process ready to be measured: on one processor, with what it has so far uncollected.

    What the imports made is frozen, so that a collection between two measurements is short.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.collect()
    gc.freeze()


def microseconds(function: Callable[[], Any], times: int) -> float:
    """CPU microseconds of one of `times` runs."""
    gc.collect()
    gc.disable()
    start = time.thread_time()
    for _ in range(times):
        function()
    spent = time.thread_time() - start
    gc.enable()
    return spent / times * 1e6


def async_microseconds(
    loop: asyncio.AbstractEventLoop, function: Callable[[], Awaitable[Any]], times: int
) -> float:
    """CPU microseconds of one of `times` awaited runs, one after the other on one loop."""

    async def run() -> None:
        for _ in range(times):
            await function()

    gc.collect()
    gc.disable()
    start = time.thread_time()
    loop.run_until_complete(run())
    spent = time.thread_time() - start
    gc.enable()
    return spent / times * 1e6
