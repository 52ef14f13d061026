"""The calls that every peer's spans are judged by, and what each costs.

Prices in USD per million tokens, from the providers' price pages of 2026-11: gpt-4o-mini 0.15 in,
0.075 read from the cache, 0.60 out; text-embedding-3-small 0.02; claude-opus-4-5 5 in, 0.50 read,
6.25 written for five minutes, 10 for an hour, 25 out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

CHAT_MODEL = "gpt-4o-mini"
EMBEDDING_MODEL = "text-embedding-3-small"
CLAUDE_MODEL = "claude-opus-4-5"

ASYNC = "async"

_PLAIN = "tokens=1200/80"
_CACHED = "tokens=1200/80;cached=1000"

# 1200 x 0.15 + 80 x 0.60
_CHAT = Decimal("0.000228")
# 200 x 0.15 + 1000 x 0.075 + 80 x 0.60
_CHAT_CACHED = Decimal("0.000153")
# 1200 x 0.02
_EMBEDDING = Decimal("0.000024")
# 1200 x 5 + 80 x 25
_CLAUDE = Decimal("0.008")
# 200 x 5 + 1000 x 0.50 + 80 x 25
_CLAUDE_CACHED = Decimal("0.0035")
# 200 x 5 + 1000 x 6.25 + 80 x 25
_CLAUDE_WRITE_5M = Decimal("0.00925")
# 200 x 5 + 1000 x 10 + 80 x 25
_CLAUDE_WRITE_1H = Decimal("0.013")


@dataclass(frozen=True, slots=True)
class Surface:
    """One call.

    Args:
        method: `chat`, `responses`, `embeddings` or `messages`.
        note: what is special about it; empty for a plain call.
        scenario: what the test server is told to report.
        usd: what the call costs.
        is_async: made by the SDK's async client; frameworks choose for themselves.
    """

    method: str
    note: str
    scenario: str
    usd: Decimal
    streamed: bool = False
    is_async: bool = False

    @property
    def name(self) -> str:
        """As in the table, such as `chat, cached read, streamed, async`."""
        streamed, is_async = "streamed" * self.streamed, ASYNC * self.is_async
        return ", ".join(filter(None, (self.method, self.note, streamed, is_async)))

    @property
    def sdk(self) -> str:
        """Whose method it is."""
        return "anthropic" if self.method == "messages" else "openai"


SYNC = (
    Surface("chat", "", _PLAIN, _CHAT),
    Surface("chat", "cached read", _CACHED, _CHAT_CACHED),
    Surface("chat", "", _PLAIN, _CHAT, streamed=True),
    Surface("chat", "cached read", _CACHED, _CHAT_CACHED, streamed=True),
    Surface("responses", "", _PLAIN, _CHAT),
    Surface("responses", "cached read", _CACHED, _CHAT_CACHED),
    Surface("responses", "", _PLAIN, _CHAT, streamed=True),
    Surface("responses", "cached read", _CACHED, _CHAT_CACHED, streamed=True),
    Surface("embeddings", "", _PLAIN, _EMBEDDING),
    Surface("messages", "", _PLAIN, _CLAUDE),
    Surface("messages", "cached read", _CACHED, _CLAUDE_CACHED),
    Surface("messages", "", _PLAIN, _CLAUDE, streamed=True),
    Surface("messages", "cached read", _CACHED, _CLAUDE_CACHED, streamed=True),
    Surface("messages", "cache write 5 m", "tokens=1200/80;write5m=1000", _CLAUDE_WRITE_5M),
    Surface("messages", "cache write 1 h", "tokens=1200/80;write1h=1000", _CLAUDE_WRITE_1H),
)
SURFACES = tuple(surface for one in SYNC for surface in (one, replace(one, is_async=True)))
"""Each surface, sync and async."""
