"""`costspan doctor`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from costspan.cli.topics import show
from costspan.errors import CostspanError


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "doctor", help="say what is installed, what would be patched and where spans would go"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Exit code 1 where the configuration is wrong."""
    from costspan.doctor import findings

    try:
        show(findings())
    except CostspanError as fault:
        print(f"configuration  {fault}", file=sys.stderr)
        return 1
    return 0
