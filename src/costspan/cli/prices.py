"""`costspan prices`: explain a price, check a file of prices, compare two tables."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from costspan import settings
from costspan.call import Usage
from costspan.cli.topics import show
from costspan.cost.pricing import wording
from costspan.cost.pricing.check import check
from costspan.cost.pricing.compare import compare
from costspan.cost.pricing.explain import Question, explain
from costspan.cost.pricing.table import Table
from costspan.cost.pricing.written import offline, prices_of
from costspan.errors import ConfigurationError

_COUNTS = ("input", "output", "cache_read", "cache_write")
_OF_A_MODEL = ("provider", "host", "tier", "speed", "geo", "at", "seconds", "config", *_COUNTS)


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "prices",
        help="explain the price of a model, check a file of prices, or compare two tables",
        epilog="Exit code: 0; 1 where the model has no price or the file is wrong; 2 where the "
        "question cannot be asked.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("model", nargs="?", metavar="MODEL", help="the model to price")
    what.add_argument("--check", metavar="FILE", help="say what is wrong in a TOML file's prices")
    what.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="say what changed between two tables: 'bundled' or a JSON file like genai-prices'",
    )
    _add_facts(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.set_defaults(run=run, parser=parser)


def _add_facts(parser: argparse.ArgumentParser) -> None:
    facts = parser.add_argument_group("of MODEL")
    facts.add_argument("--provider", help="who bills it: openai, aws.bedrock, ...")
    facts.add_argument("--host", type=_host, metavar="HOST[:PORT]", help="where it is called")
    facts.add_argument("--tier", help="the answer's service tier: flex, priority, batch, ...")
    facts.add_argument("--speed", help="the answer's speed: fast")
    facts.add_argument("--geo", help="the region that served it: us")
    facts.add_argument("--at", type=_moment, metavar="DATE", help="the price of then (UTC)")
    facts.add_argument("--input", type=_count, metavar="N", help="tokens in, cached ones included")
    facts.add_argument("--output", type=_count, metavar="N", help="tokens out, reasoning included")
    facts.add_argument("--cache-read", type=_count, metavar="N", help="of the input, from a cache")
    facts.add_argument("--cache-write", type=_count, metavar="N", help="of the input, to a cache")
    facts.add_argument(
        "--seconds", type=_seconds, metavar="S", help="how long it ran, for a GPU's price"
    )
    facts.add_argument("--config", metavar="FILE", help="your prices (default: COSTSPAN_CONFIG)")


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where there is no price or the file is wrong; 2 where it cannot be asked."""
    foreign = [name for name in _OF_A_MODEL if getattr(given, name) is not None]
    if given.model is None and foreign:
        given.parser.error(f"--{foreign[0].replace('_', '-')} is said of a MODEL")
    try:
        if given.check is not None:
            return _check(given)
        return _compare(given) if given.compare is not None else _explain(given)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2


def _explain(given: argparse.Namespace) -> int:
    environ = dict(os.environ)
    if given.config is not None:
        environ["COSTSPAN_CONFIG"] = given.config
    written = settings.read(environ=environ).prices
    prices_of(written)  # all of it, to hear what is wrong
    prices = prices_of(offline(written))
    found = explain(prices, _question(given))
    if given.json:
        print(wording.as_json(found))
    else:
        show(wording.lines(found), most=100)
    return 1 if found.source == "none" else 0


def _question(given: argparse.Namespace) -> Question:
    host, port = given.host or (None, None)
    return Question(
        model=given.model,
        provider=given.provider,
        host=host,
        port=port,
        tier=given.tier,
        speed=given.speed,
        geo=given.geo,
        at=given.at or datetime.now(UTC),
        usage=_usage(given),
        seconds=given.seconds,
    )


def _usage(given: argparse.Namespace) -> Usage | None:
    """The counts that were given, the others 0; None where none was."""
    counts = {f"{name}_tokens": getattr(given, name) for name in _COUNTS}
    if all(count is None for count in counts.values()):
        return None
    if counts["input_tokens"] is None:
        counts["input_tokens"] = (given.cache_read or 0) + (given.cache_write or 0)
    return Usage(**{name: count or 0 for name, count in counts.items()})


def _check(given: argparse.Namespace) -> int:
    found = check(given.check)
    errors = sum(finding.level == "error" for finding in found)
    if given.json:
        print(msgspec.json.encode(found).decode())
        return 1 if errors else 0
    for finding in found:
        place = ":".join(str(part) for part in (given.check, finding.line, finding.key) if part)
        print(f"{place}: {'' if finding.level == 'error' else 'note: '}{finding.text}")
    print(f"{given.check}: {errors or 'no'} error{'' if errors == 1 else 's'}")
    return 1 if errors else 0


def _compare(given: argparse.Namespace) -> int:
    before, after = (
        Table.bundled() if name == "bundled" else Table.from_file(name) for name in given.compare
    )
    changes = compare(before, after)
    if given.json:
        print(msgspec.json.Encoder(decimal_format="number").encode(changes).decode())
        return 0
    for change in changes:
        print(change)
    print(f"{len(changes) or 'no'} change{'' if len(changes) == 1 else 's'}")
    return 0


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no length of time: write 2.5")


def _count(text: str) -> int:
    with suppress(ValueError):
        number = int(text.replace(",", ""))
        if number >= 0:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no count: write 1200 or 1,200")


def _host(text: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise argparse.ArgumentTypeError(f"{text!r} is no host: write HOST or HOST:PORT")
    return host, port


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-11-22") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
