"""OpenAI's exports: pages of the organization's costs and usage, and the dashboard's CSV.

The pages are those of `GET /v1/organization/costs` and `/v1/organization/usage/completions`
(https://platform.openai.com/docs/api-reference/usage, read 2026-11-22). The columns of the CSV
are not documented by OpenAI; these are the ones that its users describe (September 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import structs

from costspan.report.reconciling.statement import (
    Item,
    Statement,
    amount_of,
    day_of,
    in_usd,
    name_of,
    statement_of,
)

COSTS, USAGE = "organization.costs.result", "organization.usage.completions.result"

_MODEL = re.compile(
    r"(gpt|chatgpt|o\d|codex|computer-use|text-embedding|tts|whisper|dall-e|sora|omni|davinci|"
    r"babbage|ft:)[\w.:-]*",
    re.IGNORECASE,
)
"""How the names of OpenAI's models begin: what else stands in a line item is a fee of its own."""


def of_costs(pages: Iterable[Mapping[str, Any]]) -> Statement:
    """The pages of costs, a day each."""
    buckets = list(_buckets(pages))
    items = (
        _cost(bucket, result["amount"]["value"], result["amount"].get("currency"), result)
        for bucket in buckets
        for result in bucket["results"]
    )
    days = [day_of(bucket["start_time"]) for bucket in buckets]
    return statement_of("OpenAI costs", "openai", "USD", items, days)


def _buckets(pages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from page["data"]


def _cost(bucket: Mapping[str, Any], usd: Any, currency: Any, said: Mapping[str, Any]) -> Item:
    in_usd(currency)
    name = str(said.get("line_item") or "")
    head = name.partition(",")[0].strip()
    return Item(
        day=day_of(bucket["start_time"]),
        name=name or "(no line item)",
        model=head if _MODEL.fullmatch(head) else None,
        amount=amount_of(usd),
        is_batch="batch" in name.lower(),
    )


def of_usage(pages: Iterable[Mapping[str, Any]]) -> Statement:
    """The pages of completions: tokens in (cached ones included) and out, of text and audio."""
    buckets = list(_buckets(pages))
    items = (_usage(bucket, result) for bucket in buckets for result in bucket["results"])
    days = [day_of(bucket["start_time"]) for bucket in buckets]
    found = statement_of("OpenAI usage", "openai", "tokens", items, days)
    return structs.replace(found, calls=_COMPLETIONS)


_COMPLETIONS = "operation not in ('embeddings', 'moderation')"
"""Those have pages of their own."""

_TOKENS = ("input_tokens", "output_tokens", "input_audio_tokens", "output_audio_tokens")


def _usage(bucket: Mapping[str, Any], said: Mapping[str, Any]) -> Item:
    return Item(
        day=day_of(bucket["start_time"]),
        name=str(said.get("model") or "(all models)"),
        model=name_of(said.get("model")),
        amount=sum((amount_of(said.get(name)) for name in _TOKENS), Decimal(0)),
        requests=said.get("num_model_requests"),
        is_batch=bool(said.get("batch")),
    )


def of_csv(rows: Iterable[Mapping[str, str]]) -> Statement:
    """The dashboard's CSV of costs; a day without any has a row without an amount."""
    days, items = [], []
    for row in rows:
        start = row.get("start_time_iso") or row["start_time"]
        days.append(day_of(start))
        if row["amount_value"]:
            found = _cost(
                {"start_time": start}, row["amount_value"], row.get("amount_currency"), row
            )
            items.append(found)
    return statement_of("OpenAI costs, CSV", "openai", "USD", items, days)
