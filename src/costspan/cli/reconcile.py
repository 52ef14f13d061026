"""`costspan reconcile`: our sums beside the provider's."""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from costspan.call import plain
from costspan.cli.report import notes
from costspan.errors import ConfigurationError
from costspan.report.reconciling import shown
from costspan.report.reconciling.comparing import Comparison, compare
from costspan.report.reconciling.recognising import read

_FORMS = {"json": shown.as_json, "csv": shown.as_csv, "markdown": shown.as_markdown}


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "reconcile",
        help="hold the calls files against the provider's export, by day and model",
        epilog="Exit code: 0; 1 where the sums differ by more than --fail-over-percent; 2 where "
        "they cannot be compared.",
    )
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="folders or files of calls")
    parser.add_argument(
        "--against",
        required=True,
        type=Path,
        metavar="FILE",
        help="an export of OpenAI, Anthropic or AWS; docs/reconcile.md says which",
    )
    parser.add_argument(
        "--fail-over-percent",
        type=_percent,
        metavar="P",
        help="exit code 1 where ours is further than this from the provider's sum",
    )
    form = parser.add_mutually_exclusive_group()
    for name in _FORMS:
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name)
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where the sums differ by too much; 2 where they cannot be compared."""
    try:
        compared = compare(given.places, read(given.against))
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    print(_FORMS.get(given.form, shown.as_text)(compared))
    for note in notes(compared.report):
        print(note, file=sys.stderr)
    return _judged(compared, given.fail_over_percent)


def _judged(compared: Comparison, most: Decimal | None) -> int:
    if most is None:
        return 0
    if compared.known is None:
        lacks = "a price" if compared.statement.unit == "USD" else "its tokens"
        print(f"the sums cannot be compared: no call of ours has {lacks}", file=sys.stderr)
        return 1
    if compared.known == compared.theirs:
        return 0
    found = shown.percent(compared.ours, compared.theirs)
    if found is not None and found <= most:
        return 0
    by = "the provider has nothing" if found is None else f"{found:.3f} %"
    print(f"the sums differ: {by}, over {plain(most)} %", file=sys.stderr)
    return 1


def _percent(text: str) -> Decimal:
    try:
        found = Decimal(text.strip().removesuffix("%"))
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage: write 1 or 0.5")
    return found
