"""What the arguments of a budget may be. Every refusal names the remedy."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from operator import index
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from costspan.call import PICOS_PER_USD
from costspan.cost.budgets.scopes import FIELDS, SCOPES
from costspan.cost.budgets.windows import STARTS, AnyWindow, parsed
from costspan.errors import ConfigurationError

ACTIONS = ("warn", "raise", "block")
UNITS = ("usd", "tokens", "calls")
_WITHOUT_STAR = ("model", "provider")
"""What has no `*` in its name, unlike an endpoint, which may be a pattern, and names of the app."""
_FORMER_WORDS = {
    "session_id": "session",
    "user_id": "user",
    "trace_id": "trace",
    "agent_name": "agent",
    "team": "tag:team",
    "all": "total",
}


def checked_limit(name: str, limits: Mapping[str, Any]) -> tuple[str, int]:
    """The unit and the limit in its whole numbers: picodollars, tokens or calls."""
    given = [(unit, value) for unit, value in limits.items() if value is not None]
    if len(given) != 1:
        raise ConfigurationError(
            f"Budget({name!r}) needs one limit: usd=0.05, tokens=100_000 or calls=20; "
            "make two budgets for two limits"
        )
    unit, value = given[0]
    return unit, _picos(name, value) if unit == "usd" else _whole(name, unit, value)


def _picos(name: str, value: Any) -> int:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    is_positive = not isinstance(value, bool) and amount.is_finite() and amount > 0
    picos = round(Fraction(amount) * PICOS_PER_USD) if is_positive else 0
    if picos == 0:
        raise ConfigurationError(
            f"Budget({name!r}, usd={value!r}): the limit is a number of US dollars above 0"
        )
    return picos


def _whole(name: str, unit: str, value: Any) -> int:
    whole = 0 if isinstance(value, bool) or not hasattr(value, "__index__") else index(value)
    if whole <= 0:
        raise ConfigurationError(
            f"Budget({name!r}, {unit}={value!r}): the limit is a whole number of {unit} above 0"
        )
    return whole


def checked_per(name: str, per: Any, unit: str) -> tuple[str, ...]:
    """The words of the scope, each once."""
    words = (per,) if isinstance(per, str) else tuple(per) if isinstance(per, Sequence) else ()
    if not words:
        raise ConfigurationError(
            f"Budget({name!r}, per={per!r}): give a word such as 'session', or a tuple of words"
        )
    for word in words:
        if word not in SCOPES and not (isinstance(word, str) and _is_tag(word)):
            raise ConfigurationError(f"Budget({name!r}, per={per!r}): {_right(word, SCOPES)}")
    if len(words) > 1 and {"call", "total"} & set(words):
        raise ConfigurationError(
            f"Budget({name!r}, per={per!r}): 'call' and 'total' stand alone; narrow by where="
        )
    if len(set(words)) < len(words):
        raise ConfigurationError(f"Budget({name!r}, per={per!r}): a word stands twice")
    if words == ("call",) and unit == "calls":
        raise ConfigurationError(
            f"Budget({name!r}, calls=..., per='call'): one call is one call; use per='trace'"
        )
    return words


def _is_tag(word: str) -> bool:
    return word.startswith("tag:") and len(word) > len("tag:")


def _right(word: Any, words: Sequence[str]) -> str:
    right = _FORMER_WORDS.get(word) if isinstance(word, str) else None
    hint = f"write {right!r}" if right else f"use one of {', '.join(words)} or 'tag:KEY'"
    return f"there is no {word!r}: {hint}"


def checked_window(name: str, window: Any, zone: Any, per: tuple[str, ...]) -> AnyWindow:
    """The window that is meant."""
    where = _checked_zone(name, zone)
    found = parsed(window, where, per) if isinstance(window, str | None) else None
    if found is None:
        raise ConfigurationError(
            f"Budget({name!r}, window={window!r}): give a length such as '10s', '30m', '24h' or "
            f"'7d', a word of {', '.join(STARTS)}, or None for no window"
        )
    if zone is not None and window not in STARTS:
        raise ConfigurationError(
            f"Budget({name!r}, timezone={zone!r}): only windows of {', '.join(STARTS)} have one"
        )
    if per == ("call",) and window is not None:
        raise ConfigurationError(
            f"Budget({name!r}, per='call', window={window!r}): one call has no window; leave it out"
        )
    return found


def _checked_zone(name: str, zone: Any) -> tzinfo:
    if zone is None:
        return UTC
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ConfigurationError(
            f"Budget({name!r}, timezone={zone!r}) is not known here: use a name such as "
            "'Europe/Berlin' (on a system without time zones: pip install tzdata)"
        ) from None


def checked_where(name: str, where: Any) -> dict[str, str]:
    """The filter's words and values."""
    if where is not None and not isinstance(where, Mapping):
        raise ConfigurationError(
            f"Budget({name!r}, where={where!r}): give a dict such as {{'agent': 'code_*'}}"
        )
    checked = dict(where or {})
    for key, wanted in checked.items():
        if key not in FIELDS and not (isinstance(key, str) and _is_tag(key)):
            raise ConfigurationError(
                f"Budget({name!r}, where={{{key!r}: ...}}): {_right(key, FIELDS)}"
            )
        if not isinstance(wanted, str):
            raise ConfigurationError(
                f"Budget({name!r}, where={{{key!r}: {wanted!r}}}): give a string"
            )
        if key in _WITHOUT_STAR and "*" in wanted[:-1]:
            raise ConfigurationError(
                f"Budget({name!r}, where={{{key!r}: {wanted!r}}}): it would hold for no "
                "call, as '*' stands for any ending, and only there: write 'gpt-5*'"
            )
    return checked


def checked_action(name: str, action: Any) -> Any:
    """`warn`, `raise`, `block`, or the app's own function."""
    if isinstance(action, str) and action in ACTIONS:
        return action
    if callable(action) and not isinstance(action, type):
        if inspect.iscoroutinefunction(action) or inspect.iscoroutinefunction(action.__call__):
            raise ConfigurationError(
                f"Budget({name!r}, action=...): an action is a plain function; async ones go into "
                "alerts=[...]"
            )
        return action
    raise ConfigurationError(
        f"Budget({name!r}, action={action!r}): use 'warn', 'raise', 'block' or a function of one "
        "Alert"
    )


def checked_thresholds(name: str, thresholds: Any) -> tuple[float, ...]:
    """Shares of the limit, from the lowest up."""
    is_list = isinstance(thresholds, Sequence) and not isinstance(thresholds, str)
    if not is_list or not thresholds or not all(map(_is_share, thresholds)):
        raise ConfigurationError(
            f"Budget({name!r}, thresholds={thresholds!r}): give shares of the limit, such as "
            "(0.5, 0.8, 1.0)"
        )
    return tuple(sorted({float(share) for share in thresholds}))


def _is_share(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0 < value <= 10


def checked_choice(name: str, word: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if value not in choices:
        raise ConfigurationError(
            f"Budget({name!r}, {word}={value!r}): use {' or '.join(map(repr, choices))}"
        )
    return str(value)
