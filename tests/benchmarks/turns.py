"""Measuring processes that take turns, so that all see the same weather on a shared machine."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Unmeasured(Exception):
    """A measurement could not be made; says which, and the last line of what the process wrote."""


class Spent(NamedTuple):
    """Microseconds: of the fastest round, and of the median one."""

    least: float
    median: float

    def __str__(self) -> str:
        return f"{self.least:.1f} / {self.median:.1f}"


def environment() -> dict[str, str]:
    """The caller's, without what would set up OpenTelemetry or costspan from outside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "COSTSPAN_"))}
    return {**kept, "PYTHONHASHSEED": "0"}


def output_of(python: str, module: str, *arguments: str) -> str:
    """What a process that measures by itself printed.

    Raises:
        Unmeasured: it failed.
    """
    command = [python, "-W", "ignore", "-m", f"tests.benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise Unmeasured(f"{module} {' '.join(arguments)}: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it ended"])[-1]


class Worker:
    """A process of `calls.py` with one subject on."""

    def __init__(self, python: str, subject: str, recorded: str) -> None:
        self.subject = subject
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-m", "tests.benchmarks.calls", subject],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._send(recorded.strip())

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def ask(self, question: str) -> float:
        """The process's answer.

        Raises:
            Unmeasured: it gave none.
        """
        self._send(question)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise Unmeasured(f"{self.subject}, {question}: {_last_line(self._last_words())}")
        return float(answer)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Unmeasured(f"{self.subject}: {_last_line(self._last_words())}") from None

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()


Rounds = dict[tuple[str, str], list[float]]
"""Microseconds by subject and case, one for each round."""


def take_turns(workers: Sequence[Worker], cases: Iterable[str], rounds: int) -> Rounds:
    """Ask every worker for every case in each round; every second round in the opposite order."""
    taken: Rounds = {}
    cases = list(cases)
    for number in range(rounds + 1):
        for case in cases:
            for worker in workers if number % 2 else reversed(workers):
                if worker.subject == "native" and not case.startswith("anthropic"):
                    continue
                spent = worker.ask(f"us:{case}")
                if number:  # the round before the first one warms up
                    taken.setdefault((worker.subject, case), []).append(spent)
    return taken


def above(taken: Rounds, subject: str, base: str, case: str) -> Spent | None:
    """How much more `subject` took than `base`; None where it was not measured.

    The median is that of the differences of each round.
    """
    mine, theirs = taken.get((subject, case)), taken.get((base, case))
    if mine is None or theirs is None:
        return None
    differences = [one - other for one, other in zip(mine, theirs, strict=True)]
    return Spent(min(mine) - min(theirs), statistics.median(differences))


def spent(taken: Rounds, subject: str, case: str) -> Spent:
    """How much `subject` took in all."""
    mine = taken[subject, case]
    return Spent(min(mine), statistics.median(mine))
