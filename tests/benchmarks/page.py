"""The page docs/overhead.md, which `WRITE_DOCS=1 make bench` writes."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "overhead.md"

_HEAD = """# What it takes of a program's time

A call of a language model takes a second; what costspan does for it takes the calling thread
about a tenth of a millisecond of CPU time. This page has the figures, beside those of a span that
an app makes by hand with the same attributes, of the Anthropic SDK's own span and of other
instrumentations, all with content off. It is written by `WRITE_DOCS=1 make bench`.

- us: microseconds of CPU time of the calling thread, of one call among 32 in a row, so that what is
  done once in many calls has its share; of the fastest such runs. Processes take turns on one
  processor, and each figure is the difference to the bare SDK in the same round, the median one of
  all rounds. Each round has processes of its own: where the memory of one happens to lie makes ten
  or twenty microseconds. Figures vary by machine; how they stand to each other varies less.
- costspan: the call priced, attributed and held against one budget, a span that goes to an
  exporter which drops it.
- The SDK's own work left out: the answer is ready-made, so that nothing but the observing is done.
  In a program the SDK works between two calls of costspan, and the processor's nearest caches hold
  little of costspan by then: most of the difference to a real call is that, and other
  instrumentations show the like. Compiled to machine code (by Cython, the 32 modules that a call
  goes through), costspan took half as much above the span made by hand there, and 1.7 times as much
  in a real call: machine code that the processor has not at hand is dearer than bytecode. So it is
  not compiled.
- Metrics: a call puts what it has for them in a row, and whoever collects records it in a thread of
  its own; what that takes is among the parts of a call. Where none collects, calls record it in
  turn, 32 at a time.

What no instrumentation can avoid is what the OpenTelemetry SDK takes for a span: compare with the
row of the span made by hand.
"""

_PACKAGES = ("openai", "anthropic", "opentelemetry-sdk")


def write(sections: Iterable[str]) -> None:
    """Write the page anew, of the sections that a run has printed."""
    PAGE.write_text(page(sections), "utf-8")


def page(sections: Iterable[str]) -> str:
    """The whole page."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    made = (
        f"Made on {day} with Python {platform.python_version()} on {os.cpu_count()} processors, "
        f"{packages}.\n"
    )
    return "\n".join([_HEAD, made, *(f"{_compact(one)}\n" for one in sections)])


def _compact(section: str) -> str:
    """A section with the fastest runs alone, its cells without the blanks that align them."""
    return "\n".join(map(_row, section.splitlines()))


def _row(line: str) -> str:
    if not line.startswith("|"):
        return line
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if all(set(cell) <= {"-", ":"} for cell in cells):
        return "|" + "|".join(["---", *["---:"] * (len(cells) - 1)]) + "|"
    return "| " + " | ".join(re.sub(r" / -?[\d.]+$", "", cell) for cell in cells) + " |"
