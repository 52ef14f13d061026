"""The columns of FOCUS 1.4's Cost and Usage dataset that are written, and one row of them.

FOCUS 1.4 was ratified on 2026-06-04 (https://focus.finops.org/focus-specification/). Names and
rules are those of `specification/datasets/cost_and_usage` in its repository: every mandatory
column, in the alphabetical order of the specification, and those others that calls can fill.
Columns of our own come last and begin with `x_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from msgspec import Struct

VERSION = "1.4"

MANDATORY = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
)
"""The columns that the specification demands of every dataset."""

_OTHERS = (
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
)
_SECOND = timedelta(seconds=1)
_OURS = ("x_Calls", "x_InputTokens", "x_CachedTokens", "x_OutputTokens", "x_PartialCalls")

COLUMNS = (*sorted((*MANDATORY, *_OTHERS)), *_OURS)
"""The head of the file."""

_SAME = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceSubcategory": "Generative AI",
}
"""What every row says."""

_SERVICES = {
    "openai": ("OpenAI", "OpenAI API"),
    "anthropic": ("Anthropic", "Claude API"),
    "gcp.gemini": ("Google Cloud", "Gemini API"),
    "gcp.vertex_ai": ("Google Cloud", "Vertex AI"),
    "aws.bedrock": ("AWS", "Amazon Bedrock"),
    "azure.ai.openai": ("Microsoft", "Azure OpenAI"),
    "azure.ai.inference": ("Microsoft", "Azure AI"),
    "cohere": ("Cohere", "Cohere API"),
    "deepseek": ("DeepSeek", "DeepSeek API"),
    "groq": ("Groq", "Groq API"),
    "mistral_ai": ("Mistral AI", "Mistral API"),
    "openrouter": ("OpenRouter", "OpenRouter"),
    "perplexity": ("Perplexity", "Perplexity API"),
    "x_ai": ("xAI", "xAI API"),
}
"""Our providers, and the names of provider and service; another one goes by its own name."""


class Charge(Struct, frozen=True, kw_only=True):
    """What one row says.

    Attributes:
        list_usd: US dollars at the provider's published prices, as in the calls files.
        billed_usd: what whoever is billed pays for it.
        since, until: of the charge, UTC without a zone; `until` is the first moment after it.
        keys: the words that rows were asked by, and what they are of this one.
    """

    provider: str
    model: str | None
    since: datetime
    until: datetime
    list_usd: Decimal
    billed_usd: Decimal
    calls: int
    partial_calls: int
    total_tokens: int | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    keys: Mapping[str, str | None]


def row_of(charge: Charge, account: str, issuer: str | None) -> dict[str, object]:
    """The cells of a row; None is NULL, an empty cell."""
    provider, service = _SERVICES.get(charge.provider, (charge.provider, charge.provider))
    last = charge.until - _SECOND
    month = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sku = charge.model or service
    quantity, unit = _quantity(charge)
    first = next(iter(charge.keys.values()), None)
    tags = {word: value for word, value in charge.keys.items() if value is not None}
    return {
        **_SAME,
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost"), charge.billed_usd),
        "BillingAccountId": account,
        "BillingPeriodEnd": _written(_next_month(month)),
        "BillingPeriodStart": _written(month),
        "ChargeDescription": f"{charge.calls} {'call' if charge.calls == 1 else 'calls'} of {sku}",
        "ChargePeriodEnd": _written(charge.until),
        "ChargePeriodStart": _written(charge.since),
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "HostProviderName": provider,
        "InvoiceIssuerName": issuer or provider,
        "ListCost": charge.list_usd,
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "ServiceName": service,
        "ServiceProviderName": provider,
        "SkuId": sku,
        "SkuMeter": unit,
        "SkuPriceId": f"{charge.provider}/{sku}",
        "SubAccountId": first,
        "SubAccountName": first,
        "Tags": msgspec.json.encode(tags).decode() if tags else None,
        "x_Calls": charge.calls,
        "x_InputTokens": charge.input_tokens,
        "x_CachedTokens": charge.cached_tokens,
        "x_OutputTokens": charge.output_tokens,
        "x_PartialCalls": charge.partial_calls,
    }


def _quantity(charge: Charge) -> tuple[int, str]:
    """How much of what; where no tokens are known, calls are counted."""
    if charge.total_tokens is None:
        return charge.calls, "Requests"
    return charge.total_tokens, "Tokens"


def _next_month(month: datetime) -> datetime:
    year, before = divmod(month.year * 12 + month.month, 12)
    return month.replace(year=year, month=before + 1)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "Z"
