"""Token counts: the truth the tally keeps, and the odd usage bodies the wire may carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from costspan.testing.scenario import Scenario

CHARACTERS_PER_TOKEN = 4
# Larger than a signed 64-bit integer, which OTLP cannot carry.
HUGE = 10**20
_NOT_PROMPT = frozenset({"model", "stream", "metadata", "user", "role", "type", "id"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one call. `input` is the whole prompt, cached and written parts included."""

    input: int = 0
    cached: int = 0
    write5m: int = 0
    write1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def cache_write(self) -> int:
        """Prompt tokens written to the cache, both lifetimes together."""
        return self.write5m + self.write1h

    @property
    def fresh(self) -> int:
        """Prompt tokens neither read from the cache nor written to it."""
        return self.input - self.cached - self.cache_write


def count_text(text: str) -> int:
    """Tokens of a text: a quarter of its characters, at least one."""
    return max(1, -(-len(text) // CHARACTERS_PER_TOKEN))


def _pieces(value: object) -> Iterator[str | int]:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _pieces(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _NOT_PROMPT:
                yield from _pieces(item)


def count_prompt(prompt: object) -> int:
    """Tokens of a JSON value: its strings by length, its integers (token ids) one each."""
    pieces = list(_pieces(prompt))
    characters = sum(len(piece) for piece in pieces if isinstance(piece, str))
    ids = sum(1 for piece in pieces if isinstance(piece, int))
    return max(1, ids + -(-characters // CHARACTERS_PER_TOKEN))


def tokens_for(prompt: object, completion: str, choices: int, scenario: Scenario) -> Tokens:
    """The counts of one call.

    `tokens=` gives totals, raised to hold their parts; a derived count is the fresh part only
    and the parts come on top.
    """
    parts = scenario.cached + scenario.write5m + scenario.write1h
    if scenario.tokens is None:
        given = count_prompt(prompt) + parts
        made = count_text(completion) * choices + scenario.reasoning if completion else 0
    else:
        given = max(scenario.tokens[0], parts)
        made = max(scenario.tokens[1], scenario.reasoning)
    return Tokens(
        given, scenario.cached, scenario.write5m, scenario.write1h, made, scenario.reasoning
    )


def _distort(value: object, odd: str) -> object:
    if isinstance(value, dict):
        return {key: _distort(item, odd) for key, item in value.items()}
    if isinstance(value, list):
        return [_distort(item, odd) for item in value]
    if isinstance(value, int):
        return {"negative": -value - 1, "huge": HUGE, "text": "many"}[odd]
    return value


def put_usage(body: dict[str, Any], key: str, usage: dict[str, Any], scenario: Scenario) -> None:
    """Set `body[key]` to the usage object, or to what the scenario's `usage=` makes of it."""
    if scenario.usage == "missing":
        body.pop(key, None)
    elif scenario.usage == "null":
        body[key] = None
    else:
        extended = {**usage, "vendor_tokens": 7} if scenario.extra else usage
        body[key] = _distort(extended, scenario.usage) if scenario.usage else extended
