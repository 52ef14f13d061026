"""`costspan show`: one trace as a tree, with its tokens, dollars and seconds."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import Any

from costspan.errors import ConfigurationError
from costspan.report.layout import aligned
from costspan.report.moments import moment
from costspan.report.traces import drawn
from costspan.report.traces.finding import Found, find
from costspan.report.traces.tree import Tree, tree_of


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "show",
        help="print a trace as a tree: tokens, dollars, seconds",
        epilog="Exit code: 0; 1 where there is no such trace; 2 where it cannot be looked for.",
    )
    parser.add_argument("trace_id", metavar="TRACE_ID", help="or so many digits that it is one")
    parser.add_argument(
        "places",
        nargs="*",
        default=(),  # without it, argparse says that one is required
        metavar="FOLDER",
        help="folders or files (default: COSTSPAN_LOCAL)",
    )
    parser.add_argument("--since", metavar="WHEN", help="only files from then on: 7d, 2026-11-21")
    parser.add_argument("--until", metavar="WHEN", help="only files until then")
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where there is no such trace; 2 where it cannot be looked for."""
    places = given.places or [os.environ.get("COSTSPAN_LOCAL") or "logs"]
    try:
        found = find(
            given.trace_id, places, _day("--since", given.since), _day("--until", given.until)
        )
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    for place in found.unreadable:
        print(f"passed over: {place}", file=sys.stderr)
    if found.trace_id is None:
        print(f"no trace {given.trace_id} in {_files(found)}", file=sys.stderr)
        return 1
    tree = tree_of(found)
    if given.json:
        print(drawn.as_json(tree, found.files))
        return 0
    _show(tree)
    print(f"read {_files(found)}", file=sys.stderr)
    return 0


def _show(tree: Tree) -> None:
    if sys.stdout.isatty() and find_spec("rich") is not None:
        from costspan.report.traces import terminal

        terminal.show(tree)
        return
    for line in drawn.heading(tree):
        print(line)
    for line in aligned(drawn.columns(tree), "  "):
        print(line.rstrip())


def _files(found: Found) -> str:
    what = "file" if found.files_there == 1 else "files"
    return f"{found.files:,} of {found.files_there:,} {what}"


def _day(option: str, written: str | None) -> date | None:
    return None if written is None else moment(option, written, datetime.now(UTC)).date()
