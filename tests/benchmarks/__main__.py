"""The benchmarks: what costspan costs, beside the bare SDKs, a span made by hand, and the peers.

usage: python -m tests.benchmarks [--rounds N] [--only PART,...]
parts: calls, peers, warm, warm-peers, parts, stores, spans, reports, startup, memory

Prints Markdown. Times are CPU time of the calling thread with garbage collection off, "fastest /
median" of several runs of many calls; processes take turns, and what is shown is the difference to
the bare SDK in the same round, the median one of all rounds. Beside its target stands the fastest.
Ratios count: absolute values vary by machine. With `WRITE_DOCS=1` in the environment
docs/overhead.md is written, where every part and every peer was measured. `COSTSPAN_BENCH_PEERS`
names the peers and their interpreters, `official=/path/python ...`; without it they are left out.

The exit status is 0 whatever was measured, 1 where something could not be measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable

from tests.benchmarks import once, page, report
from tests.benchmarks.targets import Figure, figures_table
from tests.benchmarks.turns import Unmeasured

Part = Callable[[int], tuple[str, list[Figure]]]

PARTS: dict[str, Part] = {
    "calls": report.calls,
    "peers": lambda rounds: report.peers(rounds, os.environ.get("COSTSPAN_BENCH_PEERS", "")),
    "warm": report.warm,
    "warm-peers": lambda rounds: report.warm_peers(
        rounds, os.environ.get("COSTSPAN_BENCH_PEERS", "")
    ),
    "parts": lambda rounds: report.parts(),
    "stores": lambda rounds: report.stores(),
    "spans": lambda rounds: report.spans(os.environ.get("COSTSPAN_BENCH_PEERS", "")),
    "reports": lambda rounds: report.reports(),
    "startup": lambda rounds: once.startup(),
    "memory": lambda rounds: once.memory(),
}


def main() -> int:
    """Measure and print; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    print(f"# costspan benchmarks\n\nPython {platform.python_version()}, {os.cpu_count()} CPUs.")
    figures: list[Figure] = []
    unmeasured: list[str] = []
    sections: list[str] = []
    for name in options.only.split(","):
        try:
            text, found = PARTS[name](options.rounds)
        except Unmeasured as fault:
            unmeasured.append(f"- not measured: {name}: {fault}")
            continue
        figures += found
        sections.append(text)
        print(f"\n{text}", flush=True)
    print(f"\n## Figures to reach\n\n{figures_table(figures)}")
    print("\n".join(["", *unmeasured]) if unmeasured else "", end="\n" if unmeasured else "")
    peers = os.environ.get("COSTSPAN_BENCH_PEERS", "").split()
    is_whole = len(sections) == len(PARTS) and len(peers) == len(report.PEERS)
    if os.environ.get("WRITE_DOCS") == "1" and is_whole:
        page.write(sections)
    return 1 if unmeasured else 0


if __name__ == "__main__":
    sys.exit(main())
