"""cut_streams: a stream that used up its reservation is cut off between two chunks.

A stream that states no limit has 1,000 tokens reserved before twenty calls are known; here twenty
calls of 3 tokens are, so that the fourth chunk has to ask.
"""

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from costspan import Budget, BudgetExceeded, CostTracker, Prices
from costspan.elsewhere import finished
from costspan.testing import LLMServer
from tests.cost.budgets.desk import took
from tests.instrumentation.budgeted import (
    RATE,
    async_claude,
    async_client,
    claude,
    client,
    tracker,
)
from tests.instrumentation.rig import Spans, attributes_of, watched

if TYPE_CHECKING:
    import anthropic
    import openai

LONG = "word " * 200
"""The server answers with the last message, a few characters at a time."""
ASK: Any = {"model": "m", "messages": [{"role": "user", "content": LONG}], "stream": True}
STREAMED: Any = {**ASK, "stream_options": {"include_usage": True}}
MESSAGE: Any = {**ASK, "max_tokens": 3, "extra_body": {"container": "c1"}}
"""Its limit is stated, and its input is not known here: the server keeps to neither."""
ORDER = "echo"
LIMITS = {"chat": 350, "responses": 350, "message": 50}
KINDS = tuple(LIMITS)


def cutting(limit: int, **settings: Any) -> CostTracker:
    """A tracker that knows twenty calls of `m` with 3 tokens out, under so many tokens more."""
    budget = Budget("b", tokens=20 * 3 + limit, action="block", cut_streams=True)
    costs = tracker(budget, **settings)
    for _ in range(20):
        costs.settle(took(0, 3))
    return costs


def is_cut(costs: CostTracker, spans: Spans, raised: pytest.ExceptionInfo[BudgetExceeded]) -> None:
    """What every stream that was cut off leaves behind."""
    said = raised.value
    assert (said.reason, said.budget) == ("limit", "b")
    assert "this stream was cut off" in str(said)
    span = spans.one()
    assert span.status.status_code is StatusCode.ERROR
    assert attributes_of(span)["error.type"] == "costspan.errors.BudgetExceeded"
    assert costs.flush(20)
    assert costs.records[-1].error == "costspan.errors.BudgetExceeded"


def read(stream: Any, chunks: list[Any]) -> None:
    chunks.extend(stream)


async def aread(stream: Any, chunks: list[Any]) -> None:
    async for chunk in stream:
        chunks += [chunk]  # one by one, as the last one raises


class Opened:
    """Streams of sync clients."""

    def __init__(self, chat: "openai.OpenAI", messages: "anthropic.Anthropic") -> None:
        self.chat, self.messages = chat, messages

    def __call__(self, kind: str) -> Any:
        """A new stream."""
        if kind == "chat":
            return self.chat.chat.completions.create(**STREAMED)
        if kind == "responses":
            return self.chat.responses.create(model="m", input=LONG, stream=True)
        return self.messages.messages.create(**MESSAGE)

    def whole(self, kind: str) -> int:
        """How many chunks such a stream has."""
        return len(list(self(kind)))


@pytest.fixture
def opened(server: LLMServer) -> Iterator[Opened]:
    """Opens streams. The clients are closed: one that is dropped may leave its socket open."""
    with client(server, ORDER) as chat, claude(server, ORDER) as messages:
        yield Opened(chat, messages)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_cut_between_two_chunks(kind: str, opened: Opened):
    chunks: list[Any] = []
    costs = cutting(LIMITS[kind])
    with watched(costs=costs) as spans:
        stream = opened(kind)
        with pytest.raises(BudgetExceeded) as raised:
            read(stream, chunks)
        is_cut(costs, spans, raised)
        assert stream.response.is_closed
        assert list(stream) == []  # it has ended, as any stream that failed
        assert costs._watch._admission.open == {}
    assert 3 < len(chunks) < opened.whole(kind)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_cut_between_two_chunks_async(
    kind: str, store: str, server: LLMServer, opened: Opened, tmp_path
):
    where = "memory" if store == "memory" else f"sqlite:///{tmp_path}/costs.db"
    costs, chunks = cutting(LIMITS[kind], store=where), []
    with watched(costs=costs) as spans:
        async with async_client(server, ORDER) as openai_, async_claude(server, ORDER) as claude_:
            if kind == "chat":
                stream = await openai_.chat.completions.create(**STREAMED)
            elif kind == "responses":
                stream = await openai_.responses.create(model="m", input=LONG, stream=True)
            else:
                stream = await claude_.messages.create(**MESSAGE)
            with pytest.raises(BudgetExceeded) as raised:
                await aread(stream, chunks)
            is_cut(costs, spans, raised)
            assert stream.response.is_closed
            await aread(stream, chunks)
    assert 3 < len(chunks) < opened.whole(kind)


async def test_who_does_not_wait_for_the_refusal_is_cut_at_the_next_chunk(
    server: LLMServer, opened: Opened, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """As by a timeout around each chunk: the tap is cancelled, and the stream goes on."""
    costs, chunks = cutting(350, store=f"sqlite:///{tmp_path}/costs.db"), []
    reserve, refused, free = costs._store.reserve, threading.Event(), threading.Event()

    def reserve_slowly(*claims: Any) -> Any:
        refusal = reserve(*claims)
        if refusal is not None:
            refused.set()
            assert free.wait(20)
        return refusal

    with watched(costs=costs) as spans:
        async with async_client(server, ORDER) as client_:
            stream = await client_.chat.completions.create(**STREAMED)
            monkeypatch.setattr(costs._store, "reserve", reserve_slowly)
            reading = asyncio.create_task(aread(stream, chunks))
            assert await asyncio.to_thread(refused.wait, 20)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            free.set()
            assert await asyncio.to_thread(finished, 20)
            with pytest.raises(BudgetExceeded) as raised:
                await aread(stream, chunks)
            is_cut(costs, spans, raised)
    assert 3 < len(chunks) < opened.whole("chat")


def test_room_lets_it_go_on(opened: Opened):
    """It reserves as much again each time, and is charged with what it took."""
    costs = cutting(10**6)
    with watched(costs=costs) as spans:
        chunks = list(opened("chat"))
        took_ = chunks[-1].usage.total_tokens
        assert spans.one().status.status_code is StatusCode.UNSET
    assert costs.remaining("b") == 10**6 - took_


def test_without_it_nothing_is_cut(opened: Opened):
    costs = tracker(Budget("b", tokens=700, action="block"))
    for _ in range(20):
        costs.settle(took(0, 3))
    with watched(costs=costs) as spans:
        assert list(opened("chat"))
        assert spans.one().status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("kind", ["chat", "message"])
def test_a_stated_limit_is_never_cut(kind: str, opened: Opened):
    """The provider itself holds it to its limit, which is reserved whole."""
    costs = cutting(5000)
    with watched(costs=costs) as spans:
        if kind == "chat":
            list(opened.chat.chat.completions.create(**STREAMED, max_tokens=300))
        else:
            list(opened.messages.messages.create(**ASK, max_tokens=300))
        assert spans.one().status.status_code is StatusCode.UNSET


def test_one_call_has_a_limit_of_its_own(opened: Opened):
    budget = Budget("b", usd="0.02", per="call", action="block", cut_streams=True)
    costs = CostTracker(budgets=[budget], prices=Prices(overrides={"m": RATE}), alerts=[])
    chunks: list[Any] = []
    with watched(costs=costs) as spans:
        stream = opened.chat.chat.completions.create(
            **{**STREAMED, "messages": [{"role": "user", "content": "word " * 3000}]}
        )
        with pytest.raises(BudgetExceeded) as raised:
            read(stream, chunks)
        is_cut(costs, spans, raised)
    assert len(chunks) > 500
    assert raised.value.limit_usd == Decimal("0.02")


def test_what_came_before_the_cut_is_not_free(opened: Opened):
    """No usage was told: the call is charged with all that was reserved for it, 3 by 3 tokens."""
    costs = cutting(350)
    with watched(costs=costs) as spans:
        with pytest.raises(BudgetExceeded):
            read(opened("chat"), [])
        spans.wait(1)
    left = costs.remaining("b")
    assert left is not None
    assert left < 3
