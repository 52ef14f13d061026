"""A trial: a judge is started, a real program sends it a run, and it is asked what it read."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.judges import mlflow, phoenix
from tests.judges.seen import Verdict

JUDGES: dict[str, ModuleType] = {one.NAME: one for one in (mlflow, phoenix)}
Call = dict[str, Any]
Trial = tuple[dict[str, Any], Verdict]
"""What the program says that it sent, and what the judge says that it read."""

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0


@cache
def environments() -> dict[str, Path]:
    """The judges that are here: COSTSPAN_JUDGES is `name=folder`s, with spaces between."""
    told = os.environ.get("COSTSPAN_JUDGES", "").split()
    return {name: Path(folder) for name, _, folder in (one.partition("=") for one in told)}


@contextmanager
def tried(name: str, folder: Path) -> Iterator[Trial]:
    """What the program says that it sent, and what the judge says that it read."""
    judge = JUDGES[name]
    with judge.running(environments()[name], folder) as address:
        run = _sent(judge.variables(address))
        yield run, _awaited(judge, address, run)


def _sent(variables: dict[str, str]) -> dict[str, Any]:
    """Run the program with nothing but the judge's variables."""
    environ = {name: value for name, value in os.environ.items() if "OTEL_" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "tests.judges.program"],
        env={**environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _awaited(judge: ModuleType, address: str, run: dict[str, Any]) -> Verdict:
    """A judge works on what it got after it took it: it is asked until it has all."""
    deadline = time.monotonic() + PATIENCE
    count = len(run["calls"]) + 1
    while time.monotonic() < deadline:
        verdict: Verdict | None = judge.verdict(address, run["trace_id"], count)
        if verdict is not None:
            return verdict
        time.sleep(0.2)  # it says in no other way that it is done
    raise AssertionError(f"{judge.NAME} does not have all {count} spans after {PATIENCE:g} s")
