"""An app in a process of its own, for what can be tried only once in a process."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PYTHON = (sys.executable, "-W", "error")


class Ran(NamedTuple):
    """What an app left: the JSON of its last line, and everything on stderr."""

    said: Any
    stderr: str


def run_app(source: str, *program: str, **variables: str) -> Ran:
    """Run a script to its end, which must be a good one; it prints JSON last.

    Args:
        source: the script; it can import from `tests`.
        program: what runs it; by default this Python with warnings as errors.
        variables: of its environment, which holds no other OTEL_* or COSTSPAN_*.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "COSTSPAN_"))}
    ended = subprocess.run(
        [*(program or PYTHON), "-c", textwrap.dedent(source)],
        env={**kept, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    return Ran(json.loads(lines[-1]) if lines else None, ended.stderr)
