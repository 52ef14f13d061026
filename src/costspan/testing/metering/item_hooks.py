"""The hooks around each test: its budgets, its account, and why it fails."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from costspan.testing.metering.run_hooks import KEY, RunHooks

if TYPE_CHECKING:
    from costspan.testing.metering.accounts import Account, Row

MARKER = "llm_budget"
FIXTURE = "llm_calls"


class LLMBudgetWarning(pytest.PytestWarning):
    """A test crossed a budget that has `action="warn"`."""


class ItemHooks:
    """Opens an account for each test that is watched, and holds the test to its budgets."""

    def __init__(self, runs: RunHooks) -> None:
        self._runs = runs
        self._accounts: dict[pytest.Item, Account] = {}
        self._rows: dict[pytest.Item, Row] = {}

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Open the test's account before its fixtures are set up."""
        wants = MARKER in item.keywords or FIXTURE in getattr(item, "fixturenames", ())
        if wants or self._runs.watches_all:
            self.account_of(item)
        return (yield from self._held(item))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that crossed its budget and went on."""
        return (yield from self._held(item))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Close the account after the test's own fixtures are torn down."""
        try:
            return (yield from self._held(item))
        finally:
            self._end(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Name the budget where another exception hides it, and send the sums along."""
        report = yield
        account = self._accounts.get(item)
        if account is not None and report.failed:
            hidden = [str(one) for one in account.raised if str(one) not in report.longreprtext]
            if hidden:
                report.sections.append((MARKER, "\n".join(hidden)))
        if call.when == "teardown":
            row = self._rows.pop(item, None)
            if row is not None:
                setattr(report, KEY, row)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Count for itself a fixture that many tests share, so that no test pays for being first.

        Finalizers run in the reverse of their order: what is added before the fixture's own ends
        its teardown, what is added after it begins it.
        """
        run = self._runs.run
        if run is None or fixturedef.scope == "function":
            return (yield)
        name = f"{fixturedef.scope} fixture {fixturedef.argname}"
        tearing_down = ExitStack()
        fixturedef.addfinalizer(tearing_down.close)
        try:
            with run.aside(name):
                return (yield)
        finally:
            fixturedef.addfinalizer(lambda: tearing_down.enter_context(run.aside(name)))

    def account_of(self, item: pytest.Item) -> Account:
        """The account of a test that is running; opened where it is not yet."""
        account = self._accounts.get(item)
        if account is None:
            from costspan.errors import ConfigurationError
            from costspan.testing.metering.limits import limits_of

            try:
                limits = limits_of(item.iter_markers(MARKER))
                run = self._runs.started()
            except ConfigurationError as fault:
                pytest.fail(str(fault), pytrace=False)
            run.on()
            account = self._accounts[item] = run.begin(item.nodeid, limits)
        return account

    def _held(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run a phase of a test; one that failed by itself has said why."""
        try:
            result = yield
        except BaseException:
            account = self._accounts.get(item)
            if account is not None:
                account.faults()
            raise
        account = self._accounts.get(item)
        if account is not None:
            for text in account.warnings():
                item.warn(LLMBudgetWarning(text))
            faults = account.faults()
            if faults:
                pytest.fail("\n".join(faults), pytrace=False)
        return result

    def _end(self, item: pytest.Item) -> None:
        account, run = self._accounts.pop(item, None), self._runs.run
        if account is None or run is None:
            return
        row = run.end(account)
        if row is not None:
            self._rows[item] = row
        if not self._runs.watches_all:
            run.off()
