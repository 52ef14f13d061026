"""Our own price of each recorded answer that says what it cost, against what it says.

The reported figure wins over any table in use; here it is set aside. Rates in the reasons are US
dollars per million tokens, of the rows of genai-prices 0.2.3, read on 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from costspan import Prices
from costspan.call import Call, Request, Response
from costspan.providers import shapes
from tests.recordings.replay import Recording

pytestmark = pytest.mark.recordings

FILE, FREE, OLD, OTHER = "a fee by the file", "a free model", "no row of that day", "another rate"
SOL = "compat-openrouter-responses-cache-write-encrypted-reasoning-gpt-5.6-sol-f3d65.json"
DIFFERENCES: dict[str, tuple[str, str | None, str, str]] = {
    # 31 x 0.25 + 80 x 2; the rest, 0.002, is one page of a PDF at 2 USD a thousand
    # (https://openrouter.ai/docs/guides/overview/multimodal/pdfs), which no count tells
    "compat-openrouter-chat-completions-annotations-file-in-reasoning-text-reasoning-tokens-"
    "gpt-5.1-codex-mini-fac3f.json": ("openrouter", "0.00016775", "0.00216775", FILE),
    # the row of the id without ":free" does not hold for it, and it has none of its own
    "compat-openrouter-chat-completions-stream-error-in-stream-finish-length-reasoning-text-"
    "reasoning-tokens-minima-9a0e6.json": ("openrouter", None, "0", FREE),
    # 8 x 2 + 4012 x 2.50 + 5 x 10, as the row of OpenRouter has it up to 2026-10-19
    SOL: ("openrouter", "0.010096", "0.025265", OLD),
    # 107 x 1.25 + 15 x 4.25; the figure is 107 x 0.60 + 15 x 2.50
    "chat-completions-stream-stream-usage-tool-result-in-usage-in-choice-chunk-muse-spark-1.1-"
    "bff40.json": ("meta", "0.0001975", "0.0001017", OTHER),
}
"""Who bills it, our price, the reported one, and why they are not the same."""


def answer_of(file: Path) -> Response | None:
    """What a recorded body or stream says, where it has the shape of an answer."""
    answer = Recording.read(file).answer
    if answer.chunks is None:
        return shapes.read(answer.body)[1] if "usage" in (answer.body or {}) else None
    events = list(_events(answer.chunks))
    return shapes.shape_of(events[0]).fold(events) if events else None


def _events(chunks: list[bytes]) -> Iterator[Any]:
    for line in b"".join(chunks).decode().splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def created(file: Path) -> int:
    """When the answer was made: nanoseconds since the epoch."""
    text = file.read_text()
    for mark in ('"created_at": ', '"created": ', '\\"created\\":'):
        if mark in text:
            digits = text.split(mark, 1)[1].lstrip()
            return int(digits[:10]) * 10**9
    raise AssertionError(f"{file.name} has no date")


def own_price(file: Path, answer: Response, provider: str) -> Decimal | None:
    """What the table makes of the usage, on the day of the answer."""
    at = created(file)
    call = Call(
        request=Request(operation="chat", provider=provider, model=answer.model),
        response=structs.replace(answer, reported_cost_usd=None),
        started_at=at,
        ended_at=at,
        runtime_seconds=0.0,
    )
    return Prices().cost(call).total_usd


def test_every_figure_agrees_or_its_difference_is_known(recordings: Path):
    found = {}
    for file in sorted((recordings / "openai").glob("*.json")):
        answer = answer_of(file)
        if answer is not None and answer.reported_cost_usd is not None:
            provider = DIFFERENCES[file.name][0] if file.name in DIFFERENCES else "openrouter"
            ours = own_price(file, answer, provider)
            if ours != answer.reported_cost_usd:
                found[file.name] = (provider, ours, answer.reported_cost_usd)
    assert found == {
        name: (provider, None if ours is None else Decimal(ours), Decimal(theirs))
        for name, (provider, ours, theirs, _) in DIFFERENCES.items()
    }


def test_openais_own_row_of_that_day_agrees_with_openrouter(recordings: Path):
    """8 x 5 + 4012 x 6.25 + 5 x 30, OpenAI's rates up to 2026-08-21; OpenRouter adds nothing."""
    file = recordings / "openai" / SOL
    answer = answer_of(file)
    assert answer is not None
    named = structs.replace(answer, model="gpt-5.6-sol")
    assert own_price(file, named, "openai") == Decimal("0.025265") == answer.reported_cost_usd
