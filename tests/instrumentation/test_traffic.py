"""Hours of mixed traffic, ours and others', leave memory flat, and each call is counted once.

Run by hand: `COSTSPAN_TRAFFIC_SECONDS=3600 pytest tests/instrumentation/test_traffic.py`.
"""

import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from costspan import Instrumentor, attribution
from tests.cost.stage import ASKED, LANGCHAIN, OPENINFERENCE, OTEL, tell
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    CHAT,
    answer_chat,
    answer_message,
    anthropic_client,
    openai_client,
    provider_into,
    watched,
)
from tests.instrumentation.test_leaks import Forgotten

SECONDS = float(os.environ.get("COSTSPAN_TRAFFIC_SECONDS", "0"))
WARM_UP = 5_000
"""Turns after which every table is full that keeps the last 10,000 of something."""
SESSIONS = 2_000
CALLS_IN_A_TURN = 8
GROWN_BYTES = 4 * 1024 * 1024
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "reviewer"}
KIND = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini"}

pytestmark = [
    pytest.mark.skipif(not SECONDS, reason="set COSTSPAN_TRAFFIC_SECONDS: it runs for that long"),
    pytest.mark.timeout(0),
]


class Traffic:
    """Turns of an app that uses both SDKs, beside and beneath spans that others make."""

    def __init__(self, provider: Any, chat: Any, claude: Any, ids: Iterator[str]) -> None:
        self._create, self._message, self._ids = chat.chat.completions.create, claude, ids
        self._tracers = {one: provider.get_tracer(one) for one in (OTEL, LANGCHAIN, OPENINFERENCE)}
        self.turns = 0

    def turn(self) -> None:
        self.turns += 1
        with attribution(agent="reviewer", session=f"s-{self.turns % SESSIONS}"):
            with self._around(LANGCHAIN, AGENT), self._around(LANGCHAIN):
                self._create(**ASK)  # 1: beneath another's span of the same call
            beside = self._span(OTEL)  # begun before ours, so that no pause comes between the two
            said = self._create(**ASK)  # 2: and another's span of it beside ours
            tell(beside, said.id)
            beside.end()
            self._told(OTEL, next(self._ids))  # 3: made by others alone
            with self._around(OPENINFERENCE, KIND):
                self._told(OTEL, next(self._ids))  # 4: two of others, one above the other
            for _ in self._create(**ASK, stream=True):  # 5
                pass
            next(self._create(**ASK, stream=True))  # 6: abandoned
            with self._around(OPENINFERENCE, AGENT):
                self._message(**ASK_CLAUDE)  # 7
            self._message(**ASK_CLAUDE)  # 8

    def _around(self, scope: str, attributes: Any = ASKED) -> Any:
        return self._tracers[scope].start_as_current_span(
            "chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes
        )

    def _span(self, scope: str) -> Any:
        return self._tracers[scope].start_span(
            "chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=ASKED
        )

    def _told(self, scope: str, response: str) -> None:
        with self._around(scope):
            tell(trace.get_current_span(), response)


def _numbered(ids: Iterator[str]) -> Callable[[httpx2.Request], httpx2.Response]:
    """Chats as real servers answer them: each has an id of its own."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if json.loads(request.content).get("stream"):
            return answer_chat(request)
        return httpx2.Response(200, json={**CHAT, "id": next(ids)})

    return answer


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def test_mixed_traffic_leaves_memory_flat() -> None:
    ids = (f"chatcmpl-{number}" for number in itertools.count())
    ended = Forgotten()
    provider = provider_into(ended)
    with (
        watched(tracer_provider=provider),
        openai_client(_numbered(ids)) as chat,
        anthropic_client(answer_message) as claude,
    ):
        costs = Instrumentor().costs
        assert costs is not None
        traffic = Traffic(provider, chat, claude.messages.create, ids)
        for _ in range(WARM_UP):
            traffic.turn()
        costs.summary()  # folds what is summed up now and then
        gc.collect()
        blocks, resident = sys.getallocatedblocks(), _resident_bytes()
        before, until = traffic.turns, time.monotonic() + SECONDS
        while time.monotonic() < until:
            traffic.turn()
        calls = costs.summary().calls
        gc.collect()
        turns = traffic.turns - before
        grown = sys.getallocatedblocks() - blocks, _resident_bytes() - resident

        assert calls == traffic.turns * CALLS_IN_A_TURN
        assert grown[0] < turns / 10, (turns, grown)
        assert grown[1] < GROWN_BYTES, (turns, grown)
