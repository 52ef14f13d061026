"""Prices: the table, the user's own rates, and what to do with a model that nobody knows."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec import structs

from costspan.call import NOT_BILLED, PICOS_PER_USD, Call, Cost, Request, Response, Usage
from costspan.cost.pricing.age import MaxAge
from costspan.cost.pricing.book import KEPT_TARIFFS, Book, Upkeep
from costspan.cost.pricing.overrides import Overrides
from costspan.cost.pricing.rates import FlatTariff, Rate
from costspan.cost.pricing.refresh import refresher
from costspan.cost.pricing.table import Table
from costspan.cost.pricing.tariff import Parts, Tariff
from costspan.errors import BudgetExceeded, ConfigurationError

logger = logging.getLogger("costspan")


class Prices:
    """Where prices come from.

    Args:
        overrides: rates that win over the table, by `"model"`, `"provider/model"`,
            `"host/model"` or `"host:port/model"`; a trailing `*` stands for any ending, and the
            most exact key wins (see `costspan.cost.pricing.overrides`).
        unknown: what to do with a model without a price: `"warn"` (leave the call unpriced and say
            so once), `"block"` (raise `BudgetExceeded` before the call) or a `Rate` to assume.
        refresh: fetch newer prices in the background: True once a day, or an interval such as
            `"6h"`, an hour at least. By default nothing is fetched.
        max_age: from which age on the table is said, once, to be old; None for never.
        table: path of a JSON file in the format of genai-prices' `data.json` to use instead of the
            installed package's table.
        refresh_url: where `refresh` fetches from; by default genai-prices' own address.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    _book: Book | None = None

    def __init__(
        self,
        *,
        overrides: Mapping[str, Rate] | None = None,
        unknown: str | Rate = "warn",
        refresh: bool | str = False,
        max_age: str | None = "90d",
        table: str | os.PathLike[str] | None = None,
        refresh_url: str | None = None,
    ) -> None:
        if unknown not in ("warn", "block") and not isinstance(unknown, Rate):
            raise ConfigurationError(
                f"Prices(unknown={unknown!r}) is unknown: use 'warn', 'block' or a Rate(...)"
            )
        self.unknown = unknown
        self.overrides = Overrides(overrides)
        self.refresher = refresher(self, refresh, refresh_url)
        """The background thread that fetches newer prices; None without `refresh`."""

        self.max_age = MaxAge(max_age)
        self._file = _checked_file(table, refresh)
        self._upkeep = Upkeep(self.refresher, self.max_age)
        self._warned: dict[tuple[str, str | None], object] = {}

    def load(self) -> Table:
        """The table in use, read now if it was not yet.

        Raises:
            ConfigurationError: the file of `table` cannot be read, or is no such table.
        """
        return self._in_use().table

    def take(self, table: Table) -> None:
        """Price by `table` from now on; a call that is being priced keeps to the one before."""
        self._book = self._book_of(table)
        self.max_age.warn(table)

    @property
    def edition(self) -> object:
        """Another object whenever prices changed: what was worked out of them is void then."""
        return self._book

    @property
    def as_of(self) -> str:
        """Which table is in use, and of what date."""
        return self.load().prices_as_of

    def admit(self, request: Request) -> None:
        """Refuse a call whose model has no price, where that is the policy.

        Raises:
            BudgetExceeded: with `reason="unpriced"`.
        """
        if self.unknown != "block" or not request.billable:
            return
        book = self._in_use()
        if book.find(request, request.model, time.time()) is None:
            raise BudgetExceeded(
                f"no price is known for {request.model!r} of {request.provider}, and "
                f"Prices(unknown='block') is set: {self._offer(request, request.model)}",
                reason="unpriced",
            )

    def cost(self, call: Call) -> Cost:
        """What `call` cost, by the provider's own figure, an override or the table."""
        if call.billed is False or not (call.request.billable or call.settles_response):
            return NOT_BILLED
        response = call.response
        if response is not None and response.reported_cost_usd is not None:
            return _reported(response)
        book = self._book or self._in_use()
        tariff = book.of(call)
        if isinstance(tariff, FlatTariff):
            return tariff.cost(call.runtime_seconds)
        if response is None or response.usage is None:
            model = None if tariff is None else tariff.model
            return Cost(status="unpriced", missing=("usage",), model=model)
        if tariff is None:
            return self._unpriced(call)
        parts = tariff.parts(response.usage)
        if response.also_billed or response.incomplete or response.unseen:
            self._add_unsaid(book, call, response, response.usage, tariff, parts)
        fresh, read, written, output, tools, missing = structs.astuple(parts)
        total = fresh + read + written + output + tools
        if not total and missing:  # a total of 0 would be a wrong zero
            return Cost(status="unpriced", missing=missing, model=tariff.model)
        return Cost(
            status="partial" if missing else "priced",
            total=total,
            input=fresh,
            cache_read=read,
            cache_write=written,
            output=output,
            tools=tools,
            missing=missing,
            model=tariff.model,
            match=tariff.match,
            prices_as_of=tariff.prices_as_of,
        )

    def _in_use(self) -> Book:
        book = self._book
        if book is None:
            table = Table.bundled() if self._file is None else Table.from_file(self._file)
            # The first that is put there stays, as by then it may have been refreshed already.
            book = vars(self).setdefault("_book", self._book_of(table))
            if self.refresher is None:
                self.max_age.warn(table)
        return book

    def _book_of(self, table: Table) -> Book:
        assumed = self.unknown if isinstance(self.unknown, Rate) else None
        return Book(table, self.overrides, assumed, self._upkeep)

    def _add_unsaid(
        self,
        book: Book,
        call: Call,
        response: Response,
        usage: Usage,
        tariff: Tariff,
        parts: Parts,
    ) -> None:
        """Add what the top-level usage leaves out, or name it."""
        if response.also_billed:
            self._add_others(book, call, response, parts)
        if response.incomplete:
            parts.missing = (*parts.missing, "usage")
        if response.unseen:
            unseen = (fact for fact in response.unseen if tariff.needs(fact, usage))
            parts.missing = (*parts.missing, *unseen)

    def _add_others(self, book: Book, call: Call, response: Response, parts: Parts) -> None:
        """Add what the top-level usage leaves out, each at its own model's rates."""
        for model, usage in response.also_billed:
            mine = model is None  # another model's speed is not known, nor any name that was asked
            tariff = book.find(
                call.request,
                model or call.model,
                call.ended_at / 1e9,
                response if mine else structs.replace(response, speed=None),
                call.request.model if mine else None,
            )
            if tariff is None:
                parts.missing = (*parts.missing, "iterations")
                continue
            extra = tariff.parts(usage)
            parts.input += extra.input
            parts.cache_read += extra.cache_read
            parts.cache_write += extra.cache_write
            parts.output += extra.output
            parts.tools += extra.tools
            parts.missing = tuple(dict.fromkeys((*parts.missing, *extra.missing)))

    def tariff_of(self, call: Call) -> Tariff | None:
        """The rates that hold for a call; None where nobody knows its model."""
        return self._in_use().of(call)

    def _unpriced(self, call: Call) -> Cost:
        request, model = call.request, call.model
        mine = object()
        # One of several threads that meet the model at once finds its own mark, without a lock.
        if len(self._warned) < KEPT_TARIFFS and (
            self._warned.setdefault((request.provider, model), mine) is mine
        ):
            logger.warning(
                "costspan has no price for model %r of %s: its calls are counted as unpriced, not "
                "as free. %s",
                model,
                request.provider,
                self._offer(request, model),
            )
        return Cost(status="unpriced", missing=("price",))

    def _offer(self, request: Request, model: str | None) -> str:
        if model is None:
            return "Neither the call nor its answer names a model: name it, as by model=..."
        nearest = self.load().nearest(request.provider, model)
        meant = f" Did you mean {nearest!r}?" if nearest else ""
        return (
            f'Add one by Prices(overrides={{"{model}": Rate(input=..., output=...)}}), in US '
            f"dollars per million tokens, or with Rate.free() where it costs nothing.{meant}"
        )


def _checked_file(table: Any, refresh: Any) -> Path | None:
    if table is None:
        return None
    if not isinstance(table, str | os.PathLike) or not os.fspath(table):
        raise ConfigurationError(f"Prices(table={table!r}): give the path of a JSON file")
    if refresh:
        raise ConfigurationError(
            "Prices(table=..., refresh=...): a file is never refreshed; leave one of the two out"
        )
    return Path(table)


def _reported(response: Response) -> Cost:
    amount = response.reported_cost_usd
    assert amount is not None
    picos = round(Fraction(amount) * PICOS_PER_USD)
    return Cost(status="priced", total=picos, model=response.model, match="provider")
