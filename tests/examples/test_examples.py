"""The short examples run as they stand, against a local server where they call a provider."""

import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from costspan.testing import LLMServer

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


def run_example(name: str, folder: Path, server: LLMServer, scenario: str) -> str:
    """What an example prints; `scenario` is what the server shall answer."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        env={
            **os.environ,
            "OPENAI_BASE_URL": server.openai_url,
            "OPENAI_API_KEY": "key",
            "OPENAI_CUSTOM_HEADERS": f"x-costspan-scenario: {scenario}",
            "ANTHROPIC_BASE_URL": server.anthropic_url,
            "ANTHROPIC_API_KEY": "key",
            "ANTHROPIC_CUSTOM_HEADERS": f"x-costspan-scenario: {scenario}",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


def lines_in(folder: Path) -> list[dict[str, object]]:
    paths = sorted((folder / "logs").glob("llm_trace_*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_quickstart_prints_the_answer_and_the_sums(tmp_path: Path, server: LLMServer) -> None:
    printed = run_example("quickstart.py", tmp_path, server, "tokens=1000/100")

    assert printed.startswith("The local model server answers")
    # gpt-5.2: 1,000 x 1.75 + 100 x 14 = 3,150 millionths of a dollar
    assert "cost_usd=Decimal('0.003150000000')" in printed
    assert [line["cost_usd"] for line in lines_in(tmp_path)] == [0.00315]


def test_budget_alert_tells_of_the_dear_call(tmp_path: Path, server: LLMServer) -> None:
    printed = run_example("budget_alert.py", tmp_path, server, "tokens=30/1500")

    # claude-opus-4-5: 30 x 5 + 1,500 x 25 = 37,650 millionths of a dollar
    assert printed.splitlines() == [
        "poet: claude-opus-4-5-20251101 cost $0.037650, limit $0.02",
        "1 call, $0.037650",
    ]


def test_budget_alert_is_silent_below_its_limit(tmp_path: Path, server: LLMServer) -> None:
    printed = run_example("budget_alert.py", tmp_path, server, "tokens=30/100")

    # 30 x 5 + 100 x 25 = 2,650
    assert printed == "1 call, $0.002650\n"


def test_record_call_prices_models_of_ones_own(tmp_path: Path, server: LLMServer) -> None:
    printed = run_example("record_call.py", tmp_path, server, "")
    tokens, seconds = printed.splitlines()

    # 12 x 0.10 + 80 x 0.40 = 33.2 millionths of a dollar
    assert tokens == "my-box: 92 tokens, $0.000033200"
    assert seconds.startswith("gpu-box: 18 tokens, $0.0000")
    paid = [(line["provider"], line["cost_usd"]) for line in lines_in(tmp_path)]
    assert paid[0] == ("my-box", 0.0000332)
    assert paid[1][0] == "gpu-box"
    assert paid[1][1] > 0


def test_foreign_spans_prices_the_calls_and_not_their_sum(
    tmp_path: Path, server: LLMServer
) -> None:
    printed = run_example("foreign_spans.py", tmp_path, server, "tokens=30/100")

    # claude-opus-4-5: 30 x 5 + 100 x 25 = 2,650 millionths of a dollar, twice
    assert printed.splitlines() == [
        "anthropic.messages.create: 130 tokens, 0.00265 dollars",
        "anthropic.messages.create: 130 tokens, 0.00265 dollars",
        "poet: 260 tokens, no dollars",
        "2 calls, $0.005300",
    ]


def test_files_without_collector_reads_and_verifies(tmp_path: Path, server: LLMServer) -> None:
    printed = run_example("files_without_collector.py", tmp_path, server, "tokens=1000/100")

    # gpt-5.2: 1,000 x 1.75 + 100 x 14 = 3,150 millionths of a dollar
    assert printed.splitlines() == [
        "poet: 1100 tokens, $0.00315",
        "6 lines, 2 writers, 2 files, 4 checkpoints: no findings",
    ]


def test_local_files_writes_a_user_as_a_hash(tmp_path: Path, server: LLMServer) -> None:
    digest = hmac.new(b"a key of your own, 32 bytes long", b"user:ann@example.org", "sha256")

    printed = run_example("local_files.py", tmp_path, server, "")

    # gpt-5.2: 1,000 x 1.75 + 100 x 14 = 3,150 millionths of a dollar
    assert printed == f"reviewer: $0.00315, user {digest.hexdigest()[:32]}\n"
