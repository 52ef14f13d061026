"""Lengths of time as a person writes them: `"90d"`, `"6h"`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from costspan.errors import ConfigurationError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_UNITS_DOWN = ("days", "hours", "minutes", "seconds")
_MOST_DIGITS = 6


def duration(setting: str, text: Any) -> timedelta:
    """The length of time that `text` says.

    Args:
        setting: what it is the value of, for the error's text.
        text: a whole number above 0 and one of s, m, h, d, w.

    Raises:
        ConfigurationError: it is none.
    """
    found = re.fullmatch(rf"0*([1-9]\d{{,{_MOST_DIGITS - 1}}})([smhdw])", str(text))
    if found is None or not isinstance(text, str):
        raise ConfigurationError(
            f"{setting}={text!r} is no length of time: write a number with one of s, m, h, d, w, "
            'such as "6h" or "90d"'
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def in_words(length: timedelta) -> str:
    """A length of time that `duration` gave, as a sentence has it: `6 hours`."""
    name = next(name for name in _UNITS_DOWN if not length % timedelta(**{name: 1}))
    count = length // timedelta(**{name: 1})
    return f"{count} {name if count > 1 else name[:-1]}"
