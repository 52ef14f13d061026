"""Whether anybody looks at the attributes that a span starts with.

The SDK checks each attribute that a span is started with, which takes a third of the time that a
start takes. Those of ours need no check. Where nobody decides or acts by them, they may as well be
put in place when the span has started.
"""

from __future__ import annotations

from typing import Any

from costspan import semconv


class Onlookers:
    """The sampler and the span processors of the tracer in force; looked through once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: tuple[Any, Any, bool] = (None, None, True)

    def watch(self, tracer: Any) -> bool:
        """Whether one of them may look at a span's attributes while it starts."""
        try:
            processors, sampler = tracer.span_processor._span_processors, tracer.sampler
        except AttributeError:
            return True  # no tracer of the SDK, or not as it is known
        known_processors, known_sampler, any_looks = self._known
        if known_processors is not processors or known_sampler is not sampler:
            any_looks = _decides(sampler) or any(map(_looks, processors))
            self._known = (processors, sampler, any_looks)
        return any_looks


def _decides(sampler: Any) -> bool:
    """Whether a sampler may decide by attributes; some of the SDK's are known not to."""
    from opentelemetry.sdk.trace import sampling

    decide = type(sampler).should_sample
    if decide is sampling.ParentBased.should_sample:
        parts = [part for part in vars(sampler).values() if isinstance(part, sampling.Sampler)]
        return any(map(_decides, parts))
    blind = (sampling.StaticSampler.should_sample, sampling.TraceIdRatioBased.should_sample)
    return decide not in blind


def _looks(processor: Any) -> bool:
    """Whether a processor may look; the SDK's do nothing when a span starts."""
    from opentelemetry.sdk.trace import SpanProcessor, export

    blind = (
        SpanProcessor.on_start,
        export.SimpleSpanProcessor.on_start,
        export.BatchSpanProcessor.on_start,
    )
    known = type(processor).on_start in blind or getattr(processor, semconv.GOES_BY_NAME, False)
    return not known
