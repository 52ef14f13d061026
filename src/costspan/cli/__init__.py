"""The command `costspan`: parse, call, print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from costspan.cli import output

_COMMANDS = (
    "budgets",
    "doctor",
    "export",
    "load",
    "prices",
    "reconcile",
    "replay",
    "report",
    "show",
    "tail",
    "verify",
    "waste",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the command's own, and 2 where it was misspelt."""
    written = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="costspan", description="LLM calls as priced OpenTelemetry spans."
    )
    parser.add_argument("--version", action="version", version=f"costspan {version('costspan')}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in _asked(written):
        import_module(f"costspan.cli.{name}").add(commands)
    given, unknown = parser.parse_known_args(written)
    if unknown:
        given.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    output.prepare()
    try:
        code: int = given.run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, had enough
        output.abandon()
        return 1
    except OSError as fault:  # such as a full disk behind standard output
        output.abandon()
        print(f"costspan {given.command}: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        output.abandon()
        print("stopped", file=sys.stderr)
        return 130
    return code


def _asked(written: Sequence[str]) -> Sequence[str]:
    """The command that is run, alone: each brings imports that the others do not need."""
    return written[:1] if written and written[0] in _COMMANDS else _COMMANDS
