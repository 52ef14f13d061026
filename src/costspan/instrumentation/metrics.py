"""Calls as metrics of the GenAI conventions, and the dollars as one of ours.

Nothing is recorded, and nothing costs time, while no SDK `MeterProvider` is set. One measurement
costs the SDK some 10 us: so what is only summed up is kept as a sum (`sums.py`), histograms alone
are measured, and both are done as a reader collects (`unread.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import _internal as registry
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext

from costspan import semconv, totals
from costspan.attributed import Attribution
from costspan.call import PICOS_PER_USD, Call, Cost, Request, Usage
from costspan.guard import quietly
from costspan.instrumentation import gauges, unread
from costspan.instrumentation.gauges import Budgeted
from costspan.instrumentation.labels import Labelled, Labels, Values
from costspan.instrumentation.once import alone
from costspan.instrumentation.seldom import Seldom
from costspan.instrumentation.sums import Counter, Series, Sums, sums_of
from costspan.semconv.measured import MODALITY, TOKEN_TYPE
from costspan.settings import Settings

SECONDS = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
"""Bucket boundaries that the conventions advise, in seconds."""

TOKENS = tuple(4**power for power in range(14))
"""Bucket boundaries that the conventions advise, in tokens."""

_registry = vars(registry)
"""Where OpenTelemetry keeps the provider that was set."""

ChunkTimer = Callable[[], None]
"""Is called at each chunk of a stream; records the time since the chunk before."""

_TODAY = "gen_ai.client.inference."
_OLDER = "gen_ai.client.operation."
_COUNTERS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read.input_tokens",
    "cache_write_tokens": "cache_write.input_tokens",
    "reasoning_tokens": "reasoning.output_tokens",
}
_TIMING = quietly("timing chunks")
_EVERY_SECOND = 10**9
_MOST_SERIES = 2_000
_INFERENCE = frozenset({"chat", "text_completion", "generate_content"})


class Meters:
    """Gives the instruments of the meter provider in force, or None while there is none.

    Args:
        given: the meter provider; None for the app's global one.
        version: of costspan.
        settings: whose names the conventions' metrics have, and what to label with.
        budgets: whose budgets are shown; None for nobody's.
    """

    def __init__(
        self, given: Any, version: str, settings: Settings, budgets: Budgeted | None
    ) -> None:
        self._given = given
        self._version = version
        self._names = settings.metric_names
        self._labels = Labels(settings.metric_labels)
        self._budgets = budgets
        self._seen: Any = None
        self._due = 0
        self._instruments: Instruments | None = None

    def record(self, call: Call, cost: Cost | None, span: Span) -> None:
        """Record one call, where there is a meter provider; its exemplars lead to `span`."""
        instruments = self._in_force(call.ended_at)
        if instruments is not None:
            instruments.record(call, cost, span)

    def chunk_timer(self, request: Request, who: Attribution, span: Span) -> ChunkTimer | None:
        """What to call at each chunk of a stream; None where nobody wants to know."""
        with _TIMING:
            instruments = self._in_force(time.time_ns())
            if instruments is not None:
                return instruments.chunk_timer(request, who, span)
        return None

    def close(self) -> None:
        """Record what waits, and show the budgets no more."""
        unread.record_all()
        gauges.hide(self._budgets)

    def _in_force(self, now: int) -> Instruments | None:
        # To ask the API is slow while there is none, as it looks into the environment each time.
        if now >= self._due or self._given is not None or _registry.get("_METER_PROVIDER"):
            self._look(now)
        return self._instruments

    def _look(self, now: int) -> None:
        self._due = now + _EVERY_SECOND
        provider = self._given if self._given is not None else metrics.get_meter_provider()
        if provider is self._seen:
            return
        with alone():  # a call that ends meanwhile waits: it is to be recorded too
            if provider is not self._seen:
                try:
                    self._instruments = self._made(provider)
                finally:
                    self._seen = provider

    def _made(self, provider: Any) -> Instruments | None:
        if type(provider).__name__ in ("_ProxyMeterProvider", "NoOpMeterProvider"):
            return None
        meter = provider.get_meter("costspan", self._version)
        if self._budgets is not None:
            gauges.show(provider, meter, self._budgets)
        return Instruments(meter, sums_of(provider), self._labels, self._names)


class Instruments:
    """The instruments of one meter."""

    def __init__(self, meter: Any, sums: Sums, labels: Labels, names: str) -> None:
        self._labels = labels
        self._series: dict[Values, Series] = {}
        waits = unread.asks_first(meter)
        self._put: unread.Put = unread.calls.put if waits else unread.at_once
        self._put_chunk: unread.Put = unread.chunks.put if waits else unread.at_once
        today, older = names != "v1.41", names != "current"
        prefixes = [_TODAY] * today + [_OLDER] * older
        self._durations = [_seconds(meter, f"{one}duration", "Duration") for one in prefixes]
        self._other_durations = [_seconds(meter, f"{_OLDER}duration", "Duration")]
        self._first_chunks = [
            _seconds(meter, f"{one}time_to_first_chunk", "Time to the first chunk of a stream")
            for one in prefixes
        ]
        self._chunks = [
            _seconds(meter, f"{one}time_per_output_chunk", "Time between two chunks of a stream")
            for one in prefixes
        ]
        self._counters = _counters(sums, meter) if today else {}
        self._older_tokens = _token_histogram(meter) if older else None
        self._cost = sums.counter(
            meter.create_observable_counter,
            "costspan.cost",
            "USD",
            "Cost of GenAI calls",
            divisor=PICOS_PER_USD,
        )
        self._seldom = Seldom(sums, meter)

    def record(self, call: Call, cost: Cost | None, span: Span) -> None:
        """Have one call's times, tokens and dollars recorded before a reader collects."""
        # Its context alone: a span may have the messages with it.
        self._put(self._measure, call, cost, span.get_span_context())

    def _measure(self, call: Call, cost: Cost | None, span: SpanContext) -> None:
        series, usage = self._series_of(call), call.usage
        if usage is not None and call.request.operation == "fetch_response":
            # A retrieval's counts are those of the call that made the response, unless it settles.
            usage = usage if call.settles_response else None
        context = _context_of(span)
        self._record_times(call, series.labels, context)
        if usage is not None and self._older_tokens is not None:
            _record_tokens(self._older_tokens, usage, series.labels, context)
        with totals.lock():
            self._add(call, usage, cost, series, span)

    def _series_of(self, call: Call) -> Series:
        """Where a call is counted: worked out once for all calls that are labelled alike."""
        response = call.response
        values = self._labels.values(call.request, call, response.model if response else None)
        found = self._series.get(values)
        if found is None:
            if len(self._series) >= _MOST_SERIES:
                self._series.clear()
            found = self._series[values] = Series(self._labels.of(values))
        return found

    def _add(
        self, call: Call, usage: Usage | None, cost: Cost | None, series: Series, span: SpanContext
    ) -> None:
        """Add to the sums. A counter cannot take back what a correction lowers."""
        if usage is not None and self._counters:
            modality = "unknown" if _mixed(usage) else "text"
            for field, counter in self._counters.items():
                tokens = getattr(usage, field)
                if tokens and tokens > 0:
                    series.add(counter, tokens, span, modality)
        if cost is not None and cost.total and cost.total > 0:
            series.add(self._cost, cost.total, span)
        self._seldom.add(call, cost, series, span)

    def chunk_timer(self, request: Request, who: Attribution, span: Span) -> ChunkTimer | None:
        """Times the chunks of one stream; the model that answers is not known by then."""
        if request.operation not in _INFERENCE:
            return None
        labels = self._labels.of(self._labels.values(request, who))
        context = _context_of(span.get_span_context())
        before: float | None = None

        def passed() -> None:
            nonlocal before
            now = time.perf_counter()
            if before is not None:
                with _TIMING:
                    self._put_chunk(_record, self._chunks, now - before, labels, context)
            before = now

        return passed

    def _record_times(self, call: Call, labels: Labelled, context: Any) -> None:
        told = labels
        if call.error:
            error = self._labels.bounded(semconv.ERROR_TYPE, call.error)
            told = {**labels, semconv.ERROR_TYPE: error}
        if call.request.operation not in _INFERENCE:
            _record(self._other_durations, call.runtime_seconds, told, context)
            return
        _record(self._durations, call.runtime_seconds, told, context)
        if call.time_to_first_chunk is not None:
            _record(self._first_chunks, call.time_to_first_chunk, labels, context)


def _context_of(span: SpanContext) -> Context:
    """What leads a measurement's exemplar to the span, and has nothing of who measures."""
    return trace.set_span_in_context(NonRecordingSpan(span), Context())


def _seconds(meter: Any, name: str, description: str) -> Any:
    return meter.create_histogram(
        name,
        unit="s",
        description=description,
        explicit_bucket_boundaries_advisory=SECONDS,
    )


def _counters(sums: Sums, meter: Any) -> dict[str, Counter]:
    return {
        field: sums.counter(
            meter.create_observable_counter,
            f"{_TODAY}usage.{name}",
            "{token}",
            "Tokens used",
            label=MODALITY,
        )
        for field, name in _COUNTERS.items()
    }


def _token_histogram(meter: Any) -> Any:
    return meter.create_histogram(
        "gen_ai.client.token.usage",
        unit="{token}",
        description="Tokens used by a call",
        explicit_bucket_boundaries_advisory=TOKENS,
    )


def _record(histograms: Sequence[Any], value: float, labels: Labelled, context: Any) -> None:
    for histogram in histograms:
        histogram.record(value, labels, context)


def _record_tokens(histogram: Any, usage: Usage, labels: Labelled, context: Any) -> None:
    for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
        if tokens and tokens > 0:
            histogram.record(tokens, {**labels, TOKEN_TYPE: kind}, context)


def _mixed(usage: Usage) -> bool:
    return bool(
        usage.input_audio_tokens
        or usage.input_image_tokens
        or usage.input_video_tokens
        or usage.output_audio_tokens
        or usage.output_image_tokens
        or usage.output_video_tokens
    )
