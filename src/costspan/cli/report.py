"""`costspan report`: what the calls files say, summed up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from costspan.cli import questions
from costspan.cli.bar import bar
from costspan.cli.passed_over import many, no_calls, told
from costspan.errors import ConfigurationError
from costspan.report import render
from costspan.report.layout import Chosen, chosen, columns
from costspan.report.query import Question, Report, ask

_FORMS = {"json": render.as_json, "csv": render.as_csv, "markdown": render.as_markdown}


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "report",
        help="sum up the calls files: calls, tokens, dollars, latency",
        epilog="Exit code: 0; 1 where the cost is over --fail-over; 2 where the question cannot "
        "be asked.",
    )
    questions.add(parser, "model", "folders, files, databases of costspan load")
    parser.add_argument("--compare", action="store_true", help="with as long a time before --since")
    parser.add_argument(
        "--as-if",
        action="append",
        metavar="WHAT",
        help="the same calls at another tariff: MODEL, MODEL=OTHER, batch, no-cache; may be "
        "repeated",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="your prices, for --as-if (default: COSTSPAN_CONFIG)"
    )
    form = questions.add_forms(parser)
    form.add_argument("--html", metavar="FILE", help="write a page for a browser, of everything")
    parser.add_argument(
        "--store",
        metavar="URL",
        help="of the budgets that --html shows; default: COSTSPAN_STORE, else of COSTSPAN_CONFIG",
    )
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where the cost is over `--fail-over`; 2 where it cannot be asked."""
    by = questions.words_of(given, ["model"])
    try:
        if given.as_if is not None:
            from costspan.cli import as_if

            return as_if.run(given, by)
        if given.config is not None:
            given.parser.error("--config is for --as-if")
        if given.store is not None and given.html is None:
            given.parser.error("--store is for --html")
        report = _answered(given, by)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    for note in notes(report):
        print(note, file=sys.stderr)
    return questions.judged(report.total.cost_usd, given.fail_over)


def _answered(given: argparse.Namespace, by: tuple[str, ...]) -> Report:
    asked = Question(
        given.places,
        by,
        given.since,
        given.until,
        given.where,
        given.compare,
        given.top if given.html is not None else questions.top_of(given, by),
        watch=bar,
    )
    if given.html is not None:
        from costspan.cli import report_page

        return report_page.write(given.html, asked, given.store, notes)
    report = ask(asked)
    _show(given.form, report, chosen(report, asked.top))
    return report


def _show(form: str | None, report: Report, shown: Chosen) -> None:
    if form is not None:
        print(_FORMS[form](report, shown))
    elif questions.is_for_a_terminal():
        questions.show(columns(report, shown, bars=True), render.caption(report))
    else:
        print(render.as_text(report, shown))


def notes(report: Report) -> Iterator[str]:
    """What the figures leave out."""
    if not report.total.calls:
        yield no_calls(report.files)
    if report.total.unpriced_calls:
        count = report.total.unpriced_calls
        whose = "its" if count == 1 else "their"
        yield f"{many(count, 'call')} without a price: {whose} dollars are not in the sums"
    yield from told(report.passed_over)
