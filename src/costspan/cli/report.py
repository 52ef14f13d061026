"""`costspan report`: what the calls files say, summed up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from costspan.call import plain
from costspan.cli.amounts import count, dollars
from costspan.cli.passed_over import many, told
from costspan.errors import ConfigurationError
from costspan.report import render
from costspan.report.layout import Chosen, chosen
from costspan.report.query import Question, Report, ask
from costspan.report.vocabulary import TIMES

_ROWS_OF_A_TABLE = 20
_FORMS = {"json": render.as_json, "csv": render.as_csv, "markdown": render.as_markdown}


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "report",
        help="sum up the calls files: calls, tokens, dollars, latency",
        epilog="Exit code: 0; 1 where the cost is over --fail-over; 2 where the question cannot "
        "be asked.",
    )
    parser.add_argument(
        "places",
        nargs="+",
        metavar="FOLDER",
        help="folders, files, databases of costspan load",
    )
    parser.add_argument(
        "--by",
        action="append",
        type=words,
        metavar="WORD,...",
        help="agent, session, endpoint, user, model, provider, tag:KEY, day, hour, trace, call; "
        "or several at once (default: model)",
    )
    parser.add_argument("--since", metavar="WHEN", help="7d, 12h, yesterday, 2026-11-21 (UTC)")
    parser.add_argument("--until", metavar="WHEN", help="calls that ended before then")
    parser.add_argument("--where", metavar="SQL", help='as "cost_usd > 0.05": fields of a line')
    parser.add_argument("--compare", action="store_true", help="with as long a time before --since")
    parser.add_argument("--top", type=count, metavar="N", help="the N dearest rows; 0 is all")
    parser.add_argument(
        "--fail-over", type=dollars, metavar="USD", help="exit code 1 where the cost is over this"
    )
    form = parser.add_mutually_exclusive_group()
    for name in _FORMS:
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name)
    form.add_argument("--html", metavar="FILE", help="write a page for a browser, of everything")
    parser.add_argument(
        "--store",
        metavar="URL",
        help="of the budgets that --html shows; default: COSTSPAN_STORE, else of COSTSPAN_CONFIG",
    )
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where the cost is over `--fail-over`; 2 where it cannot be asked."""
    by = tuple(word for words in given.by or [["model"]] for word in words)
    if given.store is not None and given.html is None:
        given.parser.error("--store is for --html")
    asked = Question(
        given.places,
        by,
        given.since,
        given.until,
        given.where,
        given.compare,
        _top(given),
    )
    try:
        report = _page(given, asked) if given.html else _printed(given.form, asked)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    for note in notes(report):
        print(note, file=sys.stderr)
    return _judged(report, given.fail_over)


def _printed(form: str | None, asked: Question) -> Report:
    report = ask(asked)
    _show(form, report, chosen(report, asked.top))
    return report


def _page(given: argparse.Namespace, asked: Question) -> Report:
    from costspan.cli import report_page

    return report_page.write(given.html, asked, given.store, notes)


def _top(given: argparse.Namespace) -> int | None:
    """How many rows: in a table not all, unless they are of time; for a script all of them."""
    if given.top is not None or given.html or given.form in ("json", "csv"):
        return given.top  # type: ignore[no-any-return]
    first = given.by[0][0] if given.by else "model"
    return None if first in TIMES else _ROWS_OF_A_TABLE


def _show(form: str | None, report: Report, shown: Chosen) -> None:
    if form is not None:
        print(_FORMS[form](report, shown))
    elif sys.stdout.isatty() and find_spec("rich") is not None:
        from costspan.report import terminal

        terminal.show(report, shown)
    else:
        print(render.as_text(report, shown))


def notes(report: Report) -> Iterator[str]:
    """What the figures leave out."""
    passed = report.passed_over
    if not report.total.calls:
        yield f"no calls in {many(report.files, 'file')}"
    if report.total.unpriced_calls:
        count = many(report.total.unpriced_calls, "call")
        yield f"{count} without a price: their dollars are not in the sums"
    yield from told(passed)


def _judged(report: Report, most: Decimal | None) -> int:
    cost = report.total.cost_usd or Decimal(0)
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
