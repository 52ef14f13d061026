"""Threads for what may wait for a store, so that no event loop does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

THREADS = 8

T = TypeVar("T")


class _Pool:
    """Made when it is first used, and anew in a forked child. Exiting waits for what it does."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self.open: set[Future[Any]] = set()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        threads = self._threads
        if threads is None:
            # Of several that are made at once one stays; the others never start a thread.
            made = ThreadPoolExecutor(THREADS, thread_name_prefix="costspan-store")
            threads = vars(self)["_threads"] = self._threads or made
        try:
            begun = threads.submit(work)
        except RuntimeError:  # the interpreter is about to end, and takes no more work
            done: Future[T] = Future()
            done.set_result(work())
            return done
        self.open.add(begun)
        begun.add_done_callback(self.open.discard)
        return begun


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.forget)


def submit(work: Callable[[], T]) -> Future[T]:
    """Have `work` done by another thread; by this one where the interpreter is about to end."""
    return _pool.submit(work)


def finished(timeout: float) -> bool:
    """Wait until all is done that was handed over so far; False where time ran out."""
    return not wait(set(_pool.open), timeout).not_done


async def elsewhere(work: Callable[[], T]) -> T:
    """Have `work` done by another thread, and wait for it without holding the event loop."""
    return await over(submit(work))


async def over(work: Future[T]) -> T:
    """Wait for work that was handed over. Who stops waiting does not stop the work.

    Another event loop than asyncio's, such as Trio's, is held until it is done: at most for the
    deadlines of a store.
    """
    if asyncio._get_running_loop() is None:
        return work.result()
    return await asyncio.shield(asyncio.wrap_future(work))
