"""What the budgets of one process say of themselves, where there is no other place for it."""

from __future__ import annotations


class Declarations:
    """Descriptions by the budget's name, in memory."""

    def __init__(self) -> None:
        self._declared: dict[str, bytes] = {}

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is; empty to forget it."""
        if description:
            self._declared[budget] = description
        else:
            self._declared.pop(budget, None)

    def declared(self) -> dict[str, bytes]:
        """What was said of each budget last."""
        return dict(self._declared)
