"""The fixture `llm_calls`, fixtures that call, and code under test that instruments itself."""

from costspan.testing import LLMServer
from tests.testing.plugin.conftest import Run

pytest_plugins = "pytester"


def test_the_fixture_has_the_calls_of_its_test(run: Run) -> None:
    done = run(
        """
        from decimal import Decimal

        import pytest
        from app import ask, ask_claude, ask_quietly
        from costspan import BudgetExceeded, attribution, record_call

        @pytest.fixture
        def greeted():
            ask()
            yield
            ask()

        def test_calls(llm_calls, greeted):
            with attribution(agent="poet") as spent:
                ask_claude()
            ask()
            assert [(one.model, one.agent, one.input_tokens) for one in llm_calls.calls] == [
                ("gpt-5.2", None, 1000),
                ("claude-opus-4-5-20251101", "poet", 30),
                ("gpt-5.2", None, 1000),
            ]
            assert llm_calls.summary.cost_usd == Decimal("0.00895")
            assert spent.cost_usd == Decimal("0.00265")
            assert llm_calls.raised == []

        def test_the_next_starts_at_nothing(llm_calls):
            assert llm_calls.calls == [] and llm_calls.summary.calls == 0

        def test_asked_for_late(request):
            ask()
            llm_calls = request.getfixturevalue("llm_calls")
            ask()
            assert llm_calls.summary.calls == 1

        def test_recorded(llm_calls):
            with record_call(model="gpt-5.2", provider="openai") as call:
                call.set_usage(input_tokens=1000, output_tokens=100)
            assert llm_calls.summary.cost_usd == Decimal("0.00315")

        @pytest.mark.xfail
        @pytest.mark.llm_budget(calls=1)
        def test_raised(llm_calls):
            ask()
            ask_quietly()
            assert [one.budget for one in llm_calls.raised] == ["llm_budget(calls=1)"]
            assert llm_calls.summary.calls == 1 and len(llm_calls.calls) == 1
        """
    )

    done.assert_outcomes(passed=4, xfailed=1)
    done.stdout.fnmatch_lines(["0.012100      4 * test_it.py::test_calls"])


def test_fixtures_that_tests_share_are_counted_for_themselves(run: Run) -> None:
    """Else the first test to use one would fail, and another one in another order."""
    done = run(
        """
        import pytest
        import pytest_asyncio
        from app import ask

        @pytest.fixture(scope="module")
        def corpus():
            ask()
            ask()
            yield
            ask()

        @pytest_asyncio.fixture(scope="session", loop_scope="session")
        async def index():
            ask()
            yield
            ask()

        @pytest.mark.llm_budget(calls=1)
        async def test_first(corpus, index):
            ask()

        @pytest.mark.llm_budget(calls=1)
        def test_second(corpus, request):
            request.getfixturevalue("index")
            ask()

        @pytest.fixture
        def tidy():
            yield
            ask()
            ask()

        @pytest.mark.llm_budget(calls=1)
        def test_own_fixture(tidy):
            pass
        """
    )

    done.assert_outcomes(passed=3, errors=1)
    done.stdout.fnmatch_lines_random(
        [
            "*ERROR at teardown of test_own_fixture*",
            "0.009450      3 * module fixture corpus",
            "0.006300      2 * session fixture index",
            "0.003150      1 * test_it.py::test_first",
            "0.003150      1 * test_it.py::test_second",
            "0.003150      1 * test_it.py::test_own_fixture (1 refused)",
            "0.025200      8 * in all (1 refused)",
        ]
    )


def test_code_that_instruments_itself_keeps_its_tracker(run: Run) -> None:
    done = run(
        """
        import logging
        from decimal import Decimal

        import pytest
        from app import ask, ask_claude, ask_quietly
        from costspan import Budget, BudgetExceeded, CostTracker, Instrumentor, Prices, Rate
        from costspan.testing import capture

        @pytest.fixture(autouse=True)
        def off_again():
            yield
            Instrumentor().uninstrument()

        @pytest.mark.llm_budget(calls=2)
        def test_within_the_test(llm_calls, caplog):
            assert Instrumentor().costs is None
            assert not Instrumentor().is_instrumented_by_opentelemetry
            prices = Prices(overrides={"gpt-5.2": Rate(input=1, output=1)})
            costs = CostTracker(prices=prices)
            ask()
            Instrumentor().instrument(costs=costs)
            assert Instrumentor().costs is costs
            ask()
            paid = [one.cost_usd for one in llm_calls.calls]
            assert paid == [Decimal("0.00315"), Decimal("0.0011")]
            assert costs.summary().cost_usd == Decimal("0.0011")
            with pytest.raises(BudgetExceeded):
                ask()
            assert caplog.records == []

        @pytest.mark.llm_budget(calls=2)
        def test_budgets_of_the_app_are_the_apps(llm_calls):
            costs = CostTracker(budgets=[Budget("mine", calls=1, action="block")], alerts=[])
            Instrumentor().instrument(costs=costs)
            ask()
            with pytest.raises(BudgetExceeded, match="'mine'"):
                ask()
            assert llm_calls.summary.calls == 1 and llm_calls.raised == []
            Instrumentor().uninstrument()
            ask()  # what was reserved for the refused call was given back

        @pytest.mark.llm_budget(calls=3)
        def test_switching_off_does_not_escape(llm_calls):
            with capture() as seen:
                ask()
            assert seen.summary.calls == 1 and len(seen.spans) == 1
            ask()
            Instrumentor().instrument(providers=("openai",))
            ask()
            Instrumentor().uninstrument()
            assert llm_calls.summary.calls == 3
            ask_quietly()

        def test_without_prices(llm_calls):
            with capture() as seen:
                ask()
            spans = [dict(span.attributes) for span in seen.spans]
            with_costs = spans[0].keys()
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import SimpleSpanProcessor
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
            exporter = InMemorySpanExporter()
            provider = TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(SimpleSpanProcessor(exporter))
            Instrumentor().instrument(tracer_provider=provider, costs=None)
            ask()
            (span,) = exporter.get_finished_spans()
            assert not [name for name in span.attributes if "cost." in name]
            assert "costspan.cost.total" in with_costs
            assert llm_calls.summary.cost_usd == Decimal("0.0063")

        def test_unwatched():
            assert not Instrumentor().patches.patched()
        """
    )

    done.assert_outcomes(passed=3, failed=2)
    done.stdout.fnmatch_lines_random(
        [
            "budget 'llm_budget(calls=2)' allows 2 calls, 2 calls are spent*(and the code*",
            "budget 'llm_budget(calls=3)' allows 3 calls, 3 calls are spent*(and the code*",
            "FAILED test_it.py::test_within_the_test - *",
            "FAILED test_it.py::test_switching_off_does_not_escape - *",
        ]
    )


def test_a_suite_that_instruments_in_its_conftest(run: Run) -> None:
    done = run(
        """
        import pytest
        from app import ask
        from costspan import Instrumentor

        def test_unwatched(costs):
            ask()
            assert costs.summary().calls == 1
            assert Instrumentor().costs is costs

        def test_watched(costs, llm_calls):
            ask()
            assert costs.summary().calls == 2
            assert llm_calls.summary.calls == 1
            assert Instrumentor().costs is costs

        @pytest.mark.llm_budget(calls=1)
        def test_held(costs):
            ask()
            ask()

        def test_afterwards(costs):
            ask()
            assert costs.summary().calls == 5  # a refused call is in the app's sums, as an error
            assert costs.summary().errors == 1
        """,
        conftest="""
        import pytest
        from costspan import CostTracker, Instrumentor

        tracker = CostTracker()
        Instrumentor().instrument(costs=tracker)

        @pytest.fixture
        def costs():
            return tracker
        """,
    )

    done.assert_outcomes(passed=3, failed=1)


def test_who_does_not_use_it_does_not_notice(run: Run, server: LLMServer) -> None:
    done = run(
        """
        import sys
        from app import ask

        def test_plain(request):
            loaded = {name for name in sys.modules if name.split(".")[0] == "costspan"}
            assert loaded <= {
                "costspan",
                "costspan.testing",
                "costspan.testing.metering",
                "costspan.testing.metering.item_hooks",
                "costspan.testing.metering.run_hooks",
                "costspan.testing.metering.table",
                "costspan.testing.pytest_plugin",
            }
            ask()
            assert "opentelemetry.sdk" not in sys.modules and "wrapt" not in sys.modules
        """
    )

    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*language model*")
