"""How calls are seen while the code under test has not switched costspan on itself."""

from __future__ import annotations

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider

from costspan import settings as settings_of
from costspan.cost.pricing.written import offline, prices_of
from costspan.cost.tracker import CostTracker
from costspan.instrumentation.metrics import Meters
from costspan.instrumentation.patching import checked_providers
from costspan.instrumentation.wiring import Tracers, Wiring
from costspan.instrumentor import VERSION, Instrumentor


class Standby:
    """Sees the calls of all SDKs that are installed; its spans and metrics go nowhere.

    Of the settings of the environment prices hold; budgets, alerts and files do not, as nobody
    switched them on.

    Raises:
        ConfigurationError: a setting of the environment is wrong.
    """

    def __init__(self) -> None:
        settings = settings_of.read()
        self._names = checked_providers(None)
        self.costs = CostTracker(prices=prices_of(offline(settings.prices)), alerts=[])
        self.costs.prices.load().prepare(self._names)
        self.wiring = Wiring(
            tracers=Tracers(TracerProvider(shutdown_on_exit=False), VERSION),
            costs=self.costs,
            meters=Meters(NoOpMeterProvider(), VERSION, settings, None),
        )
        self._is_on = False

    def step_in(self) -> None:
        """Patch the SDKs."""
        if not self._is_on:
            Instrumentor().patches.apply(self._names)
            self._is_on = True

    def step_back(self) -> None:
        """Put the SDKs back as they were."""
        if self._is_on:
            Instrumentor().patches.remove()
            self._is_on = False
