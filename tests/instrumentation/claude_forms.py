"""Every form of a call that the Anthropic SDK has, sync and async, and a server for them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from anthropic import beta_async_tool, beta_tool

from tests.instrumentation.answers import message
from tests.instrumentation.rig import ASK_CLAUDE, MESSAGE
from tests.instrumentation.wire import Answer

OPUS = "claude-opus-4-5-20251101"
COUNT: Any = {"model": "claude-opus-4-5", "messages": ASK_CLAUDE["messages"]}
BATCH: Any = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": dict.fromkeys(
        ("processing", "succeeded", "errored", "canceled", "expired"), 0
    ),
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-02T00:00:00Z",
}
BATCHED: Any = [{"custom_id": "one", "params": ASK_CLAUDE}]


def answer(request: Any) -> Answer:
    """A message, a count, a batch, or a call of the tool that a first request offers."""
    path, asked = request.url.path, json.loads(request.content)
    if path.endswith("/count_tokens"):
        return Answer(body={"input_tokens": 12})
    if path.endswith("/batches"):
        return Answer(body=BATCH)
    if asked.get("tools") and len(asked["messages"]) == 1:
        use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bonn"}}
        return Answer(body={**MESSAGE, "stop_reason": "tool_use", "content": [use]})
    return message(OPUS)(request)


@beta_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@beta_async_tool(name="weather")
async def weather_later(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def _helper(client: Any) -> Any:
    with client.messages.stream(**ASK_CLAUDE) as stream:
        return stream.get_final_message()


def _beta_helper(client: Any) -> Any:
    with client.beta.messages.stream(**ASK_CLAUDE) as stream:
        return stream.get_final_message()


def _read(client: Any) -> Any:
    with client.messages.with_streaming_response.create(**ASK_CLAUDE) as response:
        return response.read()


FORMS: dict[str, Callable[[Any], Any]] = {
    "create": lambda client: client.messages.create(**ASK_CLAUDE),
    "create, streamed": lambda client: list(client.messages.create(**ASK_CLAUDE, stream=True)),
    "stream helper": _helper,
    "parse": lambda client: client.messages.parse(**ASK_CLAUDE),
    "count_tokens": lambda client: client.messages.count_tokens(**COUNT),
    "raw": lambda client: client.messages.with_raw_response.create(**ASK_CLAUDE).parse(),
    "streaming raw": _read,
    "beta create": lambda client: client.beta.messages.create(**ASK_CLAUDE),
    "beta stream helper": _beta_helper,
    "beta parse": lambda client: client.beta.messages.parse(**ASK_CLAUDE),
    "beta count_tokens": lambda client: client.beta.messages.count_tokens(**COUNT),
    "beta raw": lambda client: client.beta.messages.with_raw_response.create(**ASK_CLAUDE),
}


async def _created_later(client: Any) -> Any:
    return [chunk async for chunk in await client.messages.create(**ASK_CLAUDE, stream=True)]


async def _helper_later(client: Any) -> Any:
    async with client.messages.stream(**ASK_CLAUDE) as stream:
        return await stream.get_final_message()


async def _beta_helper_later(client: Any) -> Any:
    async with client.beta.messages.stream(**ASK_CLAUDE) as stream:
        return await stream.get_final_message()


async def _raw_later(client: Any) -> Any:
    return await (await client.messages.with_raw_response.create(**ASK_CLAUDE)).parse()


async def _read_later(client: Any) -> Any:
    async with client.messages.with_streaming_response.create(**ASK_CLAUDE) as response:
        return await response.read()


ASYNC_FORMS: dict[str, Callable[[Any], Any]] = {
    **FORMS,
    "create, streamed": _created_later,
    "stream helper": _helper_later,
    "raw": _raw_later,
    "streaming raw": _read_later,
    "beta stream helper": _beta_helper_later,
}
"""The forms that only return what is to be awaited are the same for both."""


def run_tools(client: Any) -> Any:
    """A loop of two calls with a tool between them."""
    return client.beta.messages.tool_runner(**ASK_CLAUDE, tools=[weather]).until_done()


def run_tools_later(client: Any) -> Any:
    """The same by an async client, to be awaited."""
    return client.beta.messages.tool_runner(**ASK_CLAUDE, tools=[weather_later]).until_done()
