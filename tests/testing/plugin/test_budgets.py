"""@pytest.mark.llm_budget: what stops a test's calls, and why it fails."""

from costspan.testing import LLMServer
from tests.testing.plugin.conftest import Run

pytest_plugins = "pytester"


def test_a_call_beyond_the_budget_is_not_made_and_the_test_fails(
    run: Run, server: LLMServer
) -> None:
    before = len(server.tally)

    done = run(
        """
        import pytest
        from app import ask, ask_claude, ask_quietly

        @pytest.mark.llm_budget(calls=2)
        def test_raised():
            for _ in range(3):
                ask()

        @pytest.mark.llm_budget(calls=2)
        def test_swallowed():
            for _ in range(3):
                ask_quietly()

        @pytest.mark.llm_budget(usd=0.001)
        def test_hidden():
            try:
                ask()
            except Exception:
                raise RuntimeError("the app's own") from None

        @pytest.mark.llm_budget(tokens=2300)
        def test_tokens():
            ask()
            ask()
            ask()

        @pytest.mark.llm_budget(calls=0)
        def test_no_calls_at_all():
            ask()

        @pytest.mark.llm_budget(usd=0.02, calls=2, tokens=5000)
        def test_both_providers(llm_calls):
            ask()
            ask_claude()
            assert str(llm_calls.summary.cost_usd) == "0.005800000000"

        def test_without_a_budget():
            ask()
        """
    )

    done.assert_outcomes(failed=5, passed=2)
    assert len(server.tally) - before == 2 + 2 + 0 + 2 + 0 + 2 + 1
    refusal = "allows 2 calls, 2 calls are spent; this call was not made"
    done.stdout.fnmatch_lines(
        [
            f"E *BudgetExceeded: budget 'llm_budget(calls=2)' {refusal}*",
            f"budget 'llm_budget(calls=2)' {refusal}*(and the code under test went on)",
            "E *RuntimeError: the app's own",
            "*- llm_budget -*",
            "budget 'llm_budget(usd=0.001)' allows 0.001 USD, 0 USD are spent; this call was not*",
            "E *BudgetExceeded: budget 'llm_budget(tokens=2300)' allows 2,300 tokens, 2,200 tok*",
            "E *BudgetExceeded: budget 'llm_budget(calls=0)' allows no calls; this call was not*",
        ]
    )


def test_raise_takes_the_answer_away_and_warn_only_says_it(run: Run) -> None:
    done = run(
        """
        import pytest
        from app import ask, ask_quietly

        @pytest.mark.llm_budget(usd=0.0035, action="raise")
        def test_raised():
            ask()
            ask()

        @pytest.mark.llm_budget(usd=0.0035, action="raise")
        def test_swallowed():
            ask()
            ask_quietly()

        @pytest.mark.filterwarnings("default")
        @pytest.mark.llm_budget(calls=1, action="warn")
        def test_warned():
            ask()
            ask()

        @pytest.mark.llm_budget(calls=2, action="warn")
        def test_not_warned():
            ask()
            ask()
        """
    )

    done.assert_outcomes(failed=2, passed=2, warnings=1)
    done.stdout.fnmatch_lines(
        [
            "E *budget 'llm_budget(usd=0.0035)' allows 0.0035 USD: with this call 0.0063 USD are*",
            "budget 'llm_budget(usd=0.0035)'*(and the code under test went on)",
            "*LLMBudgetWarning: budget 'llm_budget(calls=1)' is crossed: 2 calls were spent",
        ]
    )


def test_a_call_that_was_dearer_than_reserved_fails_the_test_at_its_end(run: Run) -> None:
    """Without a limit of its own the call is expected to put out 1,000 tokens at most."""
    done = run(
        """
        import pytest
        from openai import OpenAI

        @pytest.mark.llm_budget(usd=0.02)
        def test_dear():
            with OpenAI() as client:
                client.responses.create(
                    model="gpt-5.2",
                    input="hi",
                    extra_headers={"x-costspan-scenario": "tokens=1000/2000"},
                )
        """
    )

    done.assert_outcomes(failed=1)
    # 1,000 x 1.75 + 2,000 x 14
    done.stdout.fnmatch_lines(["budget 'llm_budget(usd=0.02)' is crossed: 0.02975 USD were spent"])


def test_the_nearest_marker_sets_each_limit(run: Run) -> None:
    done = run(
        """
        import pytest
        from app import ask

        pytestmark = pytest.mark.llm_budget(calls=1, usd=1)

        def test_module():
            ask()
            ask()

        @pytest.mark.llm_budget(calls=2)
        class TestClass:
            def test_class(self):
                ask()
                ask()

            @pytest.mark.llm_budget(calls=3)
            @pytest.mark.parametrize("times", [3, 4])
            def test_each_has_its_own(self, times):
                for _ in range(times):
                    ask()

            @pytest.mark.llm_budget(usd=0.001)
            def test_another_limit(self):
                ask()

            @pytest.mark.llm_budget(calls=None)
            def test_lifted(self):
                for _ in range(3):
                    ask()
        """,
        "-rA",
    )

    done.assert_outcomes(failed=3, passed=3)
    done.stdout.fnmatch_lines_random(
        [
            "FAILED test_it.py::test_module - *",
            "PASSED test_it.py::TestClass::test_class",
            "PASSED test_it.py::TestClass::test_each_has_its_own[[]3]",
            "FAILED test_it.py::TestClass::test_each_has_its_own[[]4] - *",
            "FAILED test_it.py::TestClass::test_another_limit - *",
            "PASSED test_it.py::TestClass::test_lifted",
            "E *budget 'llm_budget(usd=0.001)' allows 0.001 USD, 0 USD*",
        ]
    )


def test_async_tests_threads_and_streams_are_held_too(run: Run) -> None:
    done = run(
        """
        import asyncio
        import threading
        from concurrent.futures import ThreadPoolExecutor

        import pytest
        from app import ASKED, ask, ask_async, ask_quietly
        from openai import OpenAI

        @pytest.mark.llm_budget(calls=2)
        async def test_asyncio():
            await asyncio.gather(*(ask_async() for _ in range(3)))

        @pytest.mark.llm_budget(calls=1)
        async def test_task_nobody_awaits():
            tasks = {asyncio.create_task(ask_async()) for _ in range(2)}
            await asyncio.wait(tasks)
            assert sum(task.exception() is not None for task in tasks) == 1

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        @pytest.mark.llm_budget(calls=1)
        async def test_anyio(anyio_backend):
            await ask_async()
            await ask_async()

        @pytest.mark.llm_budget(calls=2)
        def test_threads(llm_calls):
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda _: ask_quietly(), range(3)))
            assert llm_calls.summary.calls == 2

        @pytest.mark.llm_budget(calls=1)
        def test_plain_thread(llm_calls):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            assert llm_calls.summary.calls == 1

        def test_dropped_stream(llm_calls):
            with OpenAI() as client:
                chunks = iter(client.chat.completions.create(**ASKED, stream=True))
                next(chunks)
                del chunks
            assert llm_calls.summary.calls == 1

        def test_read_stream(llm_calls):
            with OpenAI() as client:
                usage = {"include_usage": True}
                list(client.chat.completions.create(**ASKED, stream=True, stream_options=usage))
            assert str(llm_calls.summary.cost_usd) == "0.003150000000"
        """
    )

    done.assert_outcomes(failed=4, passed=3)
    done.stdout.fnmatch_lines_random(
        [
            f"FAILED test_it.py::{name} - *"
            for name in (
                "test_asyncio",
                "test_task_nobody_awaits",
                "test_anyio[[]asyncio]",
                "test_threads",
            )
        ]
    )


def test_a_wrong_marker_says_what_is_right(run: Run) -> None:
    done = run(
        """
        import pytest

        @pytest.mark.llm_budget(0.05)
        def test_unnamed(): ...

        @pytest.mark.llm_budget(dollars=1)
        def test_unknown(): ...

        @pytest.mark.llm_budget(action="warn")
        def test_no_limit(): ...

        @pytest.mark.llm_budget(usd=-1)
        def test_negative(): ...

        @pytest.mark.llm_budget(calls=1, action="stop")
        def test_action(): ...
        """
    )

    done.assert_outcomes(errors=5)
    done.stdout.fnmatch_lines(
        [
            "@pytest.mark.llm_budget(0.05): name the limits, such as llm_budget(usd=0.05, *",
            "@pytest.mark.llm_budget(dollars): name the limits*",
            "@pytest.mark.llm_budget(): name the limits*",
            "*usd=-1*: the limit is a number of US dollars above 0",
            "@pytest.mark.llm_budget(action='stop'): use 'block', 'raise' or 'warn'",
        ]
    )
