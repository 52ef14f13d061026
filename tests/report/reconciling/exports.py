"""Exports of providers, written by hand after the shapes that they document."""

import json
from pathlib import Path
from typing import Any

CONSOLES = Path(__file__).with_name("consoles")

DAY_20, DAY_21, DAY_22 = 1795132800, 1795219200, 1795305600
"""The beginnings of 2026-11-20, -21 and -22 (UTC), in seconds since the epoch."""


def openai_costs(*days: list[dict[str, Any]], **page: Any) -> dict[str, Any]:
    """A page of GET /v1/organization/costs, from 2026-11-20 on."""
    return {
        "object": "page",
        "data": [
            {"object": "bucket", "start_time": DAY_20 + at * 86400,
             "end_time": DAY_20 + (at + 1) * 86400, "results": results}
            for at, results in enumerate(days)
        ],
        "has_more": False,
        "next_page": None,
    } | page  # fmt: skip


def cost(value: float, line_item: str | None = None, currency: str = "usd") -> dict[str, Any]:
    """One result of a page of costs."""
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": currency},
        "line_item": line_item,
        "project_id": None,
    }


def usage(model: str | None, tokens_in: int, tokens_out: int, requests: int) -> dict[str, Any]:
    """One result of GET /v1/organization/usage/completions."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "input_cached_tokens": tokens_in // 2,
        "num_model_requests": requests,
        "model": model,
        "batch": None,
    }


ANTHROPIC_COSTS = {
    "data": [
        {
            "starting_at": "2026-11-20T00:00:00Z",
            "ending_at": "2026-11-21T00:00:00Z",
            "results": [
                {"currency": "USD", "amount": "123.78912", "workspace_id": None,
                 "description": "Claude Sonnet 4.5 Usage - Input Tokens", "cost_type": "tokens",
                 "context_window": "0-200k", "model": "claude-sonnet-4-5-20250929",
                 "service_tier": "batch", "token_type": "uncached_input_tokens"},
                {"currency": "USD", "amount": "20", "workspace_id": None,
                 "description": "Web Search Usage", "cost_type": "web_search",
                 "context_window": None, "model": None, "service_tier": None, "token_type": None},
            ],
        },
        {"starting_at": "2026-11-21T00:00:00Z", "ending_at": "2026-11-22T00:00:00Z",
         "results": []},
    ],
    "has_more": True,
    "next_page": "page_2",
}  # fmt: skip

ANTHROPIC_USAGE = {
    "data": [
        {
            "starting_at": "2026-11-20T23:00:00Z",
            "ending_at": "2026-11-21T00:00:00Z",
            "results": [
                {"uncached_input_tokens": 1500, "cache_read_input_tokens": 200,
                 "cache_creation": {"ephemeral_1h_input_tokens": 1000,
                                    "ephemeral_5m_input_tokens": 500},
                 "output_tokens": 50, "server_tool_use": {"web_search_requests": 10},
                 "api_key_id": None, "workspace_id": None,
                 "model": "claude-sonnet-4-5-20250929", "service_tier": "standard",
                 "context_window": "0-200k"},
            ],
        },
    ],
    "has_more": False,
    "next_page": None,
}  # fmt: skip

OPENAI_CSV = (CONSOLES / "openai_costs.csv").read_text("utf-8")
ANTHROPIC_COST_CSV = (CONSOLES / "anthropic_costs.csv").read_text("utf-8")
ANTHROPIC_USAGE_CSV = (CONSOLES / "anthropic_usage.csv").read_text("utf-8")
LEGACY_CUR = (CONSOLES / "aws_legacy_cur.csv").read_text("utf-8")
CUR_2 = (CONSOLES / "aws_cur_2.csv").read_text("utf-8")


def write_json(path: Path, *pages: Any) -> Path:
    """A file of one page, or of several as a list."""
    path.write_text(json.dumps(pages[0] if len(pages) == 1 else pages), encoding="utf-8")
    return path
