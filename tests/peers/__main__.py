"""Every peer, every release: plays them, judges them, prints the table.

usage: python -m tests.peers [--only NAME,...]

With `WRITE_DOCS=1` in the environment docs/peers.md is written. The exit status is 1 where anything
that is ours to hold does not hold: see `required.py`.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.peers import report
from tests.peers.environments import ENVIRONMENTS, ROOT, Unplayed, interpreter, played
from tests.peers.judge import judged
from tests.peers.play import OURS
from tests.peers.required import faults
from tests.peers.together import TOGETHER, miscounted


def main() -> int:
    """Play, judge and print; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers")
    parser.add_argument("--only", default="", help="environments, separated by commas")
    only = set(filter(None, parser.parse_args().only.split(",")))
    environments = [name for name in ENVIRONMENTS if not only or name in only]
    wrong: list[str] = []
    plays = _alone(environments, wrong)
    together = _together(environments, wrong)
    text = report.page(plays, together)
    print(text)
    if os.environ.get("WRITE_DOCS") == "1" and not only:
        (ROOT / "docs" / "peers.md").write_text(text, encoding="utf-8")
    print("\n".join(f"- {one}" for one in wrong), file=sys.stderr)
    return 1 if wrong else 0


def _alone(environments: list[str], wrong: list[str]) -> list[report.Played]:
    plays = []
    for environment in environments:
        for name in ENVIRONMENTS[environment]:
            answer = _played(environment, name, wrong)
            if answer is not None:
                verdicts = {call["surface"]: judged(call) for call in answer["calls"]}
                plays.append(report.Played(name, answer["versions"], verdicts))
                wrong += faults(name, environment, verdicts)
    return plays


def _together(environments: list[str], wrong: list[str]) -> list[tuple[str, str]]:
    rows = []
    for environment in environments:
        for names in TOGETHER.get(environment, ()):
            answer = _played(environment, names, wrong)
            if answer is None:
                continue
            ours = OURS in names.split("+")
            found = [m for call in answer["calls"] if (m := miscounted(call, ours=ours))]
            wrong += [f"{names}: {one}" for one in found]
            calls = len(answer["calls"])
            rows.append((names.replace("+", ", "), "; ".join(found) or f"{calls}, counted once"))
    return rows


def _played(environment: str, names: str, wrong: list[str]) -> dict | None:
    python = interpreter(environment)
    try:
        if python is None:
            raise Unplayed(f"{environment} is not there: make env NAME={environment}")
        return played(python, names)
    except Unplayed as fault:
        wrong.append(f"not played: {environment}: {fault}")
        return None


if __name__ == "__main__":
    sys.exit(main())
