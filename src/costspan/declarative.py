"""What OpenTelemetry's configuration can name: `costspan`, an exporter before another, and files.

A configuration file (`OTEL_CONFIG_FILE`) takes no span processors but its own. An exception here
would leave the app without any telemetry: so a wrong setting is one ERROR line.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from costspan import settings
from costspan.cost.foreign.exporting import PricingExporter
from costspan.cost.tracker import CostTracker
from costspan.errors import ConfigurationError
from costspan.export.local_files import LocalFiles, files_of
from costspan.export.spans import JsonlSpanExporter
from costspan.guard import fault_of
from costspan.instrumentation.wiring import otlp_exporter
from costspan.instrumentor import Instrumentor, standing_wiring

logger = logging.getLogger("costspan")

_EXAMPLE = "costspan: {exporter: {otlp_http: {}}}"


class CostSpanExporter(SpanExporter):
    """Prices GenAI spans on their way to the exporter that stands in its place else.

    The entry point `costspan` of `opentelemetry_traces_exporter`. Who prices is the tracker of
    `instrument()`, else one made from the COSTSPAN_* variables. Where `instrument()` has the spans
    priced as they end, they pass as they are.

    Args:
        exporter: a span exporter as the configuration file spells it, `{otlp_http: {...}}`; by
            default OTLP, as the OTEL_EXPORTER_OTLP_* variables say.
    """

    def __init__(self, exporter: Any = None, **unknown: Any) -> None:
        self._pricing: PricingExporter | None = None
        self._standing: CostTracker | None = None
        self._asked = False
        fault = fault_of(lambda: self._open(exporter, unknown))
        if fault is not None:
            logger.error("costspan exports no spans: %s", fault)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand the spans on, priced."""
        if self._pricing is None:
            return SpanExportResult.FAILURE
        self._pricing.costs = self._costs()
        return self._pricing.export(spans)

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        if self._pricing is not None:
            self._pricing.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the other exporter."""
        return self._pricing is None or self._pricing.force_flush(timeout_millis)

    def _open(self, exporter: Any, unknown: Mapping[str, Any]) -> None:
        for name in unknown:
            raise ConfigurationError(f"unknown key {name!r}: write {_EXAMPLE}")
        self._pricing = PricingExporter(otlp_exporter() if exporter is None else _made(exporter))

    def _costs(self) -> CostTracker | None:
        """Who prices now; None where the spans are priced already, or nobody can."""
        if Instrumentor().foreign.prices(trace.get_tracer_provider()):
            return None
        return Instrumentor().costs or self._standing_costs()

    def _standing_costs(self) -> CostTracker | None:
        if not self._asked:
            self._asked = True
            fault = fault_of(self._ask)
            if fault is not None and Instrumentor().refusal is None:
                logger.error("costspan adds no costs to exported spans: %s", fault)
        return self._standing

    def _ask(self) -> None:
        self._standing = standing_wiring().costs  # type: ignore[assignment]


class JsonlFiles(SpanExporter):
    """`JsonlSpanExporter` for `OTEL_TRACES_EXPORTER=costspan_jsonl` and configuration files.

    Args:
        directory: the folder; by default that of COSTSPAN_LOCAL, else `logs`.
        rules: other arguments of `LocalFiles`, such as `rotate`.
    """

    def __init__(self, directory: str | None = None, **rules: Any) -> None:
        self._files: JsonlSpanExporter | None = None
        fault = fault_of(lambda: self._open(directory, rules))
        if fault is not None:
            logger.error("costspan writes no spans to files: %s", fault)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch."""
        return SpanExportResult.FAILURE if self._files is None else self._files.export(spans)

    def shutdown(self) -> None:
        """Close the file."""
        if self._files is not None:
            self._files.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Write what is held back."""
        return self._files is None or self._files.force_flush(timeout_millis)

    def _open(self, directory: str | None, rules: Mapping[str, Any]) -> None:
        if directory is None and not rules:
            found = settings.read().local
            self._files = JsonlSpanExporter(files_of("logs" if found is None else found))
        else:
            self._files = JsonlSpanExporter(LocalFiles(directory or "logs", **rules))


def _made(exporter: Any) -> SpanExporter:
    """The exporter that the file names, made by whoever reads the file.

    Raises:
        ConfigurationError: it names none, or cannot be made.
    """
    if not isinstance(exporter, Mapping) or len(exporter) != 1:
        raise ConfigurationError(f"exporter={exporter!r} names no exporter: write {_EXAMPLE}")
    try:
        models = import_module("opentelemetry.configuration.models")
        convert = import_module("opentelemetry.configuration._conversion")._dict_to_dataclass
        create = import_module("opentelemetry.configuration._tracer_provider")._create_span_exporter
    except (ImportError, AttributeError) as fault:
        raise ConfigurationError(
            f"{fault}: install opentelemetry-configuration, or leave exporter: out for OTLP as the "
            "OTEL_EXPORTER_OTLP_* variables say"
        ) from None
    return create(convert(exporter, models.SpanExporter))  # type: ignore[no-any-return]
