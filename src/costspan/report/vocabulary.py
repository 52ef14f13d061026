"""The words of a report: what it sums by, and the fields that an expression may name."""

from __future__ import annotations

from collections.abc import Mapping

from costspan.errors import ConfigurationError

NONE = "(none)"
OTHER = "(other)"

TAG = "tag:"
TIMES = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
"""Words for the UTC period of a call's end, and how it is written."""

_COLUMNS = {
    "agent": "agent",
    "session": "session_id",
    "endpoint": "endpoint",
    "user": "user_id",
    "model": "model",
    "provider": "provider",
    "trace": "trace_id",
    "call": "span_id",
}
_FORMER_WORDS = {column: word for word, column in _COLUMNS.items() if word != column}

NUMBERS = {
    "schema": "INTEGER",
    "latency_ms": "DOUBLE",
    "time_to_first_token_ms": "DOUBLE",
    "time_to_first_chunk_ms": "DOUBLE",
    "runtime_seconds": "DECIMAL(18,6)",
    "http_status": "INTEGER",
    "stream": "BOOLEAN",
    "retries": "INTEGER",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "total_tokens": "BIGINT",
    "cached_tokens": "BIGINT",
    "cache_write_tokens": "BIGINT",
    "cache_write_1h_tokens": "BIGINT",
    "reasoning_tokens": "BIGINT",
    "web_searches": "BIGINT",
    "estimated_input_tokens": "BIGINT",
    "estimated_output_tokens": "BIGINT",
    "server_port": "INTEGER",
}
_OTHERS = {
    "timestamp": "TIMESTAMP",
    "missing": "VARCHAR[]",
    "finish_reasons": "VARCHAR[]",
}
MONEY = "DECIMAL(38,12)"


def type_of(field: str) -> str:
    """The SQL type that a field of the calls file is read as; `tags` has none of its own."""
    if field.endswith("_usd"):
        return MONEY
    return NUMBERS.get(field) or _OTHERS.get(field, "VARCHAR")


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def printable(text: str) -> str:
    """A text in which nothing breaks the line or speaks to the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def pattern(path: object) -> str:
    """A path as a pattern that only this path fits: DuckDB takes each for a pattern."""
    return "".join(f"[{c}]" if c in "[*?" else c for c in str(path))


def is_word(word: str) -> bool:
    """Whether a report can be by it."""
    return word in _COLUMNS or word in TIMES or (word.startswith(TAG) and len(word) > len(TAG))


def former_word(field: str) -> str | None:
    """The word for a field of a line that goes by another name, such as `user` for `user_id`."""
    return _FORMER_WORDS.get(field)


def checked_word(word: str) -> str:
    """`word` if a report can be by it.

    Raises:
        ConfigurationError: it cannot; the message names the right word.
    """
    if is_word(word):
        return word
    right = former_word(word)
    words = ", ".join((*_COLUMNS, *TIMES))
    hint = f"write {right}" if right else f"use one of {words} or tag:KEY"
    raise ConfigurationError(f"there is no report by {word!r}: {hint}")


def key_of(word: str, tags: Mapping[str, str]) -> str:
    """The SQL expression that calls are put together by, for a checked word.

    Args:
        tags: the name of each key in the structure `tags`.
    """
    if word in TIMES:
        return f"strftime(timestamp, {text(TIMES[word])})"
    if word.startswith(TAG):
        return f"tags.{quoted(tags[word[len(TAG) :]])}"
    return _COLUMNS[word]


def field_of(word: str) -> str:
    """The field of a line that a checked word reads; `tags` for a tag."""
    if word in TIMES:
        return "timestamp"
    return "tags" if word.startswith(TAG) else _COLUMNS[word]
