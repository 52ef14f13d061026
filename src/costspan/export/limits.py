"""Sizes and ages as people write them: "50 MB", "30d"."""

from __future__ import annotations

import re
from typing import Any

from costspan.errors import ConfigurationError

_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_BYTES = {
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "tib": 1024**4,
}
_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}


def size_of(text: Any) -> int | None:
    """Bytes, such as 50,000,000 for "50 MB"; None for what is no size."""
    return _scaled(text, _BYTES)


def age_of(text: Any) -> int | None:
    """Seconds, such as 2,592,000 for "30d"; None for what is no age."""
    return _scaled(text, _SECONDS)


def _scaled(text: Any, units: dict[str, int]) -> int | None:
    found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[2].lower() not in units:
        return None
    return round(float(found[1]) * units[found[2].lower()])


def rotation_of(rotate: Any) -> tuple[str, int | None]:
    """The unit of time, and the bytes, after which another file begins.

    Raises:
        ConfigurationError: it is neither.
    """
    units, sizes = [], []
    for word in _each(rotate):
        size = size_of(word)
        if word in ("day", "hour"):
            units.append(word)
        elif size:
            sizes.append(size)
        else:
            raise _wrong("rotate", rotate, '"day", "hour", a size such as "50 MB", or two of them')
    if len(units) > 1 or len(sizes) > 1:
        raise _wrong("rotate", rotate, 'one unit of time and one size, ("hour", "50 MB")')
    return (units or ["day"])[0], sizes[0] if sizes else None


def retention_of(keep: Any) -> tuple[int | None, int | None]:
    """The seconds and the bytes that closed files are kept for; None for no limit.

    Raises:
        ConfigurationError: it is neither.
    """
    if keep is None:
        return None, None
    ages, sizes = [], []
    for word in _each(keep):
        age, size = age_of(word), size_of(word)
        if age:
            ages.append(age)
        elif size:
            sizes.append(size)
        else:
            raise _wrong("keep", keep, 'an age such as "30d", a size such as "1 GB", or both')
    if len(ages) > 1 or len(sizes) > 1:
        raise _wrong("keep", keep, 'one age and one size, ("30d", "1 GB")')
    return ages[0] if ages else None, sizes[0] if sizes else None


def _each(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) and value else (value,)


def _wrong(name: str, value: Any, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"LocalFiles({name}={value!r}): give {remedy}")
