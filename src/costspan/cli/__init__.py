"""The command `costspan`: parse, call, print."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from costspan.cli import budgets, doctor, prices, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the command's own, and 2 where it was misspelt."""
    parser = argparse.ArgumentParser(
        prog="costspan", description="LLM calls as priced OpenTelemetry spans."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (budgets, doctor, prices, verify):
        command.add(commands)
    given = parser.parse_args(arguments)
    code: int = given.run(given)
    return code
