"""Lines of JSON that have a key twice: the first one counts.

RFC 8259 leaves open which one does, and readers differ: DuckDB, which reports read by, takes the
first, decoders of Python the last. No writer of ours makes such a line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def may_repeat(text: bytes, keys: int) -> bool:
    """Whether a line may have more keys than the `keys` that were found in it.

    It is true as well where a text has a quote and a colon in it, or where a space stands before a
    colon: then it costs time, and changes nothing.
    """
    return text.count(b'":') != keys


def decoded_by(decode: Callable[[bytes], Any], text: bytes) -> Any:
    """What a decoder makes of a line, each key being the first of its name."""
    found = decode(text)
    if not isinstance(found, dict):
        return found
    tags = found.get("tags")
    keys = len(found) + (len(tags) if isinstance(tags, dict) else 0)
    return decode(first_of_each(text)) if may_repeat(text, keys) else found


def first_of_each(text: bytes) -> bytes:
    """The same line with the first of each key alone, in every object; numbers as they stand.

    Raises:
        ValueError, RecursionError: it is no JSON, or nested too deep.
    """
    found = json.loads(
        text, object_pairs_hook=_first, parse_float=_raw, parse_int=_raw, parse_constant=_refused
    )
    return _encode(found)


def _first(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _raw(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


def _refused(constant: str) -> Any:
    raise ValueError(constant)
