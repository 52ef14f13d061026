"""`costspan budgets`: how the budgets of a store stand, and to set one back."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec

from costspan import settings
from costspan.cli.budget_tables import lines
from costspan.cost.budgets.survey import Survey, names_in, scopes_of, survey
from costspan.cost.pricing.nearest import nearest
from costspan.cost.stores.contract import Store, StoreDown
from costspan.cost.stores.opening import has_file, open_store
from costspan.errors import ConfigurationError

_PATIENCE_SECONDS = 5.0

_CODES = (
    "Exit code: 0; 1 with --check where a budget is used up; 2 where the question cannot be asked; "
    "3 where the store does not answer."
)
_NOTHING = (
    "The store knows no budgets: a process tells it of those of its CostTracker(budgets=[...], "
    "store=...) as soon as the tracker is made."
)


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "budgets",
        help="say how the budgets of a store stand, and set them back",
        epilog=_CODES,
    )
    parser.add_argument(
        "--store", metavar="URL", help="default: COSTSPAN_STORE, else of COSTSPAN_CONFIG"
    )
    parser.add_argument("--name", help="this budget alone")
    parser.add_argument(
        "--top", type=_count, default=10, metavar="N", help="scopes and alerts shown (10)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.add_argument("--check", action="store_true", help="exit 1 where a budget is used up")
    parser.set_defaults(run=run, what=_show)
    _add_reset(parser.add_subparsers(metavar="reset"))


def _add_reset(commands: Any) -> None:
    parser = commands.add_parser(
        "reset",
        help="forget what was spent and reserved in a budget, and who was told",
        epilog=_CODES,
    )
    parser.add_argument("reset", metavar="NAME", help="the budget")
    parser.add_argument("--scope", metavar="KEY", help="this scope alone, such as ticket-17")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--forget", action="store_true", help="and show the budget no more: nobody holds it"
    )
    # What is not given here must not undo what was given before the word `reset`.
    parser.add_argument("--store", metavar="URL", default=argparse.SUPPRESS)
    parser.set_defaults(what=_reset)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 used up; 2 where it cannot be asked; 3 where the store does not answer."""
    # A store that is down is said by us, in one sentence, and not by its log line as well.
    logging.getLogger("costspan").addHandler(logging.NullHandler())
    try:
        store = _opened(given.store)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    try:
        work: Callable[[argparse.Namespace, Store], int] = given.what
        return work(given, store)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 2
    except StoreDown as down:
        print(f"The store does not answer ({down}): is it running there?", file=sys.stderr)
        return 3
    finally:
        store.close()


def _opened(given: str | None) -> Store:
    url = settings.read().store if given is None else given
    store = open_store(url, _PATIENCE_SECONDS)
    if not store.shared:
        raise ConfigurationError(
            "The store is 'memory', which is the memory of the process that makes the calls: it "
            "cannot be seen from here. Give that process and this command a store that both see: "
            "COSTSPAN_STORE or --store, such as sqlite:///costs.db, redis://host:6379/0 or "
            "postgresql://user@host/database"
        )
    if not has_file(url):
        raise ConfigurationError("The store's file is not there: nothing was counted in it yet")
    return store


def _show(given: argparse.Namespace, store: Store) -> int:
    if given.name is not None:
        _check_known("budget", given.name, names_in(store))
    found = survey(store, _now(), name=given.name, most=given.top)
    if given.json:
        print(_json(found))
    else:
        print("\n".join(lines(found)) or _NOTHING)
    return 1 if given.check and any(one.used_up for one in found.budgets) else 0


def as_json(url: str | None, most: int = 10) -> str:
    """What `--json` prints of a store.

    Raises:
        ConfigurationError: it cannot be asked.
        StoreDown: it does not answer.
    """
    logging.getLogger("costspan").addHandler(logging.NullHandler())
    store = _opened(url)
    try:
        return _json(survey(store, _now(), most=most))
    finally:
        store.close()


def _json(found: Survey) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(found).decode()


def _reset(given: argparse.Namespace, store: Store) -> int:
    name, scope = given.reset, None
    scopes = scopes_of(store, name, _now())
    if not scopes:
        _check_known("budget", name, names_in(store))
    whose = "" if given.scope is None else f", {given.scope} alone"
    if given.scope is not None:
        _check_known("scope", given.scope, scopes)
        scope = scopes[given.scope]
    if not given.yes and not _agreed(f"Forget what was spent in budget {name!r}{whose}? [y/N] "):
        print("Nothing was changed: say --yes", file=sys.stderr)
        return 2
    count = store.reset(name, scope)
    if given.forget:
        store.declare(name, b"")
    print(f"budget {name!r} is set back: {count:,} sum{'' if count == 1 else 's'} forgotten")
    return 0


def _check_known(kind: str, name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name in names:
        return
    close = nearest(name, names)
    if close:
        hint = f"did you mean {close[0]!r}?"
    elif names:
        hint = f"there are {', '.join(map(repr, names[:10]))}"
    else:
        hint = "there is none"
    raise ConfigurationError(f"The store knows no {kind} {name!r}: {hint}")


def _agreed(question: str) -> bool:
    """Whether the person at the terminal says yes; where there is none, nobody does."""
    if not sys.stdin.isatty():
        return False
    with suppress(EOFError):
        return input(question).strip().lower() in ("y", "yes")
    return False


def _count(text: str) -> int:
    with suppress(ValueError):
        if int(text) > 0:
            return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no count: write 20")


def _now() -> int:
    return time.time_ns() // 10**6
