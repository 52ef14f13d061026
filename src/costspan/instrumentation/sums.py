"""Counters that are sums kept here: a call adds to them, and readers see them when they collect.

The conventions leave it to whoever implements them whether a counter is synchronous, and data
points tell no difference. A measurement of a synchronous one costs the SDK some 10 us in the call;
to add here costs less than one, and dollars stay whole picodollars until they are shown.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import NonRecordingSpan, SpanContext

from costspan import totals
from costspan.guard import quietly
from costspan.instrumentation import unread
from costspan.instrumentation.labels import Labelled

MOST_SUMS = 2_000
"""Sums kept of each counter, as many as the SDK keeps; further labels are counted as one."""

_OVERFLOW: Labelled = {"otel.metric.overflow": True}
"""What the SDK labels that one with."""

_READING = quietly("reading the sums of a counter")


class Sum(Struct, eq=False):
    """A sum, and the span of the last call that added to it: until a reader has seen it."""

    labels: Labelled
    value: int = 0
    latest: SpanContext | None = None

    def observed(self, divisor: int | None) -> Observation:
        """The sum as it is shown; of its calls the latest is what its exemplar leads to."""
        value = self.value if divisor is None else self.value / divisor
        latest, self.latest = self.latest, None
        if latest is None:
            return Observation(value, self.labels)
        context = trace.set_span_in_context(NonRecordingSpan(latest))
        return Observation(value, self.labels, context)


class Counter:
    """One counter, and its sums by labels; made by `Sums.counter`."""

    __slots__ = ("_divisor", "_label", "_sums")

    def __init__(self, label: str | None, divisor: int | None) -> None:
        self._label = label
        self._divisor = divisor
        self._sums: dict[tuple[Any, ...], Sum] = {}

    def sum_of(self, labels: Labelled, own: str | None) -> Sum:
        """The sum of the calls with these labels; the caller holds the lock."""
        told = labels if self._label is None else {**labels, self._label: own}
        # True, 1 and 1.0 are equal, and not the same label.
        key = tuple((name, type(value), value) for name, value in told.items())
        if key not in self._sums and len(self._sums) >= MOST_SUMS:
            key, told = (), _OVERFLOW
        return self._sums.setdefault(key, Sum(told))

    def read(self, options: CallbackOptions) -> Iterable[Observation]:
        """Show each sum to a reader."""
        with _READING, totals.lock():
            return [one.observed(self._divisor) for one in self._sums.values()]
        return ()


class Series:
    """The sums of all counters that calls with the same labels add to."""

    __slots__ = ("_sums", "labels")

    def __init__(self, labels: Labelled) -> None:
        self.labels = labels
        self._sums: dict[tuple[Counter, str | None], Sum] = {}

    def add(self, counter: Counter, amount: int, span: SpanContext, own: str | None = None) -> None:
        """Add to a counter; the caller holds the lock.

        Args:
            span: of the call.
            own: the value of the label that the counter has beside these.
        """
        found = self._sums.get((counter, own))
        if found is None:
            found = self._sums[counter, own] = counter.sum_of(self.labels, own)
        found.value += amount
        found.latest = span


class Sums:
    """The counters of one meter provider; they outlive each `instrument()`, as the SDK's own do."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}

    def counter(
        self,
        create: Callable[..., Any],
        name: str,
        unit: str,
        description: str,
        *,
        label: str | None = None,
        divisor: int | None = None,
    ) -> Counter:
        """The counter of this name.

        Args:
            create: the meter's method that makes it, where there is none yet.
            label: the label that it has beside those of its series.
            divisor: how many of what is added make one of its unit; None for 1.
        """
        known = self._counters.get(name)
        if known is None:
            known = Counter(label, divisor)
            # The first counter's alone: so all of them show the same calls in a collection.
            first = [] if self._counters else [unread.before_reading]
            # A callback cannot be taken back from the SDK, and a second one is ignored.
            create(name, [*first, known.read], unit=unit, description=description)
            self._counters[name] = known
        return known


_kept: list[tuple[weakref.ref[Any], Sums]] = []


def sums_of(provider: Any) -> Sums:
    """What is counted for a meter provider, as long as that lives."""
    _kept[:] = [one for one in _kept if one[0]() is not None]
    for known, sums in _kept:
        if known() is provider:
            return sums
    made = Sums()
    _kept.append((weakref.ref(provider), made))
    return made
