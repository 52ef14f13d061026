"""The tables of what a process pays once: to begin, to make its first call, to hold streams."""

from __future__ import annotations

import json
import statistics
import sys

from tests.benchmarks.report import SUBJECTS
from tests.benchmarks.targets import Figure, table
from tests.benchmarks.turns import Unmeasured, output_of

PROCESSES = 5
"""How many processes a figure is taken from that a process can give only once."""


def startup() -> tuple[str, list[Figure]]:
    """Import, first use, switching on, and the first call."""
    runs = [json.loads(output_of(sys.executable, "startup", "sdk")) for _ in range(PROCESSES)]
    found = json.loads(output_of(sys.executable, "startup", "clean"))
    targets = {"import costspan": 15, "first use of Instrumentor": 100, "instrument()": 500}
    rows, figures = [], []
    for step, goal in targets.items():
        times = [run[step] for run in runs]
        both = f"{min(times):.1f} / {statistics.median(times):.1f}"
        rows.append([step, both, ", ".join(found[step]) or "none"])
        figures.append(Figure(step, statistics.median(times), goal, "ms"))
    figures.append(
        Figure(
            "sockets opened and SDKs imported by the three", sum(map(len, found.values())), 0, ""
        )
    )
    steps = table(("CPU ms, beside the app's own SDK imports", "ms", "sockets, SDKs"), rows)
    first, more = _first_call()
    return f"## Beginning\n\n{steps}\n\n{first}", [*figures, *more]


def _first_call() -> tuple[str, list[Figure]]:
    rows, figures = [], []
    with_us, bare = _first_and_tenth("first"), _first_and_tenth("first-bare")
    for name, (first, tenth) in with_us.items():
        bare_first, bare_tenth = bare[name]
        rows += [
            [name, f"{first:.2f}", f"{tenth:.2f}"],
            [f"{name}, switched off again", f"{bare_first:.2f}", f"{bare_tenth:.2f}"],
        ]
        more = (first - tenth) - (bare_first - bare_tenth)
        figures.append(Figure(f"{name}: first call above the tenth, for us", more, 1, "ms"))
    return table(("CPU ms, of an SDK in use", "first call", "tenth call"), rows), figures


def _first_and_tenth(mode: str) -> dict[str, tuple[float, float]]:
    """Milliseconds by SDK: the medians of some processes."""
    runs = [json.loads(output_of(sys.executable, "startup", mode)) for _ in range(PROCESSES)]
    return {
        name: (
            statistics.median(run[name][0] / 1e3 for run in runs),
            statistics.median(run[name][1] / 1e3 for run in runs),
        )
        for name in runs[0]
    }


def memory() -> tuple[str, list[Figure]]:
    """Open streams, and dropped ones."""
    recorded = output_of(sys.executable, "recorded")
    held = {
        subject: json.loads(output_of(sys.executable, "memory", "open", subject, given=recorded))
        for subject in ("bare", "span", "ours")
    }
    names = list(held["bare"])
    rows = [[SUBJECTS[s], *(f"{held[s][name]:.0f}" for name in names)] for s in held]
    figures = [
        Figure(f"{name}: an open stream above {base}", (held["ours"][name] - less) / 1024, 2, "KiB")
        for name in names
        for base, less in (
            ("the bare SDK", held["bare"][name]),
            ("a span made by hand", held["span"][name]),
        )
    ]
    text = table(("bytes of an open stream, first chunk read", *names), rows)
    dropped, more = _dropped()
    return f"## Memory\n\n{text}\n\n{dropped}", [*figures, *more]


def _dropped() -> tuple[str, list[Figure]]:
    left = {
        subject: json.loads(output_of(sys.executable, "memory", "dropped", subject))
        for subject in ("bare", "ours")
    }
    heads = ("10,000 streams dropped unread", "blocks left", "objects left", "threads", "spans")
    rows = [
        [
            SUBJECTS[s],
            found["blocks"],
            sum(found["objects"].values()),
            found["threads"],
            found["spans"],
        ]
        for s, found in left.items()
    ]
    if left["ours"]["spans"] != 10_000:
        raise Unmeasured(f"10,000 dropped streams made {left['ours']['spans']} spans")
    objects = sum(left["ours"]["objects"].values())
    figures = [Figure("objects left by 10,000 dropped streams", objects, 0, "")]
    # A hundredth of a block each: what is left is not of the streams.
    more = max(0, left["ours"]["blocks"] - left["bare"]["blocks"])
    figures.append(Figure("blocks left by 10,000 dropped streams, above bare", more, 100, ""))
    return table(heads, rows), figures
