"""The names that users type, what they are, and what it costs to import them."""

import json
import pickle
import subprocess
import sys
from decimal import Decimal

import pytest

import costspan

NAMES = [
    "Alert",
    "Budget",
    "BudgetExceeded",
    "Call",
    "ConfigurationError",
    "Cost",
    "CostSpanProcessor",
    "CostTracker",
    "Instrumentor",
    "JsonlSpanExporter",
    "LocalFiles",
    "LogAlerts",
    "PagerDutyAlerts",
    "Prices",
    "Rate",
    "SlackAlerts",
    "Summary",
    "WebhookAlerts",
    "attribution",
    "price_of",
    "record_call",
]
"""The design's names."""


def test_exactly_these_names_are_exported():
    assert costspan.__all__ == NAMES
    assert dir(costspan) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there_and_says_what_it_is(name: str):
    found = getattr(costspan, name)
    assert found.__name__ == name
    assert found.__doc__
    assert found.__module__.startswith("costspan.")


@pytest.mark.parametrize("name", ["instrument", "__version__"])
def test_what_is_no_name_is_not_there(name: str):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(costspan, name)


def test_a_star_import_gives_the_names():
    found: dict = {}
    exec("from costspan import *", found)
    assert sorted(found.keys() - {"__builtins__"}) == NAMES


def after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    return set(json.loads(done.stdout))


def below(modules: set[str], name: str) -> set[str]:
    return {module for module in modules if module == name or module.startswith(f"{name}.")}


def test_importing_costspan_imports_next_to_nothing():
    loaded = after("import costspan") - after("")
    assert below(loaded, "costspan") == {"costspan"}
    assert {name.split(".")[0] for name in loaded} - sys.stdlib_module_names == {"costspan"}


SDKS = ("openai", "anthropic", "google.genai", "httpx")


def test_no_provider_sdk_is_imported_for_the_app():
    loaded = after("from costspan import *\nInstrumentor().instrument()")
    assert [name for name in SDKS if below(loaded, name)] == []


def test_prices_posting_and_the_sdk_of_opentelemetry_wait_until_they_are_needed():
    loaded = after("from costspan import Instrumentor; Instrumentor()")
    assert below(loaded, "genai_prices") == set()
    assert below(loaded, "opentelemetry.sdk") == set()
    assert below(loaded, "opentelemetry.exporter") == set()
    assert below(loaded, "costspan.alerts.post") == set()


def test_an_unpriced_name_needs_no_prices():
    loaded = after("from costspan import attribution, Budget, LogAlerts, LocalFiles")
    assert below(loaded, "genai_prices") == set()


def test_nothing_is_done_to_the_world_by_importing(tmp_path):
    """No thread, no file, no provider: importing every name is only that."""
    script = (
        "from costspan import *\n"
        "import os, threading\n"
        "from opentelemetry import metrics, trace\n"
        "assert threading.active_count() == 1\n"
        "assert os.listdir() == []\n"
        "assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)\n"
        "assert type(metrics.get_meter_provider()).__name__ == '_ProxyMeterProvider'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, timeout=60)


def test_a_summary_and_a_cost_travel_between_processes():
    summary = costspan.Summary(calls=1, cost_usd=Decimal("0.5"))
    cost = costspan.Cost(status="priced", total=1)
    assert pickle.loads(pickle.dumps([summary, cost])) == [summary, cost]
