"""`costspan report --as-if`: the same calls at another tariff."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence

from costspan import settings
from costspan.cli import questions
from costspan.cli.bar import bar
from costspan.cli.passed_over import many, no_calls, told
from costspan.cost.pricing.named import named
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.written import offline, prices_of
from costspan.errors import ConfigurationError
from costspan.report.as_if import render
from costspan.report.as_if.changes import changes
from costspan.report.as_if.query import Comparison, ask
from costspan.report.layout import dollars
from costspan.report.selection import asked
from costspan.report.vocabulary import printable

_FORMS = {"json": render.as_json, "csv": render.as_csv, "markdown": render.as_markdown}
_MOST_REFUSED = 10


def run(given: argparse.Namespace, by: Sequence[str]) -> int:
    """Exit code 0; 1 where it would be over `--fail-over`.

    Raises:
        ConfigurationError: it cannot be asked.
    """
    if given.compare or given.html:
        other = "--compare" if given.compare else "--html"
        raise ConfigurationError(f"--as-if and {other}: leave one of both out")
    prices = own_prices(given.config)
    what = changes(given.as_if, lambda name: named(prices, name))
    question = asked(given.places, by, given.since, given.until, given.where)
    comparison = ask(question, what, prices, questions.top_of(given, by), bar)
    _show(given.form, comparison)
    for note in _notes(comparison):
        print(note, file=sys.stderr)
    return questions.judged(comparison.total.as_if_usd, given.fail_over)


def own_prices(config: str | None) -> Prices:
    """The prices of a file, or of the one that `COSTSPAN_CONFIG` names; nothing is fetched.

    Raises:
        ConfigurationError: something in it is wrong.
    """
    environ = dict(os.environ)
    if config is not None:
        environ["COSTSPAN_CONFIG"] = config
    return prices_of(offline(settings.read(environ=environ).prices))


def _show(form: str | None, comparison: Comparison) -> None:
    if form is not None:
        print(_FORMS[form](comparison))
    elif questions.is_for_a_terminal():
        questions.show(render.columns(comparison), render.caption(comparison))
    else:
        print(render.as_text(comparison))


def _notes(comparison: Comparison) -> Iterator[str]:
    """What is not compared, and why."""
    total = comparison.total
    if not total.calls:
        yield no_calls(comparison.files)
    for name in comparison.unmatched if total.calls else ():
        yield f"no call is of {name}"
    if total.unconverted_calls:
        yield f"not converted, and in neither sum: {many(total.unconverted_calls, 'call')}"
    for refused in comparison.refused[:_MOST_REFUSED]:
        model = f"{refused.model or 'no model'} of {refused.provider}"
        calls = f"  {many(refused.calls, 'call')} of {printable(model)}"
        cost = "" if refused.cost_usd is None else f", {dollars(refused.cost_usd, 6)} USD"
        yield f"{calls}{cost}: {render.worded(refused.reason, refused.calls)}"
    if len(comparison.refused) > _MOST_REFUSED:
        yield "  ..."
    yield from told(comparison.passed_over)
