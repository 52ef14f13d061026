"""One model under several names: with a date or without, with a region, as a person writes it."""

from __future__ import annotations

import re

_END = re.compile(
    r"([-@_ ](20\d\d)-?(0[1-9]|1[0-2])-?([0-2]\d|3[01])|-v\d+(:\d+)?|[-@]latest|[-@]default"
    r"|-(preview|exp))$"
)
_BEFORE = re.compile(
    r"^(models/|publishers/\w+/models/)|^((us|eu|apac|global|jp|au|ca|us-gov)\.)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer|google"
    r"|moonshot|moonshotai|minimax|nvidia|zai|xai)\."
)
_PARTS = re.compile(r"[a-z]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SAY_NOTHING = frozenset({"instruct", "model"})


def undated(name: str) -> str:
    """A model's name without the date, version and region that may stand around it."""
    found = _BEFORE.sub("", name.strip())
    while (shorter := _END.sub("", found)) != found and shorter:
        found = shorter
    return found


def key_of(name: str) -> tuple[str, ...]:
    """What the names of one model have in common: its words and numbers, in whatever order.

    `claude-sonnet-4-5-20250929`, `Claude Sonnet 4.5` and `Claude4.5Sonnet` are one.
    """
    words = _PARTS.findall(_CAMEL.sub(" ", undated(name)).lower())
    return tuple(sorted(word for word in words if word not in _SAY_NOTHING))
