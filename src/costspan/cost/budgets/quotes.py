"""What a call may cost before it is made: so many tokens in and out, at the rates of its model.

Nobody knows before a call what of its input the provider will read from its cache, write to it, or
hear as audio. Where a limit must hold whatever happens, all of it is taken at the dearest rate.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from costspan.call import Call, Request, Response, Usage
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.tariff import Tariff

_INPUT_KINDS: dict[str, tuple[str, ...]] = {
    "cache_write_tokens": ("cache_write_tokens",),
    "cache_write_1h_tokens": ("cache_write_tokens", "cache_write_1h_tokens"),
    "input_audio_tokens": ("input_audio_tokens",),
    "input_image_tokens": ("input_image_tokens",),
}
_OUTPUT_KINDS: dict[str, tuple[str, ...]] = {
    "output_audio_tokens": ("output_audio_tokens",),
    "output_image_tokens": ("output_image_tokens",),
}
"""A rate of the table, and the counts of a usage that is billed at it."""

_DEARER_TIERS = frozenset({"priority"})
_MANY = 10**6
_MOST_KEPT = 4096


class Rates(Struct, frozen=True, gc=False):
    """Picodollars for a million tokens in and out; `surely` at the dearest rate that may hold.

    `tariff` is set where the rates hang on how many tokens there are. `until` is when they may
    change, in milliseconds since the epoch.
    """

    input: int
    output: int
    input_surely: int
    output_surely: int
    until: float
    tariff: Tariff | None = None


class Quotes:
    """Prices of calls that are not made yet."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._edition: object = None
        self._rates: dict[tuple[Any, ...], Rates | None] = {}

    def picos(
        self, request: Request, input_tokens: int, output_tokens: int, now: int, *, surely: bool
    ) -> int | None:
        """Picodollars for so many tokens at a moment (milliseconds since the epoch).

        Args:
            surely: at the dearest rate that may hold; else as fresh text.

        Returns:
            None where nobody knows the model's price, or it is not billed by tokens.
        """
        rates = self._rates_of(request, now)
        if rates is None:
            return None
        if rates.tariff is not None:
            rates = _rates(rates.tariff, input_tokens)
        if surely:
            atoms = input_tokens * rates.input_surely + output_tokens * rates.output_surely
        else:
            atoms = input_tokens * rates.input + output_tokens * rates.output
        return -(-atoms // _MANY)

    def _rates_of(self, request: Request, now: int) -> Rates | None:
        edition = self._prices.edition
        if edition is not self._edition or len(self._rates) >= _MOST_KEPT:
            self._rates = {}
            self._edition = edition
        tier = request.parameters.get("service_tier")
        key = (
            request.provider,
            request.server_address,
            request.server_port,
            request.model,
            tier if tier in _DEARER_TIERS else None,
        )
        known = self._rates.get(key)
        if known is not None and now < known.until:
            return known
        if known is None and key in self._rates:
            return None
        tariff = self._tariff(request, key[-1], now)
        found = _rates(tariff, 0) if isinstance(tariff, Tariff) else None
        self._rates[key] = found
        return found

    def context_window(self, request: Request) -> int | None:
        """The most tokens that a model can read and write in one call; None where not known."""
        found = self._prices.load().find(request.provider, request.model or "")
        return None if found is None else found[1].context_window

    def _tariff(self, request: Request, tier: Any, now: int) -> Any:
        nanoseconds = now * 10**6
        return self._prices.tariff_of(
            Call(
                request=request,
                response=None if tier is None else Response(service_tier=tier),
                started_at=nanoseconds,
                ended_at=nanoseconds,
                runtime_seconds=0.0,
            )
        )


def _rates(tariff: Tariff, tokens: int) -> Rates:
    """The rates of a prompt of so many tokens."""
    # The prompt sets the band: where there are several, so many tokens as it has are priced.
    scale = _MANY if not tariff.starts else max(1, tokens)
    rated = {unit.key for unit in tariff.units}
    plain = tariff.parts(Usage(input_tokens=scale, output_tokens=_MANY))
    inputs, outputs = [plain.input], [plain.output]
    for key, counts in _INPUT_KINDS.items():
        if key in rated:
            parts = tariff.parts(_usage(scale, 0, counts, scale))
            inputs.append(parts.input + parts.cache_write)
    for key, counts in _OUTPUT_KINDS.items():
        if key in rated:
            outputs.append(tariff.parts(_usage(scale, _MANY, counts, _MANY)).output)
    return Rates(
        -(-plain.input * _MANY // scale),
        plain.output,
        -(-max(inputs) * _MANY // scale),
        max(outputs),
        tariff.valid_until * 1e3,
        tariff if tariff.starts else None,
    )


def _usage(input_tokens: int, output_tokens: int, counts: tuple[str, ...], tokens: int) -> Usage:
    return Usage(
        input_tokens=input_tokens, output_tokens=output_tokens, **dict.fromkeys(counts, tokens)
    )
