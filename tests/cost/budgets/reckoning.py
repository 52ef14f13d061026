"""What a budget should say of a series of calls, worked out the plain way.

It keeps every call there was and adds up anew each time. Which window a moment is in is written
down by hand; the key of a call is a tuple; nothing here is the library's.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

TRILLION = 10**12
RATES = {"m": (1, 10), "n": (Fraction(1, 2), 5)}
"""US dollars for a million tokens in and out."""


@dataclass(frozen=True)
class Asked:
    """One call: who makes it, what it may take, and what it takes."""

    minute: int
    who: dict[str, str]
    model: str
    size: int
    limit: int
    tokens_in: int
    tokens_out: int

    def dollars(self, tokens_in: int, tokens_out: int) -> int:
        rate_in, rate_out = RATES[self.model]
        return int((tokens_in * rate_in + tokens_out * rate_out) * TRILLION / 10**6)

    def takes(self, unit: str) -> int:
        if unit == "calls":
            return 1
        if unit == "tokens":
            return self.tokens_in + self.tokens_out
        return self.dollars(self.tokens_in, self.tokens_out)

    def may_take(self, unit: str) -> int:
        if unit == "calls":
            return 1
        if unit == "tokens":
            return self.size + self.limit
        return self.dollars(self.size, self.limit)


@dataclass
class Said:
    """What a budget said of one call."""

    refused: bool = False
    raised: bool = False
    told: list[tuple[str, Fraction, int]] = field(default_factory=list)
    """State, threshold, and what was spent."""


@dataclass
class Reckoning:
    """One budget. `window` is minutes of a sliding one, `calendar` or None."""

    per: tuple[str, ...]
    window: int | str | None
    unit: str
    limit: int
    action: str
    where: dict[str, str]
    unscoped: str
    thresholds: tuple[Fraction, ...] = (Fraction(1, 2), Fraction(1))
    made: list[tuple[int, object, int]] = field(default_factory=list)
    last_told: dict[object, tuple[int, int]] = field(default_factory=dict)

    def key(self, call: Asked) -> object:
        """None of a call that the budget does not see."""
        for word, wanted in self.where.items():
            if call.who.get(word, "") != wanted:
                return None
        if self.per in (("total",), ("call",)):
            return ()
        found = tuple(call.who.get(word) for word in self.per)
        if None in found:
            return "pool" if self.unscoped == "count" else None
        return found

    def spent(self, key: object, minute: int) -> int:
        return sum(n for at, whose, n in self.made if whose == key and self._counts(at, minute))

    def _counts(self, at: int, minute: int) -> bool:
        if self.window is None:
            return True
        if self.window == "calendar":  # the window begins at minute 20
            return (at >= 20) == (minute >= 20)
        return minute - at <= self.window

    def left(self, call: Asked) -> int | None:
        """What remains where `call` is made."""
        key = self.key(call)
        return None if key is None else max(0, self.limit - self.spent(key, call.minute))

    def hears(self, call: Asked) -> Said:
        """What it says of one call."""
        said, key = Said(), self.key(call)
        if key is None:
            return said
        amount = call.takes(self.unit)
        before = 0 if self.per == ("call",) else self.spent(key, call.minute)
        if self.action == "block" and before + call.may_take(self.unit) > self.limit:
            said.refused = True
            self._refuses(said, key, call, before)
            return said
        self.made.append((call.minute, key, amount))
        spent = amount if self.per == ("call",) else before + amount
        said.raised = self.action == "raise" and spent > self.limit
        self._tells(said, key, call.minute, spent)
        return said

    @property
    def watches_loops(self) -> bool:
        """Every call over the limit is told, then, and one at the limit is not."""
        return (
            self.per == ("call",)
            or "request" in self.per
            or (self.unit == "calls" and isinstance(self.window, int))
        )

    def _tells(self, said: Said, key: object, minute: int, spent: int) -> None:
        if self.watches_loops and spent > self.limit:
            said.told.append(("reached", Fraction(1), spent))
            return
        if self.per == ("call",):
            return
        reached = [s for s in self.thresholds if spent >= ceil(self.limit * s)]
        if self.watches_loops:
            reached = [share for share in reached if share < 1]
        if reached and self._is_news(key, minute, len(reached)):
            said.told.append(("reached", reached[-1], spent))

    def _refuses(self, said: Said, key: object, call: Asked, before: int) -> None:
        spent = call.may_take(self.unit) if self.per == ("call",) else before
        if self.watches_loops or self._is_news(("blocked", key), call.minute, 1):
            said.told.append(("blocked", Fraction(1), spent))

    def _is_news(self, key: object, minute: int, level: int) -> bool:
        window = minute >= 20 if self.window == "calendar" else None
        told, at = self.last_told.get((key, window), (0, 0))
        if level <= told and not (isinstance(self.window, int) and minute - at >= self.window):
            return False
        self.last_told[key, window] = level, minute
        return True
