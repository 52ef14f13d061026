"""`costspan tail`: calls as they are written, with running totals."""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from costspan.cli.amounts import count, dollars
from costspan.export.gaps import Gap
from costspan.export.reader import call_of
from costspan.export.schema import Line
from costspan.report.tailing.choosing import FIELDS, Choice, Chosen, latest
from costspan.report.tailing.following import Following
from costspan.report.tailing.printing import HEAD, note, row
from costspan.report.tailing.totals import Totals

_EVERY_SECONDS = 0.25
_CLEAR, _RED, _DIM, _PLAIN = "\r\x1b[K", "\x1b[31m", "\x1b[2m", "\x1b[0m"


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "tail",
        help="follow the calls of all processes as they are written",
        epilog="Ctrl-C ends it: the totals go to standard error, the exit code is 0.",
    )
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="of calls files (default: COSTSPAN_LOCAL)"
    )
    parser.add_argument(
        "-n", type=count, default=10, metavar="N", help="so many calls that are there already"
    )
    for word in FIELDS:
        parser.add_argument(f"--{word}", metavar="NAME", help=f"only of this {word}; * is anything")
    parser.add_argument("--min-usd", type=dollars, metavar="USD", help="only what costs as much")
    parser.add_argument("--errors", action="store_true", help="only what failed or was broken off")
    parser.add_argument("--json", action="store_true", help="the lines as they are in the files")
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0 at Ctrl-C; 1 where nobody reads any more; 2 where it cannot be followed."""
    if "://" in (given.folder or ""):
        print("tail follows a folder, and no URL", file=sys.stderr)
        return 2
    folder = Path(given.folder or os.environ.get("COSTSPAN_LOCAL") or "logs")
    if folder.exists() and not folder.is_dir():
        print(f"{folder} is no folder", file=sys.stderr)
        return 2
    names = {field: getattr(given, word) for word, field in FIELDS.items() if getattr(given, word)}
    try:
        tail = _Tail(folder, Choice(names, given.min_usd, given.errors), given.json)
        with suppress(KeyboardInterrupt):
            tail.begin(given.n)
            while tail.is_read:
                tail.look()
                time.sleep(_EVERY_SECONDS)
            return 1
    except PermissionError as fault:
        print(f"{folder} cannot be read: {fault.strerror}", file=sys.stderr)
        return 2
    tail.end()
    return 0


class _Tail:
    def __init__(self, folder: Path, choice: Choice, as_json: bool) -> None:
        self._folder = folder
        self._choice = choice
        self._as_json = as_json
        self._is_terminal = sys.stdout.isatty()
        is_plain = os.environ.get("TERM") == "dumb"
        self._has_status = self._is_terminal and sys.stderr.isatty() and not is_plain
        self._has_colours = self._is_terminal and not is_plain and not os.environ.get("NO_COLOR")
        self._following = Following(folder)
        self._totals = Totals(time.monotonic())

    def begin(self, count: int) -> None:
        """Print the head, and the last so many of the calls that are there already."""
        if not self._folder.exists():
            print(f"{self._folder} is not there yet: waiting for it", file=sys.stderr)
        if not self._as_json:
            print(self._coloured(HEAD, _DIM))
        for one in latest(self._following.began_at, self._choice, count):
            self._print(one)
        sys.stdout.flush()

    @property
    def is_read(self) -> bool:
        """Whether somebody reads what is printed: `head` may have had enough."""
        if self._is_terminal or not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLERR)
        return not poll.poll(0)

    def look(self) -> None:
        """Print what came since the last time."""
        if self._has_status:
            print(_CLEAR, end="", file=sys.stderr, flush=True)
        for text in self._following.lines():
            self._take(text)
        while self._following.faults:
            print(f"passed over: {self._following.faults.pop(0)}", file=sys.stderr)
        sys.stdout.flush()
        if self._has_status:
            line = self._totals.line(time.monotonic())
            print(self._coloured(line, _DIM), end="", file=sys.stderr, flush=True)

    def _take(self, text: bytes) -> None:
        found = call_of(text) if text.strip() else None
        if isinstance(found, Line):
            if self._choice.holds(found):
                self._totals.add(found, time.monotonic())
                self._print(Chosen(found, text))
        elif isinstance(found, Gap):
            self._totals.lost += found.lost
        elif found in ("torn", "foreign", "newer"):
            self._totals.broken += 1

    def _print(self, one: Chosen) -> None:
        if self._as_json:
            sys.stdout.buffer.write(one.text)
            return
        text = row(one.line)
        print(self._coloured(text, _RED) if note(one.line) else text)

    def _coloured(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._has_colours else text

    def end(self) -> None:
        """Print what came last, and say what it was in all."""
        with suppress(BrokenPipeError):  # Ctrl-C went to the reader as well
            self.look()
        self._following.close()
        start = _CLEAR if self._has_status else ""
        print(f"{start}{self._totals.ending(time.monotonic())}", file=sys.stderr)
