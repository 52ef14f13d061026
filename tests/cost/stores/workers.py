"""What other processes do with a store, in the tests of races, crashes and forks."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from costspan.cost.stores.contract import Store
from costspan.cost.stores.opening import open_store
from tests.cost.stores.servers import PATIENCE
from tests.cost.stores.settled import CALL, HOUR, NOW, charge, claim, cost, counter, notice

for _kind in ("sqlite", "redis", "postgres"):  # once, in the process that all are forked from
    with suppress(ImportError):
        import_module(f"costspan.cost.stores.{_kind}")

_processes = get_context("forkserver")
_processes.set_forkserver_preload([__name__])

Work = Callable[..., Any]


def together(count: int, work: Work, *arguments: Any) -> list[Any]:
    """What `work(number, store's barrier, ...)` returns in each of `count` processes."""
    barrier = _processes.Barrier(count)
    pipes, processes = [], []
    for number in range(count):
        ours, theirs = _processes.Pipe()
        process = _processes.Process(
            target=_run, args=(theirs, work, number, barrier.wait, *arguments)
        )
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    answers = [_received(pipe) for pipe in pipes]
    for process in processes:
        process.join(PATIENCE)
    return answers


def _run(pipe: Connection, work: Work, *arguments: Any) -> None:
    pipe.send(work(*arguments))
    pipe.close()


def _received(pipe: Connection) -> Any:
    assert pipe.poll(PATIENCE), "a process gave no answer"
    with pipe:
        return pipe.recv()


def reserve_many(number: int, wait: Work, url: str, times: int, limit: int) -> int:
    """How many reservations of 3 were granted, in two counters at once."""
    store = open_store(url, PATIENCE)
    wait()
    claims = [claim(3, limit), claim(3, 10**18, counter(f"u{number}"))]
    if number % 2:
        claims.reverse()  # who locks in the order of asking comes to a standstill
    return sum(
        store.reserve(f"{number} {n}", claims, NOW, NOW + HOUR) is None for n in range(times)
    )


def reserve_and_settle(number: int, wait: Work, url: str, times: int, limit: int) -> int:
    """How much was spent by calls that were granted; each reserves 10 and spends 7."""
    store = open_store(url, PATIENCE)
    wait()
    spent = 0
    for n in range(times):
        token = f"{number} {n}"
        if store.reserve(token, [claim(10, limit)], NOW, NOW + HOUR) is None:
            store.settle(CALL, cost(7), (), [charge(7)], token)
            spent += 7
    return spent


def claim_one(number: int, wait: Work, url: str, now: int) -> bool:
    """Whether the alert is this process's to send."""
    store = open_store(url, PATIENCE)
    store.notices(1)
    wait()
    return store.claim(notice(lease=now + HOUR), now)


def use_first(number: int, wait: Work, url: str) -> int:
    """What is spent, as the first thing that is ever done with the store."""
    store = open_store(url, PATIENCE)
    wait()
    return store.settle(CALL, cost(1), (), [charge(1)], str(number))[0]


def die_holding(number: int, wait: Work, url: str, amount: int) -> None:
    """kill -9 between reserve and settle."""
    store = open_store(url, PATIENCE)
    store.reserve("held", [claim(amount, 100)], NOW, NOW + HOUR)
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` gives in a fork of this very process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"failed"
        try:
            answer = repr(work()).encode()
        finally:
            os.write(write, answer)
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer.decode()


def outlive_parent(number: int, wait: Work, url: str) -> Sequence[str]:
    """What a child sees spent when it wrote before and after its parent let go of the store."""
    store: Store = open_store(url, PATIENCE)
    store.settle(CALL, cost(1), (), [charge(1)])
    go, gone = os.pipe()

    def child() -> list[int]:
        os.close(gone)
        before = store.settle(CALL, cost(1), (), [charge(1)])[0]
        os.write(told, b".")
        os.read(go, 1)
        return [before, *(store.settle(CALL, cost(1), (), [charge(1)])[0] for _ in range(3))]

    wrote, told = os.pipe()
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(in_child(child)))
    waiting.start()
    os.read(wrote, 1)
    store.close()
    os.close(gone)
    waiting.join(PATIENCE)
    return answers


def fork_children(number: int, wait: Work, url: str, count: int) -> Sequence[str]:
    """What each of some children sees spent, each after a settlement of its own."""
    store: Store = open_store(url, PATIENCE)
    store.settle(CALL, cost(1), (), [charge(1)], "parent")
    seen = [
        in_child(lambda: list(store.settle(CALL, cost(1), (), [charge(1)]))) for _ in range(count)
    ]
    return [*seen, repr(list(store.settle(CALL, cost(1), (), [charge(1)], "parent again")))]
