"""`costspan waste`: the dollars that bought nothing, or more than they had to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from costspan.cli import questions
from costspan.cli.as_if import own_prices
from costspan.cli.bar import bar
from costspan.cli.passed_over import no_calls, told
from costspan.errors import ConfigurationError
from costspan.report.selection import asked
from costspan.report.waste import render
from costspan.report.waste.query import Waste, ask

_FORMS = {"json": render.as_json, "csv": render.as_csv, "markdown": render.as_markdown}


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "waste",
        help="dollars of calls that failed, were abandoned, repeated or cut short, or missed the "
        "cache",
        epilog="Exit code: 0; 1 where the waste is over --fail-over; 2 where the question cannot "
        "be asked.",
    )
    questions.add(parser, "the kinds of waste", "folders, files, databases of costspan load")
    parser.add_argument(
        "--config", metavar="FILE", help="your prices, of caches (default: COSTSPAN_CONFIG)"
    )
    questions.add_forms(parser)
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where the waste is over `--fail-over`; 2 where it cannot be asked."""
    by = questions.words_of(given, [])
    try:
        question = asked(given.places, by, given.since, given.until, given.where)
        waste = ask(question, own_prices(given.config), questions.top_of(given, by), bar)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    _show(given.form, waste)
    for note in _notes(waste):
        print(note, file=sys.stderr)
    return questions.judged(waste.total.waste_usd, given.fail_over)


def _show(form: str | None, waste: Waste) -> None:
    if form is not None:
        print(_FORMS[form](waste))
    elif questions.is_for_a_terminal():
        questions.show(render.columns(waste), render.caption(waste))
    else:
        print(render.as_text(waste))


def _notes(waste: Waste) -> Iterator[str]:
    """What the figures leave out."""
    if not waste.total.calls:
        yield no_calls(waste.files)
    yield from told(waste.passed_over)
