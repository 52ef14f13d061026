"""The example of history that moves along runs as it stands, twice."""

import os
import subprocess
import sys
from pathlib import Path

from tests.report.replaying.standin import standing_in

EXAMPLE = Path(__file__).parents[2] / "examples" / "history_moves_along.py"


def run(folder: Path, endpoint: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        cwd=folder,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_EXPORTER": "none"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines()


def test_history_moves_along_once(tmp_path: Path) -> None:
    with standing_in() as there:
        first, second = run(tmp_path, there.url), run(tmp_path, there.url)

    # gpt-5.2: 20,200 x 1.75 + 1,010 x 14 and 1,500 x 1.75 + 75 x 14 millionths of a dollar
    sums = ["reviewer: 2 calls, 0.049490 USD", "planner: 1 calls, 0.003675 USD"]
    assert first == [
        "3 calls of 1 file: 3 new in sqlite:///calls.db, 0 known",
        "rollup by day, agent: 1 day summed up",
        *sums,
        "3 spans of 1 file sent in 1 request",
    ]
    assert second == [
        "3 calls of 1 file: 0 new in sqlite:///calls.db, 3 known",
        "rollup by day, agent: 0 days summed up",
        *sums,
        "0 spans of 1 file sent in 0 requests",
    ]
    assert [span.name for span in there.posts[0].spans] == ["chat gpt-5.2"] * 3
