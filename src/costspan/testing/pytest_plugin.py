"""The pytest plugin: budgets of tests, the calls of a test as a fixture, a table of the dearest.

pytest loads it in every run where costspan is installed. So nothing is imported here that pytest
has not, before a marker, the fixture or an option asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from costspan.testing.metering.item_hooks import MARKER, ItemHooks, LLMBudgetWarning
from costspan.testing.metering.run_hooks import RunHooks

if TYPE_CHECKING:
    from costspan.testing.metering.accounts import LLMCalls

__all__ = ["LLMBudgetWarning"]

_TESTS = "costspan-tests"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("costspan", "calls of language models")
    group.addoption(
        "--llm-budget-total",
        metavar="USD",
        help="stop calls when the whole run, all its workers together, has spent so many US "
        "dollars; the run fails then",
    )
    group.addoption(
        "--llm-budget-summary",
        metavar="N",
        help="watch the calls of all tests and show the N dearest at the end; by default the 10 "
        "dearest of the tests that are watched anyhow; 'off' shows none",
    )
    parser.addini("llm_budget_total", "as --llm-budget-total", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and the hooks."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(usd=None, tokens=None, calls=None, action='block'): what the language model "
        "calls of the test may take; beyond, the test fails",
    )
    runs = RunHooks(config)
    config.pluginmanager.register(runs, "costspan-run")
    config.pluginmanager.register(ItemHooks(runs), _TESTS)


@pytest.fixture
def llm_calls(request: pytest.FixtureRequest) -> LLMCalls:
    """The language model calls of this test: `.calls`, `.summary` and `.raised`."""
    from costspan.testing.metering.accounts import LLMCalls

    hooks = request.config.pluginmanager.get_plugin(_TESTS)
    assert isinstance(hooks, ItemHooks)
    return LLMCalls(hooks.account_of(request.node))
