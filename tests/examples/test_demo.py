"""The demo: it runs, prints what the bill says, and fails where two books differ."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costspan.testing import LLMServer

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = """\
  code_reviewer       4      28,300       2,620   $0.175256
  test_writer         4      15,200       3,800   $0.069720
  docs_generator      4       7,700       1,650   $0.027134
  session            12      51,200       8,070   $0.272110
"""


def run_demo(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import demo_checks

    return demo_checks


@pytest.fixture
def books(checks: ModuleType) -> dict[str, Any]:
    """Two books that agree."""
    return {
        name: {
            "code_reviewer": checks.Sums(4, 28_300, 2_620, Decimal("0.175256"), 250.0),
            "all": checks.Sums(4, 28_300, 2_620, Decimal("0.1752560"), 250.0),
        }
        for name in ("spans", "file")
    }


def test_demo_prints_the_sums_of_the_bill(tmp_path: Path) -> None:
    """With the settings of a machine that would spoil it, which it forgets."""
    done = run_demo(tmp_path, OTEL_SDK_DISABLED="true", COSTSPAN_CAPTURE_CONTENT="nonsense")

    assert (done.stderr, done.returncode) == ("", 0)
    for row in TABLE.splitlines():
        assert row in done.stdout
    assert "12 arrived at the OTLP receiver" in done.stdout
    assert "alert  single call: claude-opus-4-5-20251101 of code_reviewer" in done.stdout
    assert "cost $0.078000 with a limit of $0.05, 9,600 tokens in, 1,200 out" in done.stdout
    assert "agree  table, session, spans, file, server's tally, bill by hand" in done.stdout
    story, _, reports = done.stdout.partition("  $ costspan report ")
    assert max(map(len, story.splitlines())) <= 80
    table = [" ".join(row.split()[:6]) for row in reports.splitlines()]
    assert "code_reviewer 4 0 28,300 2,620 29%" in table
    assert "total 12 0 51,200 8,070 31%" in table
    assert "logs/report.html: 12 calls, 0.27211 USD" in reports
    assert "for 12 calls</h1>" in (tmp_path / "logs" / "report.html").read_text("utf-8")

    readme = (EXAMPLES.parent / "README.md").read_text("utf-8")
    assert all(row in readme for row in TABLE.splitlines())

    files = list((tmp_path / "logs").glob("*.jsonl"))
    assert sum(len(path.read_text().splitlines()) for path in files) == 12
    assert all(f"logs/{path.name}" in done.stdout for path in files)


def test_real_run_compares_without_a_bill(tmp_path: Path) -> None:
    """The providers are stood for by the local server, which answers unscripted here."""
    with LLMServer() as server:
        done = run_demo(
            tmp_path,
            "--real",
            OPENAI_BASE_URL=server.openai_url,
            ANTHROPIC_BASE_URL=server.anthropic_url,
            OPENAI_API_KEY="k",
            ANTHROPIC_API_KEY="k",
        )
        total = server.tally.total()

    assert (done.stderr, done.returncode) == ("", 0)
    assert total.calls == 12
    assert f"{total.input_tokens:,}" in done.stdout.partition("session")[2].splitlines()[0]
    assert "agree  table, session, spans, file\n" in done.stdout


def test_real_run_needs_keys(tmp_path: Path) -> None:
    done = run_demo(tmp_path, "--real", OPENAI_API_KEY="", ANTHROPIC_API_KEY="k")

    assert done.returncode == 1
    assert done.stderr == "--real needs OPENAI_API_KEY and ANTHROPIC_API_KEY\n"


def test_books_that_agree_raise_no_fault(checks: ModuleType, books: dict[str, Any]) -> None:
    assert checks.differences(books) == []


@pytest.mark.parametrize(
    ("field", "wrong", "said"),
    [
        ("calls", 5, "calls: spans 5, file 4"),
        ("output_tokens", 2_621, "output_tokens: spans 2621, file 2620"),
        ("cost_usd", Decimal("0.175257"), "cost_usd: spans 0.175257, file 0.175256"),
        ("first_token_ms", 250.001, "first_token_ms: spans 250.001, file 250"),
    ],
)
def test_one_wrong_number_is_named(
    checks: ModuleType, books: dict[str, Any], field: str, wrong: Any, said: str
) -> None:
    row = books["spans"]["code_reviewer"]
    books["spans"]["code_reviewer"] = row._replace(**{field: wrong})

    assert checks.differences(books) == [f"code_reviewer, {said}"]


def test_span_and_line_of_one_call_must_agree(checks: ModuleType) -> None:
    """Two calls whose dollars were swapped have right sums and are found all the same."""
    spans = [span_of(checks, "a", 0.25), span_of(checks, "b", 0.5)]
    lines = [line_of("a", "0.5"), line_of("b", "0.25")]

    found = checks.call_differences(spans, lines)

    assert [sentence[:7] for sentence in found] == ["call a:", "call b:"]
    assert "call c" in checks.call_differences(spans, [*lines, line_of("c", "1")])[-1]


def test_span_and_line_of_one_call_agree_on_the_time(checks: ModuleType) -> None:
    lines = [line_of("a", "0.25")]

    assert checks.call_differences([span_of(checks, "a", 0.25)], lines) == []
    assert len(checks.call_differences([span_of(checks, "a", 0.25, 0.250001)], lines)) == 1


def test_alert_must_be_the_one_that_was_due(checks: ModuleType, books: dict[str, Any]) -> None:
    spans, lines = [span_of(checks, "a", 0.25)], [line_of("a", "0.25")]

    found = checks.check(books, spans, lines, alerts=[], alert_usd=Decimal("0.078"))

    assert found == ["one alert of 0.078 USD was due, sent were []"]


def test_a_run_that_wrote_nothing_is_a_fault(checks: ModuleType) -> None:
    assert checks.check({}, [], [], [], None) == ["no call was written to the file"]


def span_of(checks: ModuleType, key: str, usd: float, first_token: float = 0.25) -> Any:
    said = {
        "gen_ai.agent.name": "a",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
        "costspan.time_to_first_token": first_token,
        "costspan.cost.total": usd,
    }
    return checks.Span("chat m", key, said)


def line_of(key: str, usd: str) -> dict[str, Any]:
    return {
        "span_id": key,
        "agent": "a",
        "input_tokens": 10,
        "output_tokens": 2,
        "cost_usd": Decimal(usd),
        "time_to_first_token_ms": Decimal("250.0"),
    }
