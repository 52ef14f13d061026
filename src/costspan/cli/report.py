"""`costspan report`: what the calls files say, summed up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from typing import Any

from costspan.call import plain
from costspan.cli.progress import bar
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
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="folders or files")
    parser.add_argument(
        "--by",
        action="append",
        type=_words,
        metavar="WORD,...",
        help="agent, session, endpoint, user, model, provider, tag:KEY, day, hour, trace, call; "
        "or several at once (default: model)",
    )
    parser.add_argument("--since", metavar="WHEN", help="7d, 12h, yesterday, 2026-11-21 (UTC)")
    parser.add_argument("--until", metavar="WHEN", help="calls that ended before then")
    parser.add_argument("--where", metavar="SQL", help='as "cost_usd > 0.05": fields of a line')
    parser.add_argument("--compare", action="store_true", help="with as long a time before --since")
    parser.add_argument("--top", type=_count, metavar="N", help="the N dearest rows; 0 is all")
    parser.add_argument(
        "--fail-over", type=_dollars, metavar="USD", help="exit code 1 where the cost is over this"
    )
    form = parser.add_mutually_exclusive_group()
    for name in _FORMS:
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name)
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where the cost is over `--fail-over`; 2 where it cannot be asked."""
    by = tuple(word for words in given.by or [["model"]] for word in words)
    try:
        report = ask(
            Question(
                given.places,
                by,
                given.since,
                given.until,
                given.where,
                given.compare,
                _top(given),
                watch=bar,
            )
        )
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    _show(given.form, report, chosen(report, _top(given)))
    for note in _notes(report):
        print(note, file=sys.stderr)
    return _judged(report, given.fail_over)


def _top(given: argparse.Namespace) -> int | None:
    """How many rows: in a table not all, unless they are of time; for a script all of them."""
    if given.top is not None or given.form in ("json", "csv"):
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


def _notes(report: Report) -> Iterator[str]:
    """What the figures leave out."""
    passed = report.passed_over
    if not report.total.calls:
        yield f"no calls in {_many(report.files, 'file')}"
    if report.total.unpriced_calls:
        count = _many(report.total.unpriced_calls, "call")
        yield f"{count} without a price: their dollars are not in the sums"
    if passed.lost:
        yield f"{_many(passed.lost, 'call')} could not be written to the files when they were made"
    if passed.is_newer:
        yield "some lines are of a newer version of costspan: read as far as they are known here"
    counts = {
        "line": passed.lines,
        "empty file": passed.empty_files,
        "unreadable file": passed.unreadable_files,
    }
    found = [_many(count, what) for what, count in counts.items() if count]
    if found:
        yield f"passed over: {', '.join(found)}"
        yield from (f"  {place}" for place in passed.named)
        if len(passed.named) < sum(counts.values()):
            yield "  ..."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _judged(report: Report, most: Decimal | None) -> int:
    cost = report.total.cost_usd or Decimal(0)
    if most is None or cost <= most:
        return 0
    print(f"{plain(cost)} USD is over {plain(most)}", file=sys.stderr)
    return 1


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError("write a word, such as agent")
    return words


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows: write 10")
    return int(text)


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of dollars: write 5.00")
    return amount
