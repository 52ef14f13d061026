"""A whole run: --llm-budget-total, its workers, and the table at its end."""

import pytest

from costspan.testing import LLMServer
from tests.testing.plugin.conftest import Run

pytest_plugins = "pytester"

EVALS = """
    import pytest
    from app import ask, ask_quietly

    @pytest.mark.parametrize("case", range(8))
    def test_case(case):
        ask{}()
"""


@pytest.mark.parametrize(("workers", "most"), [("0", 3), ("2", 4)])
def test_calls_stop_when_the_run_has_spent_its_total(
    run: Run, server: LLMServer, workers: str, most: int
) -> None:
    """Two calls of 0.00315 leave room for a third, and three leave none for a fourth.

    More may pass of those that two workers make at once, as less was reserved than they took.
    """
    before = len(server.tally)

    done = run(EVALS.format(""), "--llm-budget-total", "0.0095", "-n", workers)

    made = len(server.tally) - before
    assert 3 <= made <= most
    done.assert_outcomes(passed=made, failed=8 - made)
    assert done.ret == 1
    usd = f"{made * 0.00315:.6f}"
    done.stdout.fnmatch_lines(
        [
            "E *BudgetExceeded: budget '--llm-budget-total 0.0095' allows 0.0095 USD, *",
            f"{usd}      {made}   {made * 1100:,}  in all ({8 - made} refused)",
            f"--llm-budget-total: {usd} of 0.0095 USD spent, {8 - made} calls refused: *",
        ]
    )


def test_a_run_within_its_total_passes(run: Run) -> None:
    done = run(EVALS.format(""), "--llm-budget-total=1", "--llm-budget-summary=2", "-n2")

    done.assert_outcomes(passed=8)
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "*= language model calls of the dearest tests =*",
            "     USD  calls  tokens",
            "0.003150      1   1,100  test_it.py::test_case[[]0]",
            "0.003150      1   1,100  test_it.py::test_case[[]1]",
            "0.025200      8   8,800  in all, 6 more not shown",
            "--llm-budget-total: 0.025200 of 1 USD spent",
        ]
    )


def test_refused_calls_fail_the_run_though_every_test_passes(
    run: Run, pytester: pytest.Pytester
) -> None:
    """A shared fixture that swallows the refusal belongs to no test."""
    ini = pytester.path / "tox.ini"
    ini.write_text(f"{ini.read_text()}\nllm_budget_total = 0.004\n")

    done = run(
        """
        import pytest
        from app import ask_quietly

        @pytest.fixture(scope="session")
        def corpus():
            for _ in range(5):
                ask_quietly()

        def test_it(corpus):
            pass
        """
    )

    done.assert_outcomes(passed=1)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        ["--llm-budget-total: 0.003150 of 0.004 USD spent, 4 calls refused: the run failed"]
    )


def test_async_calls_of_workers_share_the_total(run: Run, server: LLMServer) -> None:
    """Each reserves a little more than its 0.001435, of which three fit, however they fall."""
    before = len(server.tally)

    done = run(
        """
        import asyncio
        import pytest
        from app import ASKED
        from openai import AsyncOpenAI

        SMALL = {**ASKED, "extra_headers": {"x-costspan-scenario": "tokens=20/100"}}

        @pytest.mark.parametrize("case", range(2))
        async def test_case(case):
            async with AsyncOpenAI() as client:
                calls = [client.chat.completions.create(**SMALL) for _ in range(5)]
                await asyncio.gather(*calls, return_exceptions=True)
        """,
        "--llm-budget-total=0.005",
        "-n2",
    )

    assert done.ret == 1
    assert len(server.tally) - before == 3
    done.stdout.fnmatch_lines(
        ["--llm-budget-total: 0.004305 of 0.005 USD spent, 7 calls refused: the run failed"]
    )


def test_what_a_crashed_worker_spent_counts(run: Run) -> None:
    done = run(
        """
        import os
        from app import ask

        def test_it():
            ask()
            os._exit(3)
        """,
        "--llm-budget-total=0.004",
        "-n1",
    )

    done.stdout.fnmatch_lines(["--llm-budget-total: 0.003150 of 0.004 USD spent"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--llm-budget-total=lots"], "*usd='lots'*: the limit is a number of US dollars above 0"),
        (["--llm-budget-summary=few"], "*--llm-budget-summary few: give how many tests*"),
    ],
)
def test_a_wrong_option_says_what_is_right(run: Run, args: list[str], said: str) -> None:
    done = run("def test_nothing(): ...", *args)

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([said])


def test_a_wrong_setting_of_the_environment_stops_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTSPAN_CONFIG", "nowhere.toml")

    done = run("def test_nothing(): ...", "--llm-budget-total=1")

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: *nowhere.toml*"])


def test_the_table_says_what_has_no_price(run: Run) -> None:
    done = run(
        """
        import pytest
        from app import ask
        from costspan import record_call

        def unknown():
            with record_call(model="nobodys-model", provider="nobody") as call:
                call.set_usage(input_tokens=7, output_tokens=3)

        def test_dear():
            ask()

        def test_unpriced():
            unknown()

        def test_partly():
            unknown()
            ask()
            ask()

        def test_silent():
            pass
        """,
        "--llm-budget-summary=10",
    )

    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(
        [
            "     USD  calls  tokens",
            "0.006300      3   2,210  test_it.py::test_partly (1 unpriced)",
            "0.003150      1   1,100  test_it.py::test_dear",
            "       ?      1      10  test_it.py::test_unpriced (1 unpriced)",
            "0.009450      5   3,320  in all (2 unpriced)",
        ],
        consecutive=True,
    )


def test_the_table_can_be_left_out(run: Run) -> None:
    done = run(
        """
        from app import ask

        def test_it(llm_calls):
            ask()
        """,
        "--llm-budget-summary=off",
    )

    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*language model*")
