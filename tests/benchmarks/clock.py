"""The clock: CPU time of the calling thread, with garbage collection off."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Any


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
    """CPU microseconds of one of `times` awaited runs, the event loop's share included."""

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


def blocks(measure: Callable[[], float], count: int) -> list[float]:
    """Several measurements, after one that only warms up."""
    measure()
    return [measure() for _ in range(count)]
