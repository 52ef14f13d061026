"""Fixtures of the tests of budgets."""

from types import SimpleNamespace

import pytest

from costspan.cost.budgets import admission, patrol, watch
from costspan.cost.stores import contract
from tests.cost.budgets.desk import NOW


class Clock:
    """The time that budgets go by, in milliseconds since the epoch."""

    def __init__(self) -> None:
        self.now = NOW

    def time_ns(self) -> int:
        return self.now * 10**6


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared store may be as slow as a busy machine is: deadlines have tests of their own."""
    monkeypatch.setattr(contract, "DEADLINE_SECONDS", 30.0)


@pytest.fixture
def no_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes rounds but the test: `walk` is called by hand, where at all."""
    monkeypatch.setattr(patrol.Patrol, "start", lambda self: None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until the test sets it."""
    made = Clock()
    for place in (admission, patrol, watch):
        monkeypatch.setattr(place, "time", SimpleNamespace(time_ns=made.time_ns))
    return made
