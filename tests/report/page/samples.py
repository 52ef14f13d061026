"""Folders of calls files for the page: three weeks of six agents, one call, none, odd names."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.report.folders import LINE, line, write

PRICES: dict[str, tuple[str, str | None, str | None, str | None, str | None]] = {
    "gpt-5.2": ("openai", "1.75", "0.175", None, "14"),
    "gpt-5-mini": ("openai", "0.25", "0.025", None, "2"),
    "claude-opus-4-5": ("anthropic", "5", "0.5", "6.25", "25"),
    "claude-haiku-4-5": ("anthropic", "1", "0.1", "1.25", "5"),
    "gemini-3-pro": ("gemini", "2", "0.2", None, "12"),
    "llama3.3": ("ollama", None, None, None, None),
}
"""Provider, and dollars of a million tokens of input, cache reads, cache writes and output."""

AGENTS = {
    "code_reviewer": ("/review", "claude-opus-4-5", "gpt-5.2"),
    "test_writer": ("/tests", "gpt-5.2", "gpt-5-mini"),
    "docs_generator": ("/docs/{page}", "claude-haiku-4-5", "gpt-5-mini"),
    "support_triage": ("/tickets/{id}/triage", "gpt-5-mini", "gemini-3-pro"),
    "planner": ("/plan", "claude-opus-4-5", "gemini-3-pro"),
    None: (None, "gpt-5-mini", "llama3.3"),
}
"""Endpoint and models of each."""

DAYS = 21
_FIRST = datetime(2026, 11, 1, tzinfo=UTC)
_UNKNOWN = {name: None for name in LINE if name.endswith(("_tokens", "_usd"))}

NAMES = (
    "a</script><script>document.title = 'owned'</script>",
    "b<img src=x onerror=\"document.title = 'owned'\"> c",
    "c<!-- <script> d",
    "\"'`&amp; ${x} $data ]]>",
    "\u202egnp.exe\u202c",
    "סוקר הקוד",
    "وكيل المراجعة",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈",
    "W" * 10_000,
    "全角の名前" * 40,
    "",
    " \t ",
    "\x07bell\x1b[31m",
    "line\u2028paragraph\u2029end\nnew",
    "a_very_long_snake_case_name_of_an_agent_that_goes_on_and_on_and_on",
    "{{7*7}}",
    "=1+1",
)
"""What a user, or whoever talks to an agent, may have as a name."""


def rich(folder: Path) -> Path:
    """About a thousand calls, the same in each run."""
    chance = random.Random(7)
    for day in range(DAYS):
        start = _FIRST + timedelta(days=day)
        busy = 40 if start.weekday() < 5 else 8
        count = int(busy * (1 + 1.3 * day / DAYS) * chance.uniform(0.7, 1.3))
        lines = [_call(chance, start) for _ in range(count)]
        write(folder, *lines, name=f"llm_trace_{start:%Y-%m-%d}.jsonl")
    return folder


def _call(chance: random.Random, day: datetime) -> str:
    agent = chance.choice(list(AGENTS))
    endpoint, *models = AGENTS[agent]
    model = chance.choice(models)
    ended = day + timedelta(hours=min(max(chance.gauss(13, 3.5), 0), 23.9))
    tokens_in, tokens_out = (
        int(chance.lognormvariate(8.6, 0.8)),
        int(chance.lognormvariate(5.8, 0.7)),
    )
    took = 400 + tokens_out * chance.uniform(6, 14) + chance.expovariate(1 / 300)
    known: dict[str, Any] = {
        "timestamp": f"{ended:%Y-%m-%dT%H:%M:%S.%fZ}",
        "provider": PRICES[model][0],
        "model": model,
        "agent": agent,
        "endpoint": endpoint,
        "session_id": f"ticket-{chance.randint(1, 60)}" if agent else None,
        "tags": {"team": chance.choice(["search", "ads", "core"])},
        "trace_id": f"{chance.getrandbits(128):032x}",
        "span_id": f"{chance.getrandbits(64):016x}",
        "latency_ms": round(took, 3),
        "runtime_seconds": round(took / 1e3, 6),
        "time_to_first_token_ms": round(took * chance.uniform(0.15, 0.3), 3),
    }
    cached = int(tokens_in * chance.uniform(0.2, 0.9)) if chance.random() < 0.55 else 0
    luck = chance.random()
    if luck < 0.03:
        return line(**known | _UNKNOWN | _failure(luck, known["provider"]))
    if PRICES[model][1] is None:
        tokens = {"input_tokens": tokens_in, "output_tokens": tokens_out}
        return line(**known | _UNKNOWN | tokens, status="unpriced")
    return line(**known | _used(model, tokens_in, tokens_out, cached))


def _failure(luck: float, provider: str) -> dict[str, Any]:
    failed = {"outcome": "failed", "status": "unpriced", "time_to_first_token_ms": None}
    if luck < 0.008:
        return failed | {"error": "costspan.errors.BudgetExceeded", "http_status": None}
    if provider == "openai":
        return failed | {"error": "openai.RateLimitError", "error_code": "rate_limit_exceeded"}
    return failed | {"error": "anthropic.APIConnectionError", "http_status": None}


def _used(model: str, tokens_in: int, tokens_out: int, cached: int) -> dict[str, Any]:
    _, of_input, of_reads, of_writes, of_output = PRICES[model]
    written = (tokens_in - cached) * 2 // 5 if of_writes and cached == 0 else 0
    dollars = {
        "input_usd": _usd(tokens_in - cached - written, of_input),
        "cache_read_usd": _usd(cached, of_reads),
        "cache_write_usd": _usd(written, of_writes),
        "output_usd": _usd(tokens_out, of_output),
        "tools_usd": Decimal(0),
    }
    dollars["cost_usd"] = sum(dollars.values(), Decimal(0))
    return {
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "cached_tokens": cached,
        "cache_write_tokens": written,
        **{name: f"{amount.normalize():f}" for name, amount in dollars.items()},
    }


def _usd(tokens: int, of_a_million: str | None) -> Decimal:
    return tokens * Decimal(of_a_million or 0) / 10**6


def one(folder: Path) -> Path:
    """A single call."""
    return write(folder, line(agent="reviewer", time_to_first_token_ms=312.5))


def none(folder: Path) -> Path:
    """A folder without a file."""
    folder.mkdir()
    return folder


def hostile(folder: Path) -> Path:
    """Names that would break out, amounts that would burst a column, a refund."""
    return write(folder, *_odd())


def _odd() -> Iterator[str]:
    for place, name in enumerate(NAMES):
        found = json.loads(line()) | dict.fromkeys(
            ("agent", "model", "endpoint", "session_id"), name
        )
        found |= {"timestamp": f"2026-11-{1 + place:02}T08:00:00.000000Z", "cost_usd": 1.5 + place}
        found |= {"error": name or "E", "error_code": name} if place % 2 else {}
        found |= {"tags": {"team": name}, "time_to_first_token_ms": 20.0}
        yield json.dumps(found)
    yield line(model="refund", cost_usd="-3.25", timestamp="2026-11-05T00:00:00.000000Z")
    for _ in range(14):
        yield line(
            model="giant",
            session_id="giant",
            cost_usd="9123456.123456789012",
            input_tokens=10**15,
            latency_ms=9.9e9,
            timestamp="2026-11-07T00:00:00.000000Z",
        )


FOLDERS: dict[str, Callable[[Path], Path]] = {
    "rich": rich,
    "one": one,
    "none": none,
    "hostile": hostile,
}
