"""Which shape a provider's export has: told by what stands in it, not by its name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import structs

from costspan.errors import ConfigurationError
from costspan.export import compression
from costspan.report.reconciling import anthropic, aws, openai
from costspan.report.reconciling.statement import Statement

_Rows = Iterable[Mapping[str, str]]

_CSVS: tuple[tuple[frozenset[str], Callable[[_Rows], Statement]], ...] = (
    (frozenset(("line_item_unblended_cost", "line_item_usage_type")), aws.of_csv),
    (frozenset(("amount_value", "start_time")), openai.of_csv),
    (frozenset(("usage_date_utc", "usage_output_tokens")), anthropic.of_usage_csv),
    (frozenset(("usage_date_utc", "cost_usd")), anthropic.of_cost_csv),
)
"""Columns that must be there, and who reads them."""

_KNOWN = (
    "OpenAI costs and completions usage (JSON), Anthropic cost and usage reports (JSON), the CSV "
    "of their consoles, AWS cost and usage reports (CSV)"
)
_FAULTS = (KeyError, TypeError, AttributeError, ValueError, ArithmeticError, csv.Error)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read(path: Path) -> Statement:
    """What a file says, plain or compressed.

    Raises:
        ConfigurationError: it cannot be read, is of no known shape, or holds something else than
            its shape wants; the message says what, and what to do.
    """
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder: name one file, the provider's export")
    faults = compression.faults()
    try:
        with compression.reading(path) as file:
            return _read(path, file)
    except ConfigurationError:
        raise
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file") from None
    except faults as fault:
        why = getattr(fault, "strerror", None) or fault
        raise ConfigurationError(f"{path} cannot be read: {why}") from None
    except UnicodeDecodeError as fault:
        raise ConfigurationError(
            f"{path} is no text in UTF-8 (byte {fault.start + 1}): save the export as UTF-8"
        ) from None


def _read(path: Path, file: IO[bytes]) -> Statement:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        first = text.read(1)
        while first.isspace():
            first = text.read(1)
        if not first:
            raise ConfigurationError(f"{path} is empty: download the export once more")
        if first in ("{", "["):
            return _of_pages(path, first + text.read())
        return _of_csv(path, first, text)


def _holds(place: object, fault: Exception) -> ConfigurationError:
    """Something else stands there than the shape wants."""
    if isinstance(fault, KeyError):
        what = f"there is no {fault.args[0]!r}"
    elif type(fault) in (ValueError, csv.Error):
        what = str(fault)
    else:
        what = "a value is of another kind than the provider documents"
    return ConfigurationError(
        f"{place}: {what}; download the export once more, unchanged (docs/reconcile.md says which)"
    )


def _pages(path: Path, text: str) -> Iterator[Any]:
    """One object, a list of them, or one a line.

    Raises:
        ConfigurationError: it is no JSON, or breaks off.
    """
    try:
        try:
            found = [_decode(text)]
        except msgspec.DecodeError:
            if "\n" not in text.strip():
                raise
            found = [_decode(line) for line in text.splitlines() if line.strip()]
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as fault:
        raise ConfigurationError(
            f"{path} is no whole JSON ({fault}): download the export once more"
        ) from None
    for one in found:
        yield from one if isinstance(one, list) else [one]


def _of_pages(path: Path, text: str) -> Statement:
    pages = list(_pages(path, text))
    try:
        shape = _shape(pages)
        if shape is None:
            raise _unknown(path)
        is_whole = not (pages and pages[-1].get("has_more"))
        return structs.replace(shape(pages), is_whole=is_whole)
    except _FAULTS as fault:
        raise _holds(path, fault) from None


def _shape(pages: list[Any]) -> Callable[[Iterable[Mapping[str, Any]]], Statement] | None:
    buckets = [
        bucket
        for page in pages
        if isinstance(page, dict) and isinstance(page.get("data"), list)
        for bucket in page["data"]
        if isinstance(bucket, dict) and isinstance(bucket.get("results"), list)
    ]
    result: dict[str, Any] = next((one for bucket in buckets for one in bucket["results"]), {})
    if any("start_time" in bucket for bucket in buckets):
        is_usage = result.get("object") == openai.USAGE
        if not is_usage and result and result.get("object") != openai.COSTS:
            return None
        return openai.of_usage if is_usage else openai.of_costs
    if any("starting_at" in bucket for bucket in buckets):
        is_usage = "uncached_input_tokens" in result
        if not is_usage and result and "amount" not in result:
            return None
        return anthropic.of_usage if is_usage else anthropic.of_costs
    return None


def _of_csv(path: Path, first: str, text: io.TextIOWrapper) -> Statement:
    head = next(csv.reader([first + text.readline()]), [])
    columns = [aws.column(name) for name in head]
    for wanted, reader in _CSVS:
        if wanted <= set(columns):
            rows = csv.DictReader(text, columns)
            try:
                return reader(map(_whole, rows))
            except UnicodeDecodeError:
                raise
            except _FAULTS as fault:
                raise _holds(f"{path}:{rows.line_num + 1}", fault) from None
    raise _unknown(path)


def _whole(row: Mapping[str, str]) -> Mapping[str, str]:
    if None in row.values():
        raise ValueError("the line breaks off")
    return row


def _unknown(path: Path) -> ConfigurationError:
    return ConfigurationError(f"{path} is of no shape that is known here: name one of {_KNOWN}")
