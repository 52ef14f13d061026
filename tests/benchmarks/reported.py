"""`costspan report` over many calls, beside jq.

usage: python -m tests.benchmarks.reported [calls]    prints JSON: by subject, of each run
[seconds, CPU seconds, MiB at most], and how many bytes the files have

Lines are as costspan writes them, and lean ones of about 410 bytes, as an older or another writer
leaves them: what a report needs, who called, and what was counted. Each run is a whole process. jq,
where it is installed, only sums dollars by agent, line by line: all in one array would take
gigabytes.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

CALLS = 1_000_000
DAYS = 7
DISTINCT = 5_000
RUNS = 3
_AGENTS = ("reviewer", "planner", "summarizer", "support", "triage", None)
_MODELS = {"gpt-4o": "openai", "gpt-4o-mini": "openai", "claude-sonnet-4-5": "anthropic"}
_START = 1_795_046_400 * 10**9
"""2026-11-19T00:00:00Z in nanoseconds."""

_LEAN = frozenset(
    (
        *("schema", "timestamp", "provider", "operation", "model", "agent", "session_id"),
        *("latency_ms", "time_to_first_token_ms", "runtime_seconds", "error", "outcome"),
        *("input_tokens", "output_tokens", "cached_tokens", "cost_usd", "status"),
        *("trace_id", "span_id"),
    )
)
"""The fields of a lean line, where they are not null."""

_OWN = re.compile(rb'(?<="timestamp":")[^"]*|(?<="trace_id":")[^"]*|(?<="span_id":")[^"]*')
"""What a line has for itself, in the order of its fields."""

_JQ = 'reduce inputs as $line ({}; .[$line.agent // "-"] += ($line.cost_usd // 0))'


def _lines() -> list[bytes]:
    """Different lines of calls, as costspan writes them. Ids, which nothing sums, come back."""
    from costspan import Prices
    from costspan.call import Call, Request, Response, Usage
    from costspan.export.schema import encoded

    prices, found = Prices(), []
    for n in range(DISTINCT):
        model = list(_MODELS)[n % 3]
        seconds = 0.3 + (n * 7919 % DISTINCT) / 1000
        call = Call(
            request=Request(
                provider=_MODELS[model], operation="chat", model=model, stream=n % 2 == 0,
                server_address="api.example.com", server_port=443,
            ),
            response=Response(
                model=model, id=f"chatcmpl-{n:029x}", finish_reasons=("stop",),
                usage=Usage(input_tokens=100 + n * 31 % 8000, output_tokens=10 + n * 17 % 1500,
                            cache_read_tokens=50 * (n % 2)),
            ),
            agent=_AGENTS[n % len(_AGENTS)], session=f"ticket-{n % 2000}", user=f"u{n % 100}",
            endpoint="/review", tags={"team": f"t{n % 5}"},
            started_at=_START, ended_at=_START, runtime_seconds=seconds,
            time_to_first_token=seconds / 4 if n % 2 == 0 else None,
            error="openai.APIError" if n % 100 == 0 else None,
            http_status=200, request_id=f"req_{n:024x}",
            trace_id=n + 2**127, span_id=n + 2**63,
        )  # fmt: skip
        found.append(encoded(call, prices.cost(call)))
    return found


def _lean(line: bytes) -> bytes:
    told = json.loads(line)
    kept = {name: told[name] for name in told if name in _LEAN and told[name] is not None}
    return json.dumps(kept, separators=(",", ":")).encode() + b"\n"


def written(
    folder: Path, calls: int, *, lean: bool = False, is_each_its_own: bool = False
) -> list[Path]:
    """A week of files of so many calls, in a folder that is made.

    Args:
        is_each_its_own: each call has ids and a moment of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines, paths = list(map(_lean, _lines())) if lean else _lines(), []
    for day in range(DAYS):
        path = folder / f"llm_trace_2026-11-{19 + day}.jsonl"
        count = calls * (day + 1) // DAYS - calls * day // DAYS
        with path.open("wb") as file:
            file.writelines(_own(lines, day, count) if is_each_its_own else _same(lines, count))
        paths.append(path)
    return paths


def _same(lines: list[bytes], count: int) -> Iterator[bytes]:
    whole, rest = divmod(count, len(lines))
    block = b"".join(lines)
    yield from (block for _ in range(whole))
    yield from lines[:rest]


def _own(lines: list[bytes], day: int, count: int) -> Iterator[bytes]:
    """Lines of one day, at even distances from midnight to midnight; three calls are a trace."""
    pieces = [_OWN.split(line) for line in lines]
    for number in range(count):
        before, middle, between, after = pieces[number % len(lines)]
        micros = 86_400_000_000 * number // count
        seconds = micros // 1_000_000
        own = (19 + day) << 40 | number
        yield (
            b"%b2026-11-%dT%02d:%02d:%02d.%06dZ%b%032x%b%016x%b"
            % (before, 19 + day, seconds // 3600, seconds // 60 % 60, seconds % 60,
               micros % 1_000_000, middle, (19 + day) << 100 | number // 3, between, own, after)
        )  # fmt: skip


def _run(command: list[str]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and MiB at most of a process that must end well."""
    start = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    program = shutil.which(command[0]) or command[0]
    process = os.posix_spawn(program, command, os.environ, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{command[0]} ended with status {status}")
    seconds = time.perf_counter() - start
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _subjects(folder: Path, calls: int) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The commands by name, and the bytes of each kind of files."""
    costspan = [sys.executable, "-m", "costspan.cli"]
    report = [*costspan, "report", "--by", "agent"]
    subjects: dict[str, list[str]] = {}
    sizes = {}
    for kind in ("lean", "full"):
        plain, packed = folder / kind, folder / f"{kind} packed"
        paths = written(plain, calls, lean=kind == "lean")
        packed.mkdir()
        for path in paths:
            packed.joinpath(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 6))
        sizes[kind] = sum(path.stat().st_size for path in paths)
        subjects |= {kind: [*report, str(plain)], f"{kind} gzip": [*report, str(packed)]}
        if shutil.which("jq") is not None:
            subjects[f"{kind} jq"] = ["jq", "-n", "-c", _JQ, *map(str, paths)]
    subjects["as if"] = [*report, str(folder / "full"), "--as-if", "gpt-5-mini"]
    subjects["waste"] = [*costspan, "waste", "--by", "agent", str(folder / "full")]
    return subjects, sizes


def main() -> None:
    """Measure, the subjects in turns."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: what this one has held is reckoned to those that it starts.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            subjects, sizes = pool.submit(_subjects, Path(folder), calls).result()
        taken: dict[str, list[Any]] = {name: [] for name in subjects}
        for turn in range(RUNS):
            for name, command in subjects.items():
                if "jq" not in name or turn == 0:  # half a minute each
                    taken[name].append(_run(command))
    print(json.dumps({"calls": calls, "bytes": sizes, **taken}))


if __name__ == "__main__":
    main()
