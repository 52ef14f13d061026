"""A table with the user's own rates, and the tariffs that were compiled of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from costspan.call import Request
from costspan.cost.age import MaxAge
from costspan.cost.rates import Rate, own_tariff
from costspan.cost.refresh import Refresher
from costspan.cost.table import Table
from costspan.cost.tariff import Tariff

KEPT_TARIFFS = 4096


class Upkeep(Struct, frozen=True):
    """What is looked after whenever a tariff is compiled, which is once a day at least."""

    refresher: Refresher | None
    max_age: MaxAge

    def look(self, table: Table) -> None:
        """Have the refresher run, as in a forked child it does not yet, and tell of old prices."""
        if self.refresher is not None:
            self.refresher.keep_running()
            if self.refresher.last is None:
                return  # newer prices may be on their way
        self.max_age.warn(table)


class Book:
    """Where the tariff of a call is looked up.

    A newer table is a new book, so that its tariffs are never mixed with those of the one before.

    Args:
        table: the rows.
        overrides: keys with the rates that win over the table, the most exact first.
        assumed: the rate of a model that has none; None to leave it without.
        upkeep: what is looked after now and then.
    """

    def __init__(
        self,
        table: Table,
        overrides: Sequence[tuple[str, Rate]],
        assumed: Rate | None,
        upkeep: Upkeep,
    ) -> None:
        self.table = table
        self._overrides = overrides
        self._assumed = assumed
        self._upkeep = upkeep
        self._tariffs: dict[tuple[Any, ...], Tariff | None] = {}

    def find(
        self,
        request: Request,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        at: float,
    ) -> Tariff | None:
        """The tariff of `model` at a moment (seconds since the epoch); None where it has none."""
        key = (
            request.provider,
            request.server_address,
            request.server_port,
            model,
            tier,
            speed,
            geo,
        )
        found = self._tariffs.get(key)
        if found is not None and at < found.valid_until:
            return found
        if found is None and key in self._tariffs:
            return None
        self._upkeep.look(self.table)
        found = self._compiled(request, model, tier, speed, geo, at)
        if len(self._tariffs) >= KEPT_TARIFFS:
            self._tariffs.clear()
        self._tariffs[key] = found
        return found

    def _compiled(
        self,
        request: Request,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        at: float,
    ) -> Tariff | None:
        if model is None:
            return None
        own = self._override(request, model)
        if own is not None:
            return own
        found = self.table.tariff(request.provider, model, tier=tier, speed=speed, geo=geo, at=at)
        if found is None and self._assumed is not None:
            return own_tariff(self._assumed, model, "assumed")
        return found

    def _override(self, request: Request, model: str) -> Tariff | None:
        if not self._overrides:
            return None
        names = [model, f"{request.provider}/{model}"]
        if request.server_address is not None:
            names.append(f"{request.server_address}/{model}")
            names.append(f"{request.server_address}:{request.server_port}/{model}")
        for pattern, rate in self._overrides:
            for name in names:
                if pattern == name or (pattern[-1] == "*" and name.startswith(pattern[:-1])):
                    return own_tariff(rate, model, "override")
        return None
