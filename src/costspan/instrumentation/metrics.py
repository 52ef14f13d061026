"""Calls as metrics of the GenAI conventions, and the dollars as one of ours.

Nothing is recorded, and nothing costs time, while no SDK `MeterProvider` is set.
"""

from __future__ import annotations

from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import _internal as registry

from costspan import semconv
from costspan.call import PICOS_PER_USD, Call, Cost, Usage

SECONDS = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
"""Bucket boundaries that the conventions advise, in seconds."""

_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read.input_tokens",
    "cache_write_tokens": "cache_write.input_tokens",
    "reasoning_tokens": "reasoning.output_tokens",
}
_EVERY_SECOND = 10**9
_INFERENCE = frozenset({"chat", "text_completion", "generate_content"})


class Meters:
    """Gives the instruments of the meter provider in force, or None while there is none."""

    def __init__(self, given: Any, version: str) -> None:
        self._given = given
        self._version = version
        self._seen: Any = None
        self._due = 0
        self._instruments: Instruments | None = None

    def record(self, call: Call, cost: Cost | None) -> None:
        """Record one call, where there is a meter provider."""
        # To ask the API is slow while there is none, as it looks into the environment each time.
        if self._given is not None or _one_is_set() or call.ended_at >= self._due:
            self._look(call.ended_at)
        if self._instruments is not None:
            self._instruments.record(call, cost)

    def _look(self, now: int) -> None:
        self._due = now + _EVERY_SECOND
        provider = self._given if self._given is not None else metrics.get_meter_provider()
        if provider is not self._seen:
            self._seen = provider
            self._instruments = self._made(provider)

    def _made(self, provider: Any) -> Instruments | None:
        unset = type(provider).__name__ in ("_ProxyMeterProvider", "NoOpMeterProvider")
        return None if unset else Instruments(provider.get_meter("costspan", self._version))


def _one_is_set() -> bool:
    return getattr(registry, "_METER_PROVIDER", None) is not None


class Instruments:
    """The instruments of one meter."""

    def __init__(self, meter: Any) -> None:
        self._duration = meter.create_histogram(
            "gen_ai.client.inference.duration",
            unit="s",
            description="Duration of GenAI calls",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.inference.time_to_first_chunk",
            unit="s",
            description="Time to the first chunk of a stream",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._tokens = {
            field: meter.create_counter(
                f"gen_ai.client.inference.usage.{name}", unit="{token}", description="Tokens used"
            )
            for field, name in _TOKENS.items()
        }
        self._cost = meter.create_counter(
            "costspan.cost", unit="USD", description="Cost of GenAI calls"
        )

    def record(self, call: Call, cost: Cost | None) -> None:
        """Record one call's duration, tokens and dollars."""
        where = _attributes(call)
        failed = {**where, semconv.ERROR_TYPE: call.error} if call.error else where
        operation = call.request.operation
        if operation in _INFERENCE:
            self._duration.record(call.runtime_seconds, failed)
            if call.time_to_first_chunk is not None:
                self._first_chunk.record(call.time_to_first_chunk, where)
        # A retrieval's counts are those of the call that made the response, unless it settles them.
        if call.usage is not None and (call.settles_response or operation != "fetch_response"):
            self._record_tokens(call.usage, where)
        if cost is not None and cost.total and cost.total > 0:
            self._cost.add(cost.total / PICOS_PER_USD, _payer(call, where))

    def _record_tokens(self, usage: Usage, where: dict[str, Any]) -> None:
        labels = {**where, semconv.MODALITY: "unknown" if _mixed(usage) else "text"}
        for field, counter in self._tokens.items():
            tokens = getattr(usage, field)
            if tokens and tokens > 0:  # a counter cannot take back what a correction lowers
                counter.add(tokens, labels)


def _attributes(call: Call) -> dict[str, Any]:
    request = call.request
    found = {
        semconv.OPERATION: request.operation,
        semconv.PROVIDER: request.provider,
        semconv.REQUEST_MODEL: request.model,
        semconv.RESPONSE_MODEL: call.response.model if call.response else None,
        semconv.SERVER_ADDRESS: request.server_address,
        semconv.SERVER_PORT: request.server_port,
    }
    return {name: value for name, value in found.items() if value is not None}


def _payer(call: Call, where: dict[str, Any]) -> dict[str, Any]:
    found = {**where, semconv.AGENT: call.agent, semconv.ENDPOINT: call.endpoint}
    return {name: value for name, value in found.items() if value is not None}


def _mixed(usage: Usage) -> bool:
    return bool(
        usage.input_audio_tokens
        or usage.input_image_tokens
        or usage.output_audio_tokens
        or usage.output_image_tokens
    )
