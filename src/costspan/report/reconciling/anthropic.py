"""Anthropic's exports: pages of the cost report and of the usage report, and the Console's CSV.

The pages are those of `GET /v1/organizations/cost_report` and `/usage_report/messages`
(https://platform.claude.com/docs/en/api/admin/cost_report, read 2026-11-22): amounts are strings
of cents. That the Console exports CSV is documented, its columns are not; these are the ones that
its users describe (August 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from costspan.report.reconciling.statement import (
    Item,
    Statement,
    amount_of,
    day_of,
    in_usd,
    name_of,
    statement_of,
)

_CENTS = -2


def of_costs(pages: Iterable[Mapping[str, Any]]) -> Statement:
    """The pages of costs, a day each."""
    buckets = list(_buckets(pages))
    items = (_cost(bucket, result) for bucket in buckets for result in bucket["results"])
    days = [day_of(bucket["starting_at"]) for bucket in buckets]
    return statement_of("Anthropic cost report", "anthropic", "USD", items, days)


def _buckets(pages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from page["data"]


def _cost(bucket: Mapping[str, Any], said: Mapping[str, Any]) -> Item:
    in_usd(said.get("currency"))
    return Item(
        day=day_of(bucket["starting_at"]),
        name=str(said.get("description") or said.get("cost_type") or "(no description)"),
        model=name_of(said.get("model")),
        amount=amount_of(said["amount"]).scaleb(_CENTS),
        is_batch=said.get("service_tier") == "batch",
    )


def of_usage(pages: Iterable[Mapping[str, Any]]) -> Statement:
    """The pages of usage: tokens in, from and to the cache, and out."""
    buckets = list(_buckets(pages))
    items = (_usage(bucket, result) for bucket in buckets for result in bucket["results"])
    days = [day_of(bucket["starting_at"]) for bucket in buckets]
    return statement_of("Anthropic usage report", "anthropic", "tokens", items, days)


_TOKENS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")


def _usage(bucket: Mapping[str, Any], said: Mapping[str, Any]) -> Item:
    written = said.get("cache_creation") or {}
    counts = [said.get(name) for name in _TOKENS] + list(written.values())
    return Item(
        day=day_of(bucket["starting_at"]),
        name=str(said.get("model") or "(all models)"),
        model=name_of(said.get("model")),
        amount=sum(map(amount_of, counts), Decimal(0)),
        is_batch=said.get("service_tier") == "batch",
    )


def of_cost_csv(rows: Iterable[Mapping[str, str]]) -> Statement:
    """The Console's CSV of costs."""
    items = (
        Item(
            day=day_of(row["usage_date_utc"]),
            name=" ".join(filter(None, (row.get("model"), row.get("token_type")))) or "(no model)",
            model=row.get("model") or None,
            amount=amount_of(row["cost_usd"]),
            is_batch="batch" in (row.get("usage_type") or ""),
        )
        for row in rows
    )
    return statement_of("Anthropic costs, CSV", "anthropic", "USD", items)


_CSV_TOKENS = (
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
    "usage_output_tokens",
)


def of_usage_csv(rows: Iterable[Mapping[str, str]]) -> Statement:
    """The Console's CSV of usage."""
    items = (
        Item(
            day=day_of(row["usage_date_utc"]),
            name=row.get("model_version") or "(no model)",
            model=row.get("model_version") or None,
            amount=sum((amount_of(row.get(name)) for name in _CSV_TOKENS), Decimal(0)),
            is_batch="batch" in (row.get("usage_type") or ""),
        )
        for row in rows
    )
    return statement_of("Anthropic usage, CSV", "anthropic", "tokens", items)
