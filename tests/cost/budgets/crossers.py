"""Processes that cross limits together: `python -m tests.cost.budgets.crossers JOB STORE FILE ...`.

Each alert that is delivered is a line of the file: its key, its delivery key, its threshold.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from costspan import Alert, Budget, CostTracker
from costspan.attributed import Attribution
from costspan.cost.stores import contract
from tests.cost.budgets.desk import asks, spend, tracker

CROSSINGS = 10_000
PROCESSES = 8


def writes_to(path: str) -> Callable[[Alert], None]:
    """A sink that many processes may share."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def sink(alert: Alert) -> None:
        os.write(file, f"{alert.key} {alert.delivery_key} {alert.threshold}\n".encode())

    return sink


def delivered(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def once(store: str, sink: Callable[[Alert], None]) -> CostTracker:
    """Each user is told of with the first call."""
    return tracker(Budget("b", calls=1, per="user"), store=store, alerts=[sink])


def now() -> int:
    return time.time_ns() // 10**6


def cross(costs: CostTracker, user: str) -> None:
    spend(costs, 1, 1, who=Attribution(user=user), at=now())


def many(store: str, path: str, number: str) -> None:
    """Cross for a quarter of the users, of whom another process crosses for each as well."""
    costs = once(store, writes_to(path))
    for user in range(int(number) // 2, CROSSINGS, PROCESSES // 2):
        cross(costs, f"u{user}")
    assert costs.flush(100)


def killed_before_claiming(store: str, path: str) -> None:
    """Spend, and be killed before anybody is told."""
    costs = once(store, writes_to(path))
    costs._store._backend.claim = _die
    cross(costs, "u1")


def killed_before_noting(store: str, path: str) -> None:
    """Deliver, and be killed before that is noted."""
    write = writes_to(path)

    def sink(alert: Alert) -> None:
        write(alert)
        _die()

    costs = once(store, sink)
    cross(costs, "u1")
    costs.flush(100)


def killed_while_calling(store: str, path: str) -> None:
    """Reserve, and be killed before settling."""
    costs = tracker(Budget("b", calls=1, action="block"), store=store)
    leave = costs.admit(asks())
    Path(path).write_text(str(now()))
    assert leave is not None
    _die()


def _die(*args: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


JOBS = (many, killed_before_claiming, killed_before_noting, killed_while_calling)


if __name__ == "__main__":
    if sys.argv[1] != many.__name__:  # a machine that is busy is no store that is down
        contract.DEADLINE_SECONDS = 30.0
    {job.__name__: job for job in JOBS}[sys.argv[1]](*sys.argv[2:])
