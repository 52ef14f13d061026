"""The limits that `@pytest.mark.llm_budget` sets for a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from costspan.cost.budgets.budget import Budget
from costspan.errors import BudgetExceeded, ConfigurationError

ACTIONS = ("block", "raise", "warn")
_UNITS = ("usd", "tokens", "calls")


class Mark(Protocol):
    """A marker as pytest gives it."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Its positional arguments."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """Its keywords."""


class Limits(Struct, frozen=True):
    """What holds for one test; `forbids` is the name of a limit of no calls at all."""

    budgets: tuple[Budget, ...] = ()
    forbids: str | None = None

    def check(self) -> None:
        """Raise where no call is allowed.

        Raises:
            BudgetExceeded: there is to be none.
        """
        if self.forbids is not None:
            raise BudgetExceeded(
                f"budget {self.forbids!r} allows no calls; this call was not made",
                reason="limit",
                budget=self.forbids,
            )


def limits_of(markers: Iterable[Mark]) -> Limits:
    """The limits of some markers, the nearest to the test first: each limit is the nearest's.

    Raises:
        ConfigurationError: a marker is wrong; the message names the remedy.
    """
    found: dict[str, tuple[Any, str]] = {}
    for marker in markers:
        action = _checked(marker)
        for unit in _UNITS:
            if unit in marker.kwargs:
                found.setdefault(unit, (marker.kwargs[unit], action))
    budgets = []
    forbids = None
    for unit, (value, action) in found.items():
        name = f"llm_budget({unit}={value})"
        if unit == "calls" and value == 0 and not isinstance(value, bool):
            forbids = name
        elif value is not None:
            budgets.append(_budget(name, unit, value, action))
    return Limits(tuple(budgets), forbids)


def total_of(text: str) -> Budget:
    """The budget of a whole run.

    Args:
        text: US dollars.

    Raises:
        ConfigurationError: it is no number above 0.
    """
    return _budget(f"--llm-budget-total {text}", "usd", text, "block")


def _budget(name: str, unit: str, value: Any, action: str) -> Budget:
    limit: dict[str, Any] = {unit: value}
    return Budget(name, action=action, **limit)


def _checked(marker: Mark) -> str:
    unknown = [repr(one) for one in marker.args]
    unknown += [name for name in marker.kwargs if name not in (*_UNITS, "action")]
    if unknown or not set(_UNITS) & set(marker.kwargs):
        raise ConfigurationError(
            f"@pytest.mark.llm_budget({', '.join(unknown)}): name the limits, such as "
            "llm_budget(usd=0.05, tokens=10_000, calls=10); action='block', 'raise' or 'warn' may "
            "stand beside them"
        )
    action = marker.kwargs.get("action", "block")
    if action not in ACTIONS:
        raise ConfigurationError(
            f"@pytest.mark.llm_budget(action={action!r}): use 'block', 'raise' or 'warn'"
        )
    return str(action)
