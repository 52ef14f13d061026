"""The one slot that says whether calls are observed, and what is done with them.

`Instrumentor` fills it, the patches and `record_call` read it.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.trace import Tracer, TracerProvider

from costspan.alerts.alert import Alert
from costspan.attributed import Attribution
from costspan.call import Call, Cost, Request, Reservation
from costspan.errors import BudgetExceeded
from costspan.guard import fault_of
from costspan.instrumentation.masking import masked
from costspan.instrumentation.metrics import Meters
from costspan.instrumentation.once import alone
from costspan.instrumentation.onlookers import Onlookers

logger = logging.getLogger("costspan")

SCOPE = "costspan"


Count = Callable[[Sequence[str]], float]
"""Tokens of some pieces of text; counts add up, so that one may be a fraction."""


class TokenCounter(Protocol):
    """Estimates tokens."""

    def of(self, model: str | None) -> Count:
        """How to count the tokens of one model."""


class Outcome(Protocol):
    """What a call set off."""

    @property
    def alerts(self) -> Sequence[Alert]:
        """What was told."""

    @property
    def exceeded(self) -> BudgetExceeded | None:
        """What to raise in place of the call's answer."""


class Accountant(Protocol):
    """Who prices and counts calls."""

    @property
    def waits(self) -> bool:
        """Whether leave and settling may wait for a store, as no event loop may."""

    @property
    def asks_leave(self) -> bool:
        """Whether calls may be refused, or wait for leave."""

    @property
    def needs_size(self) -> bool:
        """Whether a request's size must be known before its call."""

    @property
    def needs_fingerprint(self) -> bool:
        """Whether requests must be told apart."""

    def admit(
        self, request: Request, who: Attribution | None = None, trace_id: int = 0
    ) -> Reservation:
        """Leave to make a call; may raise `BudgetExceeded`."""

    def release(self, reservation: Reservation) -> None:
        """Give back what is reserved for a call that is not made after all."""

    @property
    def token_counter(self) -> TokenCounter | None:
        """How tokens are estimated that nobody reports; None where they are not."""

    def account(
        self, call: Call, reservation: Reservation | None = None, who: Attribution | None = None
    ) -> tuple[Call, Cost, Outcome]:
        """Price and count a finished call; gives what of it counts, its cost, and what follows."""


class Wiring:
    """What is done with observed calls.

    Args:
        tracers: gives the tracer to start a span with.
        costs: who prices and counts calls; None for nobody. `settles` says whether there is one
            whose costs are shown: a span of none is left to the processor.
        meters: who records metrics.
        capture: the content gate's mode.
        details_events: whether each call's messages go out as a log record.
        ask_usage: whether the usage of OpenAI chat streams may be asked for.
        propagate: whether the trace context is sent to providers.
    """

    def __init__(
        self,
        *,
        tracers: Tracers,
        costs: Accountant | None,
        meters: Meters,
        capture: str = "off",
        details_events: bool = False,
        ask_usage: bool = True,
        propagate: bool = False,
    ) -> None:
        self.tracers = tracers
        self.settles = costs is not None
        self.count_with(costs)
        self.meters = meters
        self.capture = capture
        self.details_events = details_events
        self.keeps_content = capture != "off" or details_events
        self.ask_usage = ask_usage
        self.propagate = propagate
        self.refusing_hosts: set[str | None] = set()

    def count_with(self, costs: Accountant | None) -> None:
        """Let `costs` count, or nobody. What it needs is asked here, not at each call."""
        self.costs = costs
        self.token_counter = None if costs is None else costs.token_counter
        self.waits = costs is not None and costs.waits
        self.asks_leave = costs is not None and (costs.asks_leave or costs.waits)
        self.measures = costs is not None and (costs.needs_size or costs.needs_fingerprint)

    def refused_usage(self, host: str | None) -> None:
        """Ask `host` for no stream's usage any more, as it does not know the option."""
        if host not in self.refusing_hosts:
            self.refusing_hosts.add(host)
            logger.warning(
                "costspan: %s does not accept stream_options.include_usage, so its streams report "
                "no usage; instrument(stream_usage='never') asks no host for it",
                host,
            )


class Slot:
    """Holds the wiring in force, or None.

    `fit`, where it is set, says what is put in place of a wiring, or of none: so that a test run
    can count calls whatever the code under test switches on and off.
    """

    __slots__ = ("fit", "wiring")

    def __init__(self) -> None:
        self.wiring: Wiring | None = None
        self.fit: Callable[[Wiring | None], Wiring | None] | None = None

    def put(self, wiring: Wiring | None) -> None:
        """Put `wiring` in force."""
        self.wiring = wiring if self.fit is None else self.fit(wiring)


slot = Slot()


class Tracers:
    """Where spans go: the provider that was given, else the global one, else a private one.

    The global provider is looked up at each call, so that an app may set its own at any time.
    `joins` is told of each provider of the app's that is in force.
    """

    def __init__(self, given: TracerProvider | None, version: str) -> None:
        self.joins: Callable[[Any], None] | None = None
        self.onlookers = Onlookers()
        self._given = given
        self._version = version
        self._seen: Any = None
        self._tracer: Tracer | None = None
        self._spare: Any = None
        self.private: Any = None

    def prepare(self) -> None:
        """Do now what the first call would have to wait for."""
        provider = self._given if self._given is not None else trace.get_tracer_provider()
        if not _is_unset(provider):
            self.onlookers.watch(self.tracer)
        else:
            self._spare = importlib.import_module("opentelemetry.sdk.trace").TracerProvider()

    @property
    def tracer(self) -> Tracer:
        """The tracer of the provider in force."""
        provider = self._given if self._given is not None else trace.get_tracer_provider()
        if provider is not self._seen or self._tracer is None:
            self._join(provider)
            self._tracer = self._resolved(provider).get_tracer(SCOPE, self._version)
            self._seen = provider
        return self._tracer

    def _join(self, provider: Any) -> None:
        if self.joins is not None and not _is_unset(provider):
            self.joins(provider)

    def describe(self) -> str:
        """Where spans go and why, in words."""
        if self._given is not None:
            return "the tracer_provider that was given to instrument()"
        provider = trace.get_tracer_provider()
        if not _is_unset(provider):
            return f"the app's global {type(provider).__name__}"
        exporter = otlp_target(os.environ)
        return "a private TracerProvider, as the app has set none: " + (
            f"OTLP to {masked(exporter)}, as OTEL_* says" if exporter else "no exporter"
        )

    def _resolved(self, provider: Any) -> TracerProvider:
        if not _is_unset(provider):
            return provider  # type: ignore[no-any-return]
        with alone():  # two would add an exporter each, and every span would be sent twice
            is_new = self.private is None
            if is_new:
                self.private = _private_provider(self._spare)
        if is_new:
            logger.info(
                "costspan found no TracerProvider and uses %s. To send spans elsewhere, call "
                "opentelemetry.trace.set_tracer_provider(...), or set OTEL_EXPORTER_OTLP_ENDPOINT",
                self.describe(),
            )
        return self.private  # type: ignore[no-any-return]


def _is_unset(provider: Any) -> bool:
    return isinstance(provider, trace.ProxyTracerProvider)


def otlp_target(environ: Mapping[str, str]) -> str | None:
    """The OTLP endpoint that the standard variables ask for, None where they ask for none."""
    exporters = {name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "").split(",")}
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    if "none" in exporters:
        return None
    if endpoint:
        return endpoint
    return "the default endpoint" if exporters & {"otlp", "otlp_proto_http"} else None


def _private_provider(spare: Any) -> Any:
    from opentelemetry.sdk import trace as sdk

    provider = spare if spare is not None else sdk.TracerProvider()
    if otlp_target(os.environ):
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        fault = fault_of(lambda: provider.add_span_processor(BatchSpanProcessor(otlp_exporter())))
        if fault is not None:  # such as a compression that the exporter does not know
            logger.error(
                "costspan cannot make the OTLP exporter that OTEL_* asks for (%s: %s): no span "
                "leaves this process; calls are counted all the same",
                type(fault).__name__,
                fault,
            )
    return provider


def otlp_exporter() -> Any:
    """The OTLP exporter that the standard variables ask for, by gRPC or HTTP."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    target = otlp_target(os.environ) or ""
    if protocol == "grpc" or (not protocol and target.rstrip("/").endswith(":4317")):
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc

        return grpc.OTLPSpanExporter()
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as http

    return http.OTLPSpanExporter()
