"""The scale of an axis: where it ends, and where its ticks stand."""

from __future__ import annotations

import math

from msgspec import Struct

_STEPS = (1, 2, 2.5, 5, 10)
_WANTED = 4
_MOST_DIGITS = 15
_CLOSE = 1e-12
"""Of a step: what a division of doubles may be off."""


class Scale(Struct, frozen=True):
    """From `low` to `high`, both ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def part(self, value: float) -> float:
        """Where a value stands: 0 at the bottom, 1 at the top."""
        return (value - self.low) / (self.high - self.low)


def scale(least: float, most: float) -> Scale:
    """A scale with about four round steps that holds 0 and both values."""
    least, most = min(least, 0.0), max(most, 0.0)
    most = most if most > least else 1.0
    span = most - least
    power = 10.0 ** math.floor(math.log10(span / _WANTED))
    step = next(size * power for size in _STEPS if span / (size * power) <= _WANTED + _CLOSE)
    first, last = math.floor(least / step + _CLOSE), math.ceil(most / step - _CLOSE)
    ticks = tuple(float(f"{index * step:.12g}") for index in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def tick_digits(ticks: tuple[float, ...]) -> int:
    """How many decimals tell the ticks apart."""
    close = (ticks[1] - ticks[0]) / 1000
    digits = range(_MOST_DIGITS)
    return next(
        (d for d in digits if all(abs(t - round(t, d)) < close for t in ticks)), _MOST_DIGITS
    )
