"""Measuring processes that take turns, so that all see the same weather on a shared machine.

Each round has processes of its own, with another hash seed: where the memory of a process happens
to lie makes ten or twenty microseconds of a call, all its life.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Unmeasured(Exception):
    """A measurement could not be made; says which, and the last line of what the process wrote."""


class Spent(NamedTuple):
    """Microseconds: of the fastest runs, and of the median ones."""

    least: float
    median: float

    def __str__(self) -> str:
        return f"{self.least:.1f} / {self.median:.1f}"


def environment(hash_seed: int = 0) -> dict[str, str]:
    """The caller's, without what would set up OpenTelemetry or costspan from outside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "COSTSPAN_"))}
    # An installed package comes with its bytecode: ours may be written, and is, by the first run.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONHASHSEED": str(hash_seed)}


def output_of(python: str, module: str, *arguments: str, given: str = "") -> str:
    """What a process that measures by itself printed; `given` is its standard input.

    Raises:
        Unmeasured: it failed.
    """
    command = [python, "-W", "ignore", "-m", f"tests.benchmarks.{module}", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), input=given, capture_output=True, text=True
    )
    if done.returncode:
        raise Unmeasured(f"{module} {' '.join(arguments)}: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it ended"])[-1]


class Worker:
    """A process of `calls.py` with one subject on; `how` are its further arguments."""

    def __init__(
        self, python: str, subject: str, recorded: str, *how: str, hash_seed: int = 0
    ) -> None:
        self.subject = subject
        command = [python, "-W", "ignore", "-m", "tests.benchmarks.calls", subject, *how]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(hash_seed),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                text=True,
            )
        except OSError as fault:
            raise Unmeasured(f"{subject}: {fault}") from None
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

    def ask(self, question: str) -> list[float]:
        """The numbers that the process answers.

        Raises:
            Unmeasured: it gave none.
        """
        self._send(question)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise Unmeasured(f"{self.subject}, {question}: {_last_line(self._last_words())}")
        return [float(number) for number in answer.split()]

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


Rounds = dict[tuple[str, str], list[Spent]]
"""What a call took, by subject and case, once for each round."""


def measured(
    python: str,
    subjects: Sequence[str],
    cases: Sequence[str],
    rounds: int,
    recorded: str,
    *how: str,
) -> Rounds:
    """What a call of each case takes with each subject on, in each of so many rounds.

    Raises:
        Unmeasured: a process could not be started, or its subject does not do what it should.
    """
    taken: Rounds = {}
    for number in range(rounds):
        with ExitStack() as stack:
            workers = [
                stack.enter_context(Worker(python, one, recorded, *how, hash_seed=number))
                for one in (subjects if number % 2 else reversed(subjects))
            ]
            for worker in workers:
                _check(worker)
            _take_turns(workers, cases, taken)
    return taken


def _check(worker: Worker) -> None:
    (spans,) = worker.ask("spans:anthropic")
    if (spans == 0) != (worker.subject == "bare"):
        raise Unmeasured(f"{worker.subject}: one call made {spans:g} spans")


def _take_turns(workers: Iterable[Worker], cases: Iterable[str], taken: Rounds) -> None:
    for case in cases:
        for worker in workers:
            if _is_asked(worker.subject, case):
                answer = Spent(*worker.ask(f"us:{case}"))
                taken.setdefault((worker.subject, case), []).append(answer)


def _is_asked(subject: str, case: str) -> bool:
    return subject != "native" or case.startswith("anthropic")  # it is that SDK's own


def above(taken: Rounds, subject: str, base: str, case: str) -> Spent | None:
    """How much more `subject` took than `base`; None where it was not measured.

    Rounds are compared with themselves, as a shared machine is faster at one time than at another:
    each gives the difference of its fastest runs and of its median ones. Of these the median holds.
    """
    mine, theirs = taken.get((subject, case)), taken.get((base, case))
    if mine is None or theirs is None:
        return None
    pairs = list(zip(mine, theirs, strict=True))
    return Spent(
        statistics.median(one.least - other.least for one, other in pairs),
        statistics.median(one.median - other.median for one, other in pairs),
    )


def spent(taken: Rounds, subject: str, case: str) -> Spent:
    """How much `subject` took in all."""
    mine = taken[subject, case]
    return Spent(min(one.least for one in mine), statistics.median(one.median for one in mine))
