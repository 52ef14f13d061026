"""Who bills a call: the conventions' names of providers, and those of the price table."""

from __future__ import annotations

from collections.abc import Mapping

_TABLE_NAMES: Mapping[str, str] = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
}
"""The conventions' provider names that the table spells otherwise."""

CONVENTION_NAMES = tuple(_TABLE_NAMES)


def table_name(provider: str) -> str:
    """How the price table calls a provider."""
    return _TABLE_NAMES.get(provider, provider)


def convention_name(seller: str) -> str:
    """How a span calls a provider of the price table; of several names the first."""
    return next((ours for ours, theirs in _TABLE_NAMES.items() if theirs == seller), seller)
