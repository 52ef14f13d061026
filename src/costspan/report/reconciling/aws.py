"""AWS cost and usage reports as CSV, legacy CUR and CUR 2.0: the lines of Amazon Bedrock.

Columns are those of https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html and
of its page of the legacy report (read 2026-11-22). What a model is called is not documented; it
stands in the usage type (`USE1-Claude4.5Sonnet-input-tokens`), and for models that are billed
through the Marketplace in the product's name (`Claude Sonnet 4.5 (Amazon Bedrock Edition)`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from costspan.report.reconciling.statement import (
    Item,
    Statement,
    amount_of,
    day_of,
    in_usd,
    statement_of,
)

_REGION = re.compile(r"^[A-Z]{2,4}\d?-")
_WHAT = re.compile(
    r"[-_.](mantle[-_])?(text-|image-|audio-|video-)?(prompt-)?"
    r"(input|output|cache[-_]?(read|write)|latencyoptimized|custom|provisioned|model|batch)"
    r"([-_ ].*)?$",
    re.IGNORECASE,
)
_MARKETPLACE = re.compile(r"\s*\((?:Amazon )?Bedrock Edition\)", re.IGNORECASE)
_KINDS = {"Tax": "tax", "Credit": "credit", "Refund": "credit"}


def column(name: str) -> str:
    """A column's name as CUR 2.0 has it, of either: `lineItem/UsageType` is
    `line_item_usage_type`.
    """
    if "/" not in name:
        return name.strip().lower()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace("/", "_"))
    return words.lower().replace("__", "_")


def of_csv(rows: Iterable[Mapping[str, str]]) -> Statement:
    """The rows of Amazon Bedrock; all others are passed over."""
    return statement_of("AWS cost and usage report", "aws.bedrock", "USD", _items(rows))


def _items(rows: Iterable[Mapping[str, str]]) -> Iterator[Item]:
    for row in rows:
        product = _product(row)
        if not _is_bedrock(row, product):
            continue
        in_usd(row.get("line_item_currency_code"))
        usage_type = row.get("line_item_usage_type") or ""
        of_type = row.get("line_item_line_item_type") or "Usage"
        kind = _kind(of_type)
        yield Item(
            day=day_of(row["line_item_usage_start_date"]),
            name=row.get("line_item_line_item_description") or usage_type or of_type,
            model=_model(usage_type, product) if kind == "usage" else None,
            amount=amount_of(row.get("line_item_unblended_cost")),
            kind=kind,
            is_batch="batch" in usage_type.lower(),
        )


def _kind(of_type: str) -> str:
    if of_type in _KINDS:
        return _KINDS[of_type]
    if of_type.endswith("Discount"):
        return "credit"
    return "usage" if of_type.endswith("Usage") else "fee"


def _product(row: Mapping[str, str]) -> str:
    """The product's name, a column of its own or a key of the column that holds them all."""
    name = row.get("product_product_name")
    if name is None and (row.get("product") or "").startswith("{"):
        try:
            name = msgspec.json.decode(row["product"], type=dict).get("product_name")
        except msgspec.MsgspecError:
            name = None
    return str(name or "")


def _is_bedrock(row: Mapping[str, str], product: str) -> bool:
    code = row.get("line_item_product_code") or ""
    return code.startswith("AmazonBedrock") or "bedrock" in product.lower()


def _model(usage_type: str, product: str) -> str | None:
    if _MARKETPLACE.search(product):
        return _MARKETPLACE.sub("", product)
    name = _REGION.sub("", usage_type)
    found = _WHAT.search(name)
    return name[: found.start()] or None if found else None
