"""What the commands that ask the calls files have in common: which calls, which form, what then."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from costspan.call import plain
from costspan.cli.amounts import count, dollars
from costspan.report.layout import Column
from costspan.report.vocabulary import TIMES

ROWS_OF_A_TABLE = 20
FORMS = ("json", "csv", "markdown")


def add(parser: Any, default: str, places: str = "folders or files") -> None:
    """Say which calls are meant, by what they are summed, and in which form.

    Args:
        default: what they are summed by where nobody says it.
        places: where the calls may be.
    """
    parser.add_argument("places", nargs="+", metavar="FOLDER", help=places)
    parser.add_argument(
        "--by",
        action="append",
        type=words,
        metavar="WORD,...",
        help="agent, session, endpoint, user, model, provider, tag:KEY, day, hour, trace, call; "
        f"or several at once (default: {default})",
    )
    parser.add_argument("--since", metavar="WHEN", help="7d, 12h, yesterday, 2026-11-21 (UTC)")
    parser.add_argument("--until", metavar="WHEN", help="calls that ended before then")
    parser.add_argument("--where", metavar="SQL", help='as "cost_usd > 0.05": fields of a line')
    parser.add_argument("--top", type=count, metavar="N", help="the N dearest rows; 0 is all")
    parser.add_argument(
        "--fail-over", type=dollars, metavar="USD", help="exit code 1 where the cost is over this"
    )


def add_forms(parser: Any) -> Any:
    """Say in which form an answer can be printed; gives the group, of which one may be said."""
    form = parser.add_mutually_exclusive_group()
    for name in FORMS:
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name)
    return form


def words_of(given: argparse.Namespace, default: Sequence[str]) -> tuple[str, ...]:
    """The words of `--by`."""
    return tuple(word for words in given.by or [default] for word in words)


def top_of(given: argparse.Namespace, by: Sequence[str]) -> int | None:
    """How many rows: in a table not all, unless they are of time; for a script all of them."""
    if given.top is not None or given.form in ("json", "csv"):
        return given.top  # type: ignore[no-any-return]
    return None if by and by[0] in TIMES else ROWS_OF_A_TABLE


def is_for_a_terminal() -> bool:
    """Whether a table may have colours."""
    return sys.stdout.isatty() and find_spec("rich") is not None


def show(columns: Sequence[Column], caption: Iterator[str]) -> None:
    """Print a table in colours, as wide as the terminal is."""
    from costspan.report import terminal

    terminal.show(columns, caption)


def judged(amount: Decimal | None, most: Decimal | None) -> int:
    """Exit code 1 where dollars are over what was allowed."""
    cost = amount or Decimal(0)
    if most is None or cost <= most:
        return 0
    print(f"{plain(cost)} USD is over {plain(most)}", file=sys.stderr)
    return 1


def words(text: str) -> list[str]:
    """Words with commas between them."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    if not found:
        raise argparse.ArgumentTypeError("write a word, such as agent")
    return found
