"""What a call may cost before it is made: so many tokens in and out, at the rates of its model.

Nobody knows before a call what of its input the provider will read from its cache, write to it, or
hear as audio. Where a limit must hold whatever happens, all of it is taken at the dearest rate.
"""

from __future__ import annotations

from typing import Any

from costspan.call import Call, Request, Response, Usage
from costspan.cost.prices import Prices
from costspan.cost.tariff import Tariff

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
_MOST_TARIFFS = 4096

Kinds = tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]


class Quotes:
    """Prices of calls that are not made yet."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._kinds: dict[int, tuple[Tariff, Kinds]] = {}

    def picos(
        self, request: Request, input_tokens: int, output_tokens: int, now: int, *, surely: bool
    ) -> int | None:
        """Picodollars for so many tokens at a moment (milliseconds since the epoch).

        Args:
            surely: at the dearest rate that may hold; else as fresh text.

        Returns:
            None where nobody knows the model's price, or it is not billed by tokens.
        """
        tariff = self._tariff(request, now)
        if not isinstance(tariff, Tariff):
            return None
        plain = tariff.parts(Usage(input_tokens=input_tokens, output_tokens=output_tokens))
        if not surely:
            return plain.total
        inputs, outputs = self._kinds_of(tariff)
        dearest_in, dearest_out = plain.input, plain.output
        for kind in inputs:
            usage = _usage(input_tokens, 0, kind, input_tokens)
            parts = tariff.parts(usage)
            dearest_in = max(dearest_in, parts.input + parts.cache_write)
        for kind in outputs:
            parts = tariff.parts(_usage(input_tokens, output_tokens, kind, output_tokens))
            dearest_out = max(dearest_out, parts.output)
        return dearest_in + dearest_out + plain.tools

    def context_window(self, request: Request) -> int | None:
        """The most tokens that a model can read and write in one call; None where not known."""
        found = self._prices.load().find(request.provider, request.model or "")
        return None if found is None else found[1].context_window

    def _tariff(self, request: Request, now: int) -> Any:
        tier = request.parameters.get("service_tier")
        response = Response(service_tier=tier) if tier in _DEARER_TIERS else None
        nanoseconds = now * 10**6
        return self._prices.tariff_of(
            Call(
                request=request,
                response=response,
                started_at=nanoseconds,
                ended_at=nanoseconds,
                runtime_seconds=0.0,
            )
        )

    def _kinds_of(self, tariff: Tariff) -> Kinds:
        known = self._kinds.get(id(tariff))
        if known is None:
            if len(self._kinds) >= _MOST_TARIFFS:
                self._kinds.clear()
            rated = {unit.key for unit in tariff.units}
            kinds = (
                tuple(kind for key, kind in _INPUT_KINDS.items() if key in rated),
                tuple(kind for key, kind in _OUTPUT_KINDS.items() if key in rated),
            )
            # The tariff is held, so that its id stays its own.
            known = self._kinds[id(tariff)] = (tariff, kinds)
        return known[1]


def _usage(input_tokens: int, output_tokens: int, kind: tuple[str, ...], tokens: int) -> Usage:
    return Usage(
        input_tokens=input_tokens, output_tokens=output_tokens, **dict.fromkeys(kind, tokens)
    )
