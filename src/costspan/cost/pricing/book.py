"""A table with the user's own rates, and the tariffs that were compiled of both."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from costspan.call import Request
from costspan.cost.pricing.age import MaxAge
from costspan.cost.pricing.overrides import Overrides
from costspan.cost.pricing.rates import Rate, own_tariff
from costspan.cost.pricing.refresh import Refresher
from costspan.cost.pricing.table import Table
from costspan.cost.pricing.tariff import Tariff

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
        overrides: the rates that win over the table.
        assumed: the rate of a model that has none; None to leave it without.
        upkeep: what is looked after now and then.
    """

    def __init__(
        self,
        table: Table,
        overrides: Overrides,
        assumed: Rate | None,
        upkeep: Upkeep,
    ) -> None:
        self.table = table
        self._overrides = overrides
        self._assumed = assumed
        self._upkeep = upkeep
        self._tariffs: dict[tuple[Any, ...], tuple[float, Tariff | None]] = {}

    def find(
        self,
        request: Request,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        at: float,
        asked: str | None = None,
    ) -> Tariff | None:
        """The tariff of `model` at a moment (seconds since the epoch); None where it has none.

        `asked` is another name of it, by which a key of the user's may call it.
        """
        key = (
            request.provider,
            request.server_address,
            request.server_port,
            model,
            asked,
            tier,
            speed,
            geo,
        )
        kept = self._tariffs.get(key)
        if kept is not None:
            since, found = kept
            if found is None or since <= at < found.valid_until:
                return found
        self._upkeep.look(self.table)
        own = self._overrides.find(request, model, asked)
        if own is not None:
            found = own_tariff(own.rate, model, "override")
        else:
            found = self._compiled(request, model, tier, speed, geo, at)
        if len(self._tariffs) >= KEPT_TARIFFS:
            self._tariffs.clear()
        self._tariffs[key] = at, found  # of what was before that moment nothing is known
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
        found = None
        if model is not None:
            found = self.table.tariff(
                request.provider, model, tier=tier, speed=speed, geo=geo, at=at
            )
        if found is None and self._assumed is not None:
            return own_tariff(self._assumed, model, "assumed")
        return found
