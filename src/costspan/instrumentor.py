"""Instrumentor: switches costspan on and off. The one place that knows the whole house."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from costspan import settings as settings_of
from costspan.alerts.configured import configured_sinks
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.written import budgets_of
from costspan.cost.foreign.joining import ForeignSpans
from costspan.cost.pricing.written import prices_of
from costspan.cost.tracker import CostTracker
from costspan.errors import ConfigurationError
from costspan.export.calls import CallsFile
from costspan.export.local_files import files_of
from costspan.guard import quietly
from costspan.instrumentation.metrics import Meters
from costspan.instrumentation.observation import is_suppressed
from costspan.instrumentation.patching import Patches, checked_providers
from costspan.instrumentation.recorder import RecordedCall, asked
from costspan.instrumentation.settlement import settlement
from costspan.instrumentation.threads import ThreadPatches
from costspan.instrumentation.wiring import Tracers, Wiring, slot
from costspan.settings import Settings

logger = logging.getLogger("costspan")

VERSION = version("costspan")
_DEFAULT: Any = object()
_AUTO = ("skip_dep_check", "raise_exception_on_conflict")


class Instrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Makes every call of the OpenAI and Anthropic SDKs one priced OpenTelemetry span.

    There is one per process: `Instrumentor()` always gives the same object.
    """

    _is_instrumented_by_opentelemetry: bool
    _patches = Patches()
    _threads = ThreadPatches()
    foreign = ForeignSpans()
    _arguments: Mapping[str, Any] | None = None
    _settings: Settings | None = None
    refusal: Exception | None = None
    _costs: CostTracker | None = None
    _file: CallsFile | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Nothing: each provider's SDK is checked when it is patched."""
        return ()

    @property
    def costs(self) -> CostTracker | None:
        """The tracker in use; None with `instrument(costs=None)` and while not instrumented."""
        return self._costs

    @property
    def settings(self) -> Settings | None:
        """The settings in force; None while not instrumented."""
        return self._settings

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What `instrument()` was given beside defaults; empty while not instrumented."""
        given = self._arguments or {}
        return {name: value for name, value in given.items() if value is not _DEFAULTS[name]}

    @property
    def patches(self) -> Patches:
        """What is patched."""
        return self._patches

    @property
    def destination(self) -> str:
        """Where spans go and why, in words."""
        return (
            "nowhere: not instrumented" if slot.wiring is None else slot.wiring.tracers.describe()
        )

    def instrument(self, **kwargs: Any) -> None:
        """Switch costspan on; again with other settings, replace them.

        Args:
            tracer_provider: where spans go; by default the app's global provider.
            meter_provider: where metrics go; by default the app's global provider.
            metric_names: `"current"` (default), `"v1.41"` or `"both"`: the conventions' names that
                metrics have.
            metric_labels: the attribution that metrics are labelled with; by default
                `("agent", "endpoint")`.
            providers: names of SDKs, such as `("openai",)`; by default all that are installed.
            costs: a `CostTracker`; by default one of its own; None for no prices at all.
            local: a folder, or `LocalFiles(...)`, for a daily file with one line per call.
            capture_content: `"off"` (default), `"on_error"` or `"on"`.
            stream_usage: `"ask"` (default) asks OpenAI chat streams for their usage where that is
                safe, `"never"` does not.
            propagate_to_providers: send the trace context to providers; by default not.
            foreign_spans: price the GenAI spans that other instrumentations make; by default yes.

        Raises:
            ConfigurationError: a setting is wrong; nothing was patched then.
            TypeError: an argument is unknown.
        """
        automatic = any(kwargs.pop(name, None) is not None for name in _AUTO)
        if automatic and self._is_instrumented_by_opentelemetry:
            return  # a configuration file has done it, before opentelemetry-instrument loads all
        try:
            if automatic and self.refusal is not None:
                raise self.refusal
            arguments = _checked_arguments(kwargs)
            if self._is_instrumented_by_opentelemetry and arguments == self._arguments:
                return
            # An exception here would keep opentelemetry-instrument from loading what comes after.
            with quietly("switching itself on") if automatic else nullcontext():
                self._switch_on(arguments)
        except (ConfigurationError, TypeError) as fault:
            self.refusal = fault
            if not automatic:
                raise
            logger.error("costspan stays off: %s", fault)

    def _switch_on(self, arguments: Mapping[str, Any]) -> None:
        again = self._is_instrumented_by_opentelemetry
        wiring, settings, names, file = _prepared(arguments)
        if again:
            self._uninstrument()
            logger.warning("costspan was instrumented already: the new settings replace the old")
        for sentence in settings_of.misspelt_variables(os.environ):
            logger.warning("costspan: %s", sentence)
        self._arguments, self._settings = arguments, settings
        self._costs, self._file = wiring.costs, file  # type: ignore[assignment]
        if self._costs is not None and file is not None:
            self._costs.writers = (*self._costs.writers, file)
        if self._costs is not None and self._costs.prices.refresher is not None:
            self._costs.prices.refresher.start()
        self.foreign.serve(self._costs if arguments["foreign_spans"] else None)
        wiring.tracers.joins = self.foreign.join
        wiring.tracers.prepare()
        slot.put(wiring)
        self._patches.apply(names)
        self._threads.apply()
        self._is_instrumented_by_opentelemetry = True

    def uninstrument(self, **kwargs: Any) -> None:
        """Switch costspan off and put the SDKs back as they were; doing it twice is no fault."""
        self.refusal = None
        if self._is_instrumented_by_opentelemetry:
            self._uninstrument()
            self._is_instrumented_by_opentelemetry = False

    def _uninstrument(self, **kwargs: Any) -> None:
        settlement.finish()
        self._patches.remove()
        self._threads.remove()
        if slot.wiring is not None:
            slot.wiring.meters.close()
        slot.put(None)
        if self._costs is not None and self._costs.prices.refresher is not None:
            self._costs.prices.refresher.stop()
        self.foreign.serve(None)
        if self._costs is not None and self._file is not None:
            self._costs.writers = tuple(w for w in self._costs.writers if w is not self._file)
        if self._file is not None:
            self._file.close()
        self._arguments = self._settings = self._costs = self._file = None


_DEFAULTS: dict[str, Any] = {
    "tracer_provider": None,
    "meter_provider": None,
    "metric_names": None,
    "metric_labels": None,
    "providers": None,
    "costs": _DEFAULT,
    "capture_content": None,
    "stream_usage": "ask",
    "propagate_to_providers": False,
    "foreign_spans": True,
    "local": None,
}
_SETTINGS = _DEFAULTS.keys() - {"tracer_provider", "meter_provider", "costs", "foreign_spans"}


def _checked_arguments(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    for name in sorted(kwargs.keys() - _DEFAULTS):
        known = ", ".join(_DEFAULTS)
        raise TypeError(f"instrument() got an unexpected keyword argument {name!r}: use {known}")
    arguments = {**_DEFAULTS, **kwargs}
    priced = arguments["foreign_spans"]
    if not isinstance(priced, bool):
        raise ConfigurationError(f"foreign_spans={priced!r}: give True or False")
    return arguments


def _prepared(
    arguments: Mapping[str, Any],
) -> tuple[Wiring, Settings, tuple[str, ...], CallsFile | None]:
    """Everything that may fail, before anything is patched."""
    settings = settings_of.read(**{name: arguments[name] for name in _SETTINGS})
    names = checked_providers(settings.providers)
    _check_provider("tracer_provider", arguments["tracer_provider"], "get_tracer")
    _check_provider("meter_provider", arguments["meter_provider"], "get_meter")
    costs = _tracker(arguments["costs"], settings)
    file = None if settings.local is None else CallsFile(files_of(settings.local))
    if file is not None and costs is None:
        raise ConfigurationError(
            "instrument(costs=None, local=...): the calls file is written from settled calls; "
            "leave one of the two out"
        )
    if costs is not None:
        costs.prices.load().prepare(names)
    return _wiring(arguments, settings, costs), settings, names, file


def _wiring(arguments: Mapping[str, Any], settings: Settings, costs: CostTracker | None) -> Wiring:
    return Wiring(
        tracers=Tracers(arguments["tracer_provider"], VERSION),
        costs=costs,
        meters=Meters(arguments["meter_provider"], VERSION, settings, costs),
        capture=settings.capture_content,
        details_events=settings.details_events,
        ask_usage=settings.stream_usage == "ask",
        propagate=settings.propagate_to_providers,
    )


def _check_provider(name: str, provider: Any, method: str) -> None:
    if provider is not None and not callable(getattr(provider, method, None)):
        raise ConfigurationError(f"instrument({name}={provider!r}): it has no {method}()")


def _limit_of_a_call(usd: str) -> Budget:
    try:
        return Budget("single call", usd=usd, per="call")
    except ConfigurationError:  # of a budget that nobody wrote
        said = f"COSTSPAN_CALL_WARN_USD={usd!r}: write a number of US dollars above 0, such as 0.05"
        raise ConfigurationError(said) from None


def _tracker(costs: Any, settings: Settings) -> CostTracker | None:
    """The tracker that was given, else one made from the settings."""
    if costs is None or isinstance(costs, CostTracker):
        return costs
    if costs is not _DEFAULT:
        raise ConfigurationError(f"costs={costs!r}: give a CostTracker(...), or None for none")
    sinks = configured_sinks(settings.alerts, settings.slack_webhook_url)
    budgets = budgets_of(settings.budgets, sinks)
    if settings.call_warn_usd is not None:
        budgets.append(_limit_of_a_call(settings.call_warn_usd))
    return CostTracker(
        prices=prices_of(settings.prices),
        budgets=budgets,
        alerts=sinks.everybodys,
        store=settings.store,
        on_store_error=settings.on_store_error,
    )


def record_call(
    *, model: str | None = None, provider: str = "openai", operation: str = "chat"
) -> RecordedCall:
    """Record a call that no patch sees, as one span with its price; `with` or `async with`.

    Works without `instrument()`, with the settings of the environment then.

    Args:
        model: the model that is asked.
        provider: who bills it, such as `ollama` or `gcp.gemini`.
        operation: a name of the GenAI conventions.

    Raises:
        ConfigurationError: one of these is no text.
    """
    wiring = None if is_suppressed(get_current()) else slot.wiring or standing_wiring()
    return RecordedCall(wiring, asked(model, provider, operation))


_standing: list[Wiring] = []


def standing_wiring() -> Wiring:
    """What records calls while costspan is not instrumented."""
    if not _standing:
        wiring, _, _, file = _prepared(dict(_DEFAULTS))
        if file is not None and isinstance(wiring.costs, CostTracker):
            wiring.costs.writers = (*wiring.costs.writers, file)
        _standing.append(wiring)
    return _standing[0]  # of several that were made at once the first stays, and counts all calls
