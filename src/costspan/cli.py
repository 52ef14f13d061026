"""The command `costspan`: parse, call, print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from costspan.doctor import findings
from costspan.errors import CostspanError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, or 1 where something is wrong."""
    parser = argparse.ArgumentParser(
        prog="costspan", description="LLM calls as priced OpenTelemetry spans."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "doctor", help="say what is installed, what would be patched and where spans would go"
    )
    parser.parse_args(arguments)
    return _doctor()


def _doctor() -> int:
    try:
        lines = findings()
    except CostspanError as fault:
        print(f"configuration  {fault}", file=sys.stderr)
        return 1
    width = max(len(topic) for topic, _ in lines)
    for topic, text in lines:
        print(f"{topic:{width}}  {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
