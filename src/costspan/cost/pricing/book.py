"""A table with the user's own rates, and the tariffs that were compiled of both."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from costspan.call import Call, Request, Response
from costspan.cost.pricing.age import MaxAge
from costspan.cost.pricing.overrides import Overrides
from costspan.cost.pricing.rates import Rate, own_tariff
from costspan.cost.pricing.refresh import Refresher
from costspan.cost.pricing.table import Table
from costspan.cost.pricing.tariff import Tariff

KEPT_TARIFFS = 4096
_NO_RESPONSE = Response()


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

    def of(self, call: Call) -> Tariff | None:
        """The tariff that holds for a call; None where nobody knows its model."""
        request, response = call.request, call.response or _NO_RESPONSE
        asked, at = request.model, call.ended_at / 1e9
        if request.provider == "aws.bedrock":
            # The answer leaves out the inference profile, which sets the price.
            found = self.find(request, asked, at, response)
            if found is not None and found.match != "assumed":
                return found
        return self.find(request, response.model or asked, at, response, asked)

    def find(
        self,
        request: Request,
        model: str | None,
        at: float,
        response: Response = _NO_RESPONSE,
        asked: str | None = None,
    ) -> Tariff | None:
        """The tariff of `model` at a moment (seconds since the epoch); None where it has none.

        Of `response` the tier, the speed and the place count. `asked` is another name of the model,
        by which a key of the user's may call it.
        """
        key = (
            request.provider,
            request.server_address,
            request.server_port,
            model,
            asked,
            response.service_tier,
            response.speed,
            response.inference_geo,
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
            found = self._compiled(request, model, response, at)
        if len(self._tariffs) >= KEPT_TARIFFS:
            self._tariffs.clear()
        self._tariffs[key] = at, found  # of what was before that moment nothing is known
        return found

    def _compiled(
        self, request: Request, model: str | None, response: Response, at: float
    ) -> Tariff | None:
        found = None
        if model is not None:
            found = self.table.tariff(
                request.provider,
                model,
                tier=response.service_tier,
                speed=response.speed,
                geo=response.inference_geo,
                at=at,
            )
        if found is None and self._assumed is not None:
            return own_tariff(self._assumed, model, "assumed")
        return found
