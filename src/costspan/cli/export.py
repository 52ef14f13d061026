"""`costspan export`: calls in the form of other people's tools."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TextIO

from costspan.call import plain
from costspan.cli.passed_over import many
from costspan.cli.questions import words
from costspan.cli.report import notes
from costspan.errors import ConfigurationError
from costspan.report.focus.charges import LeftOut, OfCalls, Wanted, of_days
from costspan.report.focus.columns import COLUMNS, VERSION, Charge, row_of
from costspan.report.separated import Rows, is_like_a_formula
from costspan.report.vocabulary import printable

_MOST_NAMED = 20


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "export",
        help="write calls as FOCUS cost and usage data",
        epilog="Exit code: 0; 2 where it cannot be written.",
    )
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="folders or files")
    parser.add_argument(
        "--format", required=True, choices=("focus",), help=f"FOCUS {VERSION}, as CSV"
    )
    parser.add_argument("--per", choices=("day", "call"), default="day", help="a row for each")
    parser.add_argument(
        "--by",
        action="append",
        type=words,
        metavar="WORD,...",
        help="and for each user, agent, session, endpoint, tag:KEY; the first is the sub account",
    )
    parser.add_argument("--since", metavar="WHEN", help="7d, yesterday, 2026-11-21 (UTC)")
    parser.add_argument("--until", metavar="WHEN", help="calls that ended before then")
    parser.add_argument(
        "--markup", type=_factor, default=Decimal(1), metavar="1.2", help="bill so much more"
    )
    parser.add_argument("--account", default="default", metavar="ID", help="the billing account")
    parser.add_argument("--issuer", metavar="NAME", help="who bills; the provider if left out")
    parser.add_argument("--out", type=Path, metavar="FILE", help="instead of standard output")
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 2 where it cannot be written."""
    by = tuple(word for several in given.by or () for word in several)
    wanted = Wanted(given.places, by, given.since, given.until, given.markup)
    try:
        charges, said = _of_calls(wanted) if given.per == "call" else _of_days(wanted)
        with _opened(given.out) as file:
            totals = _write(file, charges, given)
    except BrokenPipeError:
        raise
    except (ConfigurationError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 2
    for note in (*totals, *said):
        print(note, file=sys.stderr)
    return 0


def _write(file: TextIO, charges: Iterable[Charge], given: argparse.Namespace) -> list[str]:
    """Write the rows; what they come to, and what is to be known of them."""
    written = Rows(file, COLUMNS)
    rows, listed, billed, nobody, formulas = 0, Decimal(0), Decimal(0), 0, 0
    for charge in charges:
        row = row_of(charge, given.account, given.issuer)
        written.write(row)
        rows += 1
        listed += charge.list_usd
        billed += charge.billed_usd
        nobody += next(iter(charge.keys.values()), "") is None
        formulas += any(map(is_like_a_formula, row.values()))
    text = f"{many(rows, 'row')}, {plain(listed)} USD"
    if billed != listed:
        text += f", billed as {plain(billed)} USD"
    said = [text + (f", {nobody:,} of them without a sub account" if nobody else "")]
    if formulas:
        said.append(
            f"{many(formulas, 'row')} with a text that a spreadsheet may run as a formula (it "
            "begins with =, +, - or @): import its column as text"
        )
    return said


def _of_days(wanted: Wanted) -> tuple[Iterable[Charge], Iterator[str]]:
    charges, report, left_out = of_days(wanted)
    return charges, _chained(left_out, notes(report))


def _of_calls(wanted: Wanted) -> tuple[Iterable[Charge], Iterator[str]]:
    charges = OfCalls(wanted)
    return charges, _chained(charges.left_out, _passed_over(charges))


def _chained(left_out: LeftOut, more: Iterable[str]) -> Iterator[str]:
    """Made when it is read: by then everything was counted."""
    for (why, name), count in left_out.most_common(_MOST_NAMED):
        yield printable(f"{why}, and so not among the rows: {many(count, 'call')} of {name}")
    if len(left_out) > _MOST_NAMED:
        yield f"... and of {len(left_out) - _MOST_NAMED:,} other models"
    yield from more


def _passed_over(charges: OfCalls) -> Iterator[str]:
    reading = charges.reading
    if reading.lost:
        yield f"{many(reading.lost, 'call')} could not be written to the files when they were made"
    yield from (f"passed over: {problem}" for problem in reading.problems[:_MOST_NAMED])
    if sum(reading.counts[what] for what in _PROBLEMS) > _MOST_NAMED:
        yield "  ..."


_PROBLEMS = ("torn", "foreign", "newer", "empty", "unreadable")


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that is there as a whole or not at all.

    A device or a pipe, such as /dev/stdout, is written to and stays; so does a link to a file.
    """
    if path is None:
        yield sys.stdout
        return
    target = Path(os.path.realpath(path))
    try:
        if path.exists() and not path.is_file():
            number, name = os.open(path, os.O_WRONLY), None
        else:
            number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as fault:  # it would name the file that is written first
        raise ConfigurationError(f"{path} cannot be written: {fault.strerror}") from None
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            yield file
        if name is not None:
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, target)
    except BaseException:
        if name is not None:
            with suppress(FileNotFoundError):
                os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _factor(text: str) -> Decimal:
    try:
        factor = Decimal(text)
    except InvalidOperation:
        factor = Decimal("NaN")
    if not factor.is_finite() or factor <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no factor: write 1.2 for 20 % more")
    return factor
