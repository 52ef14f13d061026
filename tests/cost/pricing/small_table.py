"""A price table of a few invented rows, one for each thing that a row can say."""

import json
from pathlib import Path
from typing import Any


def written(folder: Path) -> Path:
    """The table as a file in the format of genai-prices."""
    path = folder / "table.json"
    path.write_text(json.dumps(TABLE), encoding="utf-8")
    return path


def _model(name: str, match: dict[str, Any], prices: Any, **more: Any) -> dict[str, Any]:
    return {"id": name, "match": match, "prices": prices, **more}


TABLE = [
    {
        "id": "aardvark",
        "name": "Aardvark",
        "api_pattern": "aardvark",
        "models": [
            _model("plain-1", {"starts_with": "plain"}, {"input_mtok": 3, "output_mtok": 9}),
            _model("only-here", {"equals": "only-here"}, {"input_mtok": 1, "output_mtok": 1}),
            _model(
                "by-night",
                {"and": [{"contains": "night"}, {"ends_with": "9"}]},
                [
                    {"prices": {"input_mtok": 4, "output_mtok": 8}},
                    {
                        "constraint": {"start_time": "16:30:00Z", "end_time": "23:00:00Z"},
                        "prices": {"input_mtok": 2, "output_mtok": 4},
                    },
                ],
            ),
        ],
    },
    {
        "id": "azure",
        "name": "Azure",
        "api_pattern": "azure",
        "fallback_model_providers": ["openai"],
        "models": [_model("else", {"equals": "else"}, {"input_mtok": 1, "output_mtok": 1})],
    },
    {
        "id": "openai",
        "name": "OpenAI",
        "api_pattern": "openai",
        "models": [
            _model(
                "plain-1",
                {"or": [{"equals": "plain-1"}, {"regex": "^plain-1-\\d+$"}]},
                [
                    {"prices": {"input_mtok": 2, "output_mtok": 6}},
                    {
                        "constraint": {"start_date": "2026-03-13"},
                        "prices": {
                            "input_mtok": 1.5,
                            "cache_read_mtok": 0.15,
                            "output_mtok": 6,
                            "web_searches_kcount": 10,
                        },
                    },
                    {
                        "constraint": {"start_date": "2027-01-01"},
                        "prices": {"input_mtok": 1, "output_mtok": 5},
                    },
                ],
                price_variants=[
                    {
                        "when": {"processing": "batch"},
                        "prices": {"input_mtok": 0.75, "output_mtok": 3},
                        "constraint": {"start_date": "2026-10-14"},
                    },
                    {"when": {"speed": "fast"}, "prices": {"input_mtok": 3, "output_mtok": 12}},
                    {"when": {"service_tier": "default"}, "prices": {}},
                ],
            ),
            _model(
                "long-1",
                {"equals": "long-1"},
                {
                    "input_mtok": {"base": 1, "tiers": [{"start": 200000, "price": 2}]},
                    "output_mtok": {"base": 10, "tiers": [{"start": 200000, "price": 15}]},
                },
            ),
        ],
    },
]
