"""`costspan verify`: whether files that were written with `audit_key` are as they were written."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from costspan.errors import ConfigurationError
from costspan.export.auditing.findings import Verification
from costspan.export.auditing.keys import Key, keys_in
from costspan.export.auditing.verifying import verify


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "verify",
        help="find what was changed in files that were written with an audit key",
        epilog="Exit code: 0; 1 where something was found; 2 where it could not be looked for.",
    )
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="folders or files")
    parser.add_argument(
        "--key-file",
        action="append",
        default=[],
        metavar="FILE",
        help="a key a line; `KEY until=2026-11-01` is one that was replaced on that day",
    )
    parser.add_argument(
        "--key-env", action="append", default=[], metavar="NAME", help="the same, in a variable"
    )
    parser.add_argument(
        "--checkpoints", action="append", default=[], metavar="FILE", help="kept elsewhere"
    )
    parser.add_argument(
        "--since", type=_day, metavar="DAY", help="files of earlier days were deleted on purpose"
    )
    parser.add_argument(
        "--allow-open", action="store_true", help="writers are at work, or were killed"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where something was found; 2 where it could not be looked for."""
    try:
        found = verify(
            given.places,
            _keys(given),
            checkpoints=given.checkpoints,
            since=given.since,
            allow_open=given.allow_open,
        )
    except (ConfigurationError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 2
    if not found.counts["lines"]:
        print("there is no line to verify", file=sys.stderr)
        return 2
    print(_as_json(found) if given.json else _as_text(found))
    return 1 if found.found else 0


def _keys(given: argparse.Namespace) -> list[Key]:
    texts = [Path(name).read_text(encoding="utf-8") for name in given.key_file]
    for name in given.key_env:
        if name not in os.environ:
            raise ConfigurationError(f"--key-env {name}: there is no such variable")
        texts.append(os.environ[name])
    if not texts:
        raise ConfigurationError("give the key: --key-file FILE or --key-env NAME")
    return [key for text in texts for key in keys_in(text)]


def _as_text(found: Verification) -> str:
    more = found.found - len(found.findings)
    tail = [f"... and {more} more"] if more else []
    return "\n".join([*map(str, found.findings), *tail, str(found)])


def _as_json(found: Verification) -> str:
    encoder = msgspec.json.Encoder(enc_hook=str)
    return encoder.encode({"counts": found.counts, "findings": found.findings}).decode()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write 2026-11-22") from None
