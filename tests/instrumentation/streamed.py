"""Chat streams of the OpenAI SDK: how they are asked for here, and with what options they went."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.instrumentation.wire import Wire, read_out

MINI = "gpt-4o-mini-2024-07-18"
HI: Any = [{"role": "user", "content": "Hello"}]
ASK: Any = {"model": "gpt-4o-mini", "messages": HI, "stream": True}
COMPLETE: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello", "stream": True}
YES = {"include_usage": True}
ABSENT = object()
KINDS = [openai.OpenAI, openai.AsyncOpenAI]
sync_and_async = pytest.mark.parametrize("kind", KINDS, ids=["sync", "async"])


def asked(wire: Wire, number: int = 0) -> Any:
    """The `stream_options` that a request was sent with."""
    return wire.bodies[number].get("stream_options", ABSENT)


def chats(client: Any, **more: Any) -> Any:
    """The chunks of a streamed chat."""
    return read_out(lambda: client.chat.completions.create(**{**ASK, **more}))
