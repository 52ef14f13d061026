"""Prices: the table, the user's own rates, and what to do with a model that nobody knows."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from costspan.call import NOT_BILLED, PICOS_PER_USD, Call, Cost, Request, Response, Usage
from costspan.cost.rates import Rate, checked_overrides, own_cost, own_tariff
from costspan.cost.table import Table
from costspan.cost.tariff import Parts, Tariff
from costspan.errors import BudgetExceeded, ConfigurationError
from costspan.providers import shapes

logger = logging.getLogger("costspan")

_KEPT_TARIFFS = 4096
_NO_RESPONSE = Response()
_NO_FIGURE = frozenset({"consistent_usage", "input_tokens", "output_tokens"})
"""Where one of these is missing and nothing was priced, a total of 0 would be a wrong zero."""


class Prices:
    """Where prices come from.

    Args:
        overrides: rates that win over the table, by `"model"`, `"provider/model"` or
            `"host:port/model"`; a trailing `*` stands for any ending. The most exact key wins.
        unknown: what to do with a model without a price: `"warn"` (leave the call unpriced and say
            so once), `"block"` (raise `BudgetExceeded` before the call) or a `Rate` to assume.

    Raises:
        ConfigurationError: a setting is wrong, or not available yet.
    """

    def __init__(
        self,
        *,
        overrides: Mapping[str, Rate] | None = None,
        unknown: str | Rate = "warn",
        refresh: bool = False,
        max_age: str | None = None,
    ) -> None:
        if refresh or max_age is not None:
            raise ConfigurationError(
                "Prices(refresh=..., max_age=...) is not available yet: upgrade the package "
                "genai-prices to get newer prices"
            )
        if unknown not in ("warn", "block") and not isinstance(unknown, Rate):
            raise ConfigurationError(
                f"Prices(unknown={unknown!r}) is unknown: use 'warn', 'block' or a Rate(...)"
            )
        self.unknown = unknown
        self._overrides = checked_overrides(overrides)
        self._table: Table | None = None
        self._tariffs: dict[tuple[Any, ...], Tariff | None] = {}
        self._warned: set[tuple[str, str | None]] = set()

    def load(self) -> Table:
        """Read the table now, rather than at the first call."""
        if self._table is None:
            self._table = Table()
        return self._table

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
        if self._tariff(request, request.model, None, None, None, time.time()) is None:
            raise BudgetExceeded(
                f"no price is known for {request.model!r} of {request.provider}, and "
                f"Prices(unknown='block') is set: {_remedy(request, request.model)}",
                reason="unpriced",
            )

    def cost(self, call: Call) -> Cost:
        """What `call` cost, by the provider's own figure, an override or the table."""
        if call.billed is False or not (call.request.billable or call.settles_response):
            return NOT_BILLED
        response = call.response
        if response is not None and response.reported_cost_usd is not None:
            return _reported(response)
        tariff = self._tariff_of(call)
        if tariff is not None and tariff.match in ("gpu", "free"):
            return own_cost(tariff, call.runtime_seconds)
        if response is None or response.usage is None:
            model = None if tariff is None else tariff.model
            return Cost(status="unpriced", missing=("usage",), model=model)
        if tariff is None:
            return self._unpriced(call)
        return self._priced(call, response, response.usage, tariff)

    def _priced(self, call: Call, response: Response, usage: Usage, tariff: Tariff) -> Cost:
        parts = tariff.parts(usage)
        if response.also_billed:
            self._add_others(call, response, parts)
        if response.incomplete:
            parts.missing = (*parts.missing, "usage")
        if response.unseen:
            unseen = (fact for fact in response.unseen if tariff.needs(fact, usage))
            parts.missing = (*parts.missing, *unseen)
        total = parts.total
        if not total and _NO_FIGURE.intersection(parts.missing):
            return Cost(status="unpriced", missing=parts.missing, model=tariff.model)
        return Cost(
            status="partial" if parts.missing else "priced",
            total=total,
            input=parts.input,
            cache_read=parts.cache_read,
            cache_write=parts.cache_write,
            output=parts.output,
            tools=parts.tools,
            missing=parts.missing,
            model=tariff.model,
            match=tariff.match,
            prices_as_of=tariff.prices_as_of,
        )

    def _add_others(self, call: Call, response: Response, parts: Parts) -> None:
        """Add what the top-level usage leaves out, each at its own model's rates."""
        for model, usage in response.also_billed:
            tariff = self._tariff(
                call.request,
                model or call.model,
                response.service_tier,
                None,
                response.inference_geo,
                call.ended_at / 1e9,
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

    def _tariff_of(self, call: Call) -> Tariff | None:
        response = call.response or _NO_RESPONSE
        facts = (response.service_tier, response.speed, response.inference_geo)
        at = call.ended_at / 1e9
        if call.request.provider == "aws.bedrock":
            # The answer leaves out the inference profile, which sets the price.
            found = self._tariff(call.request, call.request.model, *facts, at)
            if found is not None:
                return found
        return self._tariff(call.request, call.model, *facts, at)

    def _tariff(
        self,
        request: Request,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        at: float,
    ) -> Tariff | None:
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
        found = self._resolve(request, model, tier, speed, geo, at)
        if len(self._tariffs) >= _KEPT_TARIFFS:
            self._tariffs.clear()
        self._tariffs[key] = found
        return found

    def _resolve(
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
        found = self.load().tariff(request.provider, model, tier=tier, speed=speed, geo=geo, at=at)
        if found is None and isinstance(self.unknown, Rate):
            return own_tariff(self.unknown, model, "assumed")
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

    def _unpriced(self, call: Call) -> Cost:
        request, model = call.request, call.model
        if (request.provider, model) not in self._warned and len(self._warned) < _KEPT_TARIFFS:
            self._warned.add((request.provider, model))
            logger.warning(
                "costspan has no price for model %r of %s: its calls are counted as unpriced, not "
                "as free. %s",
                model,
                request.provider,
                self._offer(request, model),
            )
        return Cost(status="unpriced", missing=("price",))

    def _offer(self, request: Request, model: str | None) -> str:
        nearest = self.load().nearest(request.provider, model or "")
        meant = f" Did you mean {nearest!r}?" if nearest else ""
        return _remedy(request, model) + meant


def price_of(response: Any, provider: str | None = None, model: str | None = None) -> Cost:
    """Price any OpenAI-, Anthropic- or Gemini-shaped response; needs no instrumentation.

    Args:
        response: the SDK's object, a dict of the same shape, or a decoded JSON body.
        provider: who bills it (`openai`, `groq`, `azure.ai.openai`, ...); guessed from the shape.
        model: used where the response does not name one.

    Returns:
        Its cost; `total_usd` is None where no price is known.

    Raises:
        ConfigurationError: the shape is not known.
    """
    api, answer = shapes.read(response)
    biller = provider or {"gemini": "gcp.gemini"}.get(api, api)
    now = time.time_ns()
    request = Request(operation="chat", provider=biller, api=api, model=model)
    return _default_prices().cost(
        Call(request=request, response=answer, started_at=now, ended_at=now, runtime_seconds=0.0)
    )


_prices_of_table: Prices | None = None


def _default_prices() -> Prices:
    global _prices_of_table
    if _prices_of_table is None:
        _prices_of_table = Prices()
    return _prices_of_table


def _remedy(request: Request, model: str | None) -> str:
    return (
        f'Add one by Prices(overrides={{"{model}": Rate(input=..., output=...)}}), in US dollars '
        f'per million tokens, or Rate.free() for "{request.provider}/*".'
    )


def _reported(response: Response) -> Cost:
    amount = response.reported_cost_usd
    assert amount is not None
    picos = round(Fraction(amount) * PICOS_PER_USD)
    return Cost(status="priced", total=picos, model=response.model, match="provider")
