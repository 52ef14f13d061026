"""Threads for what may wait for a store, so that no event loop does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

THREADS = 8

T = TypeVar("T")


class _Task(Generic[T]):
    """Work that is done once, by whoever comes to it first."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._waiting = [work]
        self.done: Future[T] = Future()

    def __call__(self) -> None:
        try:
            work = self._waiting.pop()  # one step, so that two threads cannot both do it
        except IndexError:
            return
        if self.done.set_running_or_notify_cancel():
            try:
                self.done.set_result(work())
            except BaseException as exc:
                self.done.set_exception(exc)
                del self, work  # no cycle by way of the traceback
                raise


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
        task = _Task(work)
        self.open.add(task.done)
        task.done.add_done_callback(self.open.discard)
        try:
            threads.submit(task)
        except RuntimeError:
            # The interpreter is about to end, or there are no more threads: then the pool keeps
            # what it refused, and comes to it later.
            task()
        return task.done


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.forget)


def submit(work: Callable[[], T]) -> Future[T]:
    """Have `work` done by another thread; by this one where there is no thread for it any more."""
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
