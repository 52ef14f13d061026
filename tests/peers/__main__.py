"""Every peer, every release: plays them, judges them, prints the table.

usage: python -m tests.peers [--only ENVIRONMENT,...] [--workers N]

With `WRITE_DOCS=1` in the environment docs/peers.md is written, where nothing is wrong. The exit
status is 1 where anything that is ours to hold does not hold: see `required.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.peers import report
from tests.peers.environments import ENVIRONMENTS, ROOT, Unplayed, interpreter, played
from tests.peers.judge import verdicts_on
from tests.peers.required import faults
from tests.peers.together import TOGETHER, miscounts


def main() -> int:
    """Play, judge and print; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers")
    parser.add_argument("--only", default="", help="environments, separated by commas")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    only = set(filter(None, options.only.split(",")))
    environments = [name for name in ENVIRONMENTS if not only or name in only]
    with ThreadPoolExecutor(options.workers) as pool:
        plays, wrong = _alone(pool, environments)
        together, miscounted = _together(pool, environments)
    wrong += miscounted
    text = report.page(plays, together)
    print(text)
    if os.environ.get("WRITE_DOCS") == "1" and not only and not wrong:
        (ROOT / "docs" / "peers.md").write_text(text, encoding="utf-8")
    print("\n".join(f"- {one}" for one in wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


def _alone(
    pool: ThreadPoolExecutor, environments: Sequence[str]
) -> tuple[list[report.Played], list[str]]:
    """Every release by itself: what it gave, and what of it is wrong."""
    plays, wrong = [], []
    for environment, name, answer in _played(pool, ENVIRONMENTS, environments):
        if isinstance(answer, Unplayed):
            wrong.append(f"not played: {answer}")
            continue
        verdicts = verdicts_on(answer["calls"])
        plays.append(report.Played(name, answer["versions"], verdicts))
        wrong += [f"{environment}: {name}: {one}" for one in answer["faults"]]
        wrong += faults(name, environment, verdicts)
    return plays, wrong


def _together(
    pool: ThreadPoolExecutor, environments: Sequence[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Several at once: what was counted, and what of it is wrong."""
    rows, wrong = [], []
    for _, names, answer in _played(pool, TOGETHER, environments):
        if isinstance(answer, Unplayed):
            wrong.append(f"not played: {answer}")
            continue
        found = answer["faults"] + miscounts(names, answer["calls"])
        wrong += [f"{names}: {one}" for one in found]
        calls = len(answer["calls"])
        rows.append((names.replace("+", ", "), "; ".join(found) or f"{calls}, counted once"))
    return rows, wrong


def _played(
    pool: ThreadPoolExecutor, table: Mapping[str, Sequence[str]], environments: Sequence[str]
) -> Iterator[tuple[str, str, dict[str, Any] | Unplayed]]:
    """The answers to a table of what each environment is to play, in its order."""
    todo = [(place, names) for place in environments for names in table.get(place, ())]
    answers = pool.map(lambda one: _answer(*one), todo)
    return ((*one, answer) for one, answer in zip(todo, answers, strict=True))


def _answer(environment: str, names: str) -> dict[str, Any] | Unplayed:
    python = interpreter(environment)
    if python is None:
        return Unplayed(f"{environment} is not there: make env NAME={environment}")
    try:
        return played(python, names)
    except Unplayed as fault:
        return Unplayed(f"{environment}: {fault}")


if __name__ == "__main__":
    sys.exit(main())
