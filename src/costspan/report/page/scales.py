"""The scale of an axis: where it ends, and where its ticks stand."""

from __future__ import annotations

import math

from msgspec import Struct

_STEPS = (1, 2, 2.5, 5, 10)
_WANTED = 4


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
    span = most - least or 1.0
    power = 10.0 ** math.floor(math.log10(span / _WANTED))
    step = next(size * power for size in _STEPS if span / (size * power) <= _WANTED + 1e-9)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(round(index * step, 12) for index in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def tick_digits(ticks: tuple[float, ...]) -> int:
    """How many decimals tell the ticks apart."""
    return next((d for d in range(12) if all(abs(t - round(t, d)) < 1e-12 for t in ticks)), 12)
