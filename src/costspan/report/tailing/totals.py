"""Running totals of what was shown since the start, and of the last minute."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from costspan.call import plain
from costspan.export.schema import Line

_MINUTE = 60.0


class Totals:
    """Sums of calls, exact.

    Args:
        now: seconds on any clock that only goes forward; so are the others.
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self._calls = self._errors = self._unpriced = self._tokens = 0
        self._usd = Decimal(0)
        self._recent: deque[tuple[float, Decimal]] = deque()
        self.broken = 0
        self.lost = 0

    def add(self, line: Line, now: float) -> None:
        """Count a call."""
        self._calls += 1
        self._errors += line.error is not None
        self._unpriced += line.cost_usd is None and line.status != "not_billed"
        self._tokens += (line.input_tokens or 0) + (line.output_tokens or 0)
        usd = Decimal(line.cost_usd or 0)
        self._usd += usd
        self._recent.append((now, usd))

    def line(self, now: float) -> str:
        """The sums, and those of the last minute."""
        while self._recent and self._recent[0][0] <= now - _MINUTE:
            self._recent.popleft()
        recent = sum((usd for _, usd in self._recent), Decimal(0))
        return (
            f"{self._sums()}; last minute: {_many(len(self._recent), 'call')}, {plain(recent)} USD"
        )

    def ending(self, now: float) -> str:
        """The sums, how long it took, and what that is a minute."""
        seconds = max(now - self._began, 1.0)
        rate = self._calls * _MINUTE / seconds
        usd = (self._usd * 60 / Decimal(seconds)).quantize(Decimal("0.000001"))
        minutes, rest = divmod(round(seconds), 60)
        return f"{self._sums()}; in {minutes}:{rest:02d}, a minute: {rate:.1f} calls, {usd:f} USD"

    def _sums(self) -> str:
        parts = [
            _many(self._calls, "call"),
            _many(self._tokens, "token"),
            f"{plain(self._usd)} USD",
        ]
        parts.append(_many(self._errors, "error"))
        parts += [f"{self._unpriced:,} without a price"] if self._unpriced else []
        parts += [_many(self.broken, "broken line")] if self.broken else []
        parts += [f"{_many(self.lost, 'call')} never written"] if self.lost else []
        return ", ".join(parts)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
