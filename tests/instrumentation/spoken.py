"""Calls that carry one word in every place where content can stand, on the way there and back."""

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from costspan.testing import LLMServer

CANARY = "CANARY7f3a9"
SECRET = "SECRET5d1c8"  # in headers and keys, which never leave
SCHEMA = {"type": "object", "title": CANARY, "properties": {CANARY: {"type": "string"}}}
FUNCTION = {"name": CANARY, "description": CANARY, "parameters": SCHEMA}
HEADERS = {"x-team": SECRET, "x-note": CANARY}


def headers(scenario: str) -> dict[str, str]:
    return {**HEADERS, "x-costspan-scenario": f"canary={CANARY};echo;{scenario}"}


def chat(scenario: str = "", **more: Any) -> dict[str, Any]:
    """The arguments of a chat completion."""
    call = {"id": CANARY, "type": "function", "function": {"name": CANARY, "arguments": CANARY}}
    return {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": f"Be {CANARY}"},
            {"role": "user", "content": [{"type": "text", "text": f"Say {CANARY}"}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": CANARY, "content": CANARY},
            {"role": "user", "name": CANARY, "content": f"Say {CANARY}"},
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
        "user": CANARY,
        "metadata": {CANARY: CANARY},
        "extra_headers": headers(scenario),
        **more,
    }


def responses(scenario: str = "", **more: Any) -> dict[str, Any]:
    """The arguments of a call of the Responses API."""
    return {
        "model": "gpt-4o-mini",
        "instructions": f"Be {CANARY}",
        "input": [
            {"role": "user", "content": f"Say {CANARY}"},
            {"type": "function_call", "call_id": "c", "name": CANARY, "arguments": CANARY},
            {"type": "function_call_output", "call_id": "c", "output": CANARY},
        ],
        "tools": [{"type": "function", "strict": True, **FUNCTION}],
        "user": CANARY,
        "metadata": {CANARY: CANARY},
        "extra_headers": headers(scenario),
        **more,
    }


def message(scenario: str = "", **more: Any) -> dict[str, Any]:
    """The arguments of a message."""
    use = {"type": "tool_use", "id": "t", "name": CANARY, "input": {"q": CANARY}}
    return {
        "model": "claude-opus-4-5",
        "max_tokens": 99,
        "system": [{"type": "text", "text": f"Be {CANARY}"}],
        "messages": [
            {"role": "user", "content": f"Say {CANARY}"},
            {"role": "assistant", "content": [use]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": CANARY},
                    {"type": "text", "text": f"Say {CANARY}"},
                ],
            },
        ],
        "tools": [{"name": CANARY, "description": CANARY, "input_schema": SCHEMA}],
        "metadata": {"user_id": CANARY},
        "extra_headers": headers(scenario),
        **more,
    }


JSON = {"type": "json_schema", "json_schema": {"name": CANARY, "schema": SCHEMA}}
PIECE = {"role": "user", "content": CANARY}
Clients = dict[str, Any]


def clients(server: LLMServer) -> Clients:
    """A client of each SDK, with a key that must not be seen."""
    return {
        "openai": openai.OpenAI(base_url=server.openai_url, api_key=SECRET, max_retries=0),
        "anthropic": anthropic.Anthropic(
            base_url=server.anthropic_url, api_key=SECRET, max_retries=0
        ),
    }


def _read(stream: Any) -> None:
    for _ in stream:
        pass


def _break(stream: Any) -> None:
    for _ in range(8):
        next(stream)
    stream.close()


def _raise_inside(stream: Any) -> None:
    with pytest.raises(ValueError, match=CANARY), stream:
        raise ValueError(next(stream) and CANARY)


def _refused(error: type[Exception], call: Callable[[], Any]) -> None:
    with pytest.raises(error, match=CANARY):
        call()


def _cut(error: type[Exception], call: Callable[[], Any]) -> None:
    with pytest.raises(error):
        _read(call())


def _streamed_raw(create: Any, arguments: Any) -> None:
    with create(**arguments) as response:
        response.read()


def _legacy(client: Any, **more: Any) -> Any:
    return client.completions.create(
        model="gpt-3.5-turbo-instruct",
        prompt=CANARY,
        user=CANARY,
        extra_headers=headers(""),
        **more,
    )


GOOD: dict[str, Callable[[Any], Any]] = {
    "openai chat": lambda c: c.chat.completions.create(**chat()),
    "openai chat with a tool": lambda c: c.chat.completions.create(
        **chat("tool", messages=[PIECE] * 5)
    ),
    "openai chat in JSON": lambda c: c.chat.completions.create(
        **chat("json", response_format=JSON)
    ),
    "openai chat stream": lambda c: _read(c.chat.completions.create(**chat(), stream=True)),
    "openai chat raw": lambda c: c.chat.completions.with_raw_response.create(**chat()).parse(),
    "openai chat body": lambda c: _streamed_raw(
        c.chat.completions.with_streaming_response.create, chat()
    ),
    "openai chat events": lambda c: _streamed_raw(
        c.chat.completions.with_streaming_response.create, chat(stream=True)
    ),
    "openai chat stream broken off": lambda c: _break(
        c.chat.completions.create(**chat(), stream=True)
    ),
    "openai chat stream, the app raises": lambda c: _raise_inside(
        c.chat.completions.create(**chat(), stream=True)
    ),
    "openai completion": _legacy,
    "openai completion stream": lambda c: _read(_legacy(c, stream=True)),
    "openai response": lambda c: c.responses.create(**responses()),
    "openai response with a tool": lambda c: c.responses.create(
        **responses("tool", input=[PIECE] * 4)
    ),
    "openai response stream": lambda c: _read(c.responses.create(**responses(), stream=True)),
    "openai embeddings": lambda c: c.embeddings.create(
        model="text-embedding-3-small", input=CANARY, user=CANARY, extra_headers=headers("")
    ),
    "openai moderation": lambda c: c.moderations.create(input=CANARY, extra_headers=headers("")),
    "anthropic message": lambda c: c.messages.create(**message()),
    "anthropic message with a tool": lambda c: c.messages.create(
        **message("tool", messages=[PIECE] * 5)
    ),
    "anthropic stream": lambda c: _read(c.messages.create(**message(), stream=True)),
    "anthropic stream broken off": lambda c: _break(c.messages.create(**message(), stream=True)),
    "anthropic beta": lambda c: c.beta.messages.create(**message()),
    "anthropic count": lambda c: c.messages.count_tokens(
        model="claude-opus-4-5", messages=[PIECE], extra_headers=headers("")
    ),
}
BAD: dict[str, Callable[[Any], Any]] = {
    "openai chat refused": lambda c: _refused(
        openai.BadRequestError, lambda: c.chat.completions.create(**chat("status=400"))
    ),
    "openai chat error event": lambda c: _refused(
        openai.APIError,
        lambda: _read(c.chat.completions.create(**chat("error=9"), stream=True)),
    ),
    "openai chat cut": lambda c: _cut(
        openai.APIConnectionError,
        lambda: c.chat.completions.create(**chat("cut=12"), stream=True),
    ),
    "openai response refused": lambda c: _refused(
        openai.InternalServerError, lambda: c.responses.create(**responses("status=500"))
    ),
    "openai response error event": lambda c: _refused(
        openai.APIError,
        lambda: _read(c.responses.create(**responses("error=9"), stream=True)),
    ),
    "openai chat too long": lambda c: _cut(
        openai.LengthFinishReasonError,
        lambda: c.chat.completions.parse(**chat("length", response_format=JSON, tools=openai.omit)),
    ),
    "anthropic refused": lambda c: _refused(
        anthropic.RateLimitError, lambda: c.messages.create(**message("status=429"))
    ),
    "anthropic error event": lambda c: _refused(
        anthropic.APIStatusError,
        lambda: _read(c.messages.create(**message("error=5"), stream=True)),
    ),
    "anthropic cut": lambda c: _cut(
        httpx2.RemoteProtocolError,
        lambda: c.messages.create(**message("cut=12"), stream=True),
    ),
}
