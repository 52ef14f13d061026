"""Sends one run to every judge that is here, and tells what each read of it.

usage: python -m tests.judges

With `WRITE_DOCS=1` in the environment docs/judges.md is written, where both judges are here.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.judges.page import page
from tests.judges.trial import JUDGES, ROOT, Trial, environments, tried

PACKAGES = {"mlflow": "mlflow", "phoenix": "arize-phoenix"}


def main() -> int:
    """Exit status 0."""
    trials: dict[str, Trial] = {}
    for name in JUDGES:
        if name not in environments():
            print(f"skipped: {name} is not here", file=sys.stderr)
            continue
        with TemporaryDirectory() as folder, tried(name, Path(folder)) as trial:
            trials[f"{name} {_version(name)}"] = trial
    text = page(trials, f"{datetime.now(UTC):%Y-%m-%d}")
    print(text)
    if os.environ.get("WRITE_DOCS") == "1" and len(trials) == len(JUDGES):
        (ROOT / "docs" / "judges.md").write_text(text, encoding="utf-8")
    return 0


def _version(name: str) -> str:
    """What is installed in a judge's environment."""
    code = f"import importlib.metadata as m; print(m.version({PACKAGES[name]!r}))"
    python = environments()[name] / "bin" / "python"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
