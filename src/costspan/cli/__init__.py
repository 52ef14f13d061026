"""The command `costspan`: parse, call, print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

_COMMANDS = ("doctor", "prices", "report")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the command's own, and 2 where it was misspelt."""
    written = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="costspan", description="LLM calls as priced OpenTelemetry spans."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in _asked(written):
        import_module(f"costspan.cli.{name}").add(commands)
    given = parser.parse_args(written)
    code: int = given.run(given)
    return code


def _asked(written: Sequence[str]) -> Sequence[str]:
    """The command that is run, alone: each brings imports that the others do not need."""
    return written[:1] if written and written[0] in _COMMANDS else _COMMANDS
