"""`costspan load`: the calls files into a database, each line once."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from costspan.cli.passed_over import many, told
from costspan.cli.progress import Progress
from costspan.errors import ConfigurationError
from costspan.report.databases.address import Address, address
from costspan.report.databases.loading import Loaded, load
from costspan.report.databases.rollups import Rollup, rollup


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "load",
        help="load calls files into SQLite or PostgreSQL, each line once",
        epilog="Exit code: 0; 2 where it cannot be loaded.",
    )
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="folders or files")
    parser.add_argument(
        "--into", required=True, metavar="URL", help="sqlite:///calls.db, postgresql://user@host/db"
    )
    parser.add_argument(
        "--rollup", metavar="UNIT", help="keep sums by day or hour, from now on at every load"
    )
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="WORD,...",
        help="of the rollup: agent, session, endpoint, user, model, provider, tag:KEY",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 2 where it cannot be loaded; 130 where it was stopped."""
    progress = Progress()
    try:
        into = address(given.into)
        loaded = load(given.places, into, _kept(given), lambda calls: progress.tell(calls, "calls"))
    except ConfigurationError as fault:
        progress.clear()
        print(fault, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        progress.clear()
        print("stopped: run the same again to go on", file=sys.stderr)
        return 130
    progress.clear()
    print(msgspec.json.encode(loaded).decode() if given.json else _text(loaded, into))
    for note in told(loaded.passed_over):
        print(note, file=sys.stderr)
    return 0


def _kept(given: argparse.Namespace) -> list[Rollup]:
    words = [word.strip() for words in given.by for word in words.split(",") if word.strip()]
    if given.rollup is None:
        if words:
            raise ConfigurationError("--by is of a rollup: add --rollup day or --rollup hour")
        return []
    return [rollup(given.rollup, words)]


def _text(loaded: Loaded, into: Address) -> str:
    known = loaded.calls - loaded.new
    read = f"{many(loaded.calls, 'call')} of {many(loaded.files, 'file')}"
    lines = [f"{read}: {loaded.new:,} new in {into.shown}, {known:,} known"]
    for kept, periods in loaded.rollups.items():
        lines.append(f"rollup by {kept}: {many(periods, kept.partition(',')[0])} summed up")
    return "\n".join(lines)
