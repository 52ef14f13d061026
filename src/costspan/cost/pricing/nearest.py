"""Which known name was meant by one that nobody knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LEAST_ALIKE = 0.7
_LEAST_ALIKE_AS_WRITTEN = 0.55
_SHORTENED = 0.5
_LENGTHENED = 0.12
"""What speaks for a name that has all the pieces of the asked one, or none besides them."""


def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The names most like `name`, the best first; none where nothing looks like it.

    The words of a model's id may stand in any order (`claude-haiku-3-5` is
    `claude-3-5-haiku-latest`), and some be left out (`opus-4.5`) or added (`gpt-4o-mine`). Its
    numbers are its version: they are held to be meant as written, so that the offer is a model of
    the same age rather than the one with the fewest other letters.
    """
    scored = []
    words, numbers, pieces = _words(name), _numbers(name), _pieces(name)
    for other in known:
        written = _alike(name.lower(), other.lower())
        alike = max(written, _alike(words, _words(other)))
        theirs = _pieces(other)
        shortened = len(pieces) > 1 and pieces <= theirs
        if shortened or (alike >= _LEAST_ALIKE and written >= _LEAST_ALIKE_AS_WRITTEN):
            score = alike + _shared(numbers, _numbers(other))
            score += _SHORTENED * shortened + _LENGTHENED * (theirs <= pieces)
            scored.append((score, written, other))
    return [other for *_, other in sorted(scored, reverse=True)[:most]]


def _alike(one: str, other: str) -> float:
    """How alike two texts are, from 0 to 1; 0 where they are less so than any that count."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if matcher.quick_ratio() < _LEAST_ALIKE_AS_WRITTEN:
        return 0.0
    return matcher.ratio()


def _words(name: str) -> str:
    return " ".join(sorted(re.findall(r"[^\W\d_]+", name.lower())))


def _pieces(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+|\d+", name.lower()))


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def _shared(some: list[str], others: list[str]) -> float:
    """How much two lists have in common, from 0 to 1."""
    if not some and not others:
        return 1.0
    rest = list(others)
    common = 0
    for one in some:
        if one in rest:
            rest.remove(one)
            common += 1
    return 2 * common / (len(some) + len(others))
