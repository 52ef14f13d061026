"""How long a request is taken to be before its call, and when two requests are the same."""

import base64
from types import SimpleNamespace

import pytest

from costspan.call import Request
from costspan.instrumentation.measures import MEDIA_TOKENS, TOOLS_TOKENS, measured

REQUEST = Request(operation="chat", provider="openai", model="gpt-4o-mini")
BOTH = SimpleNamespace(needs_size=True, needs_fingerprint=True)
PICTURE = base64.b64encode(bytes(range(256)) * 400).decode()


def asked(content: object, **more: object) -> Request:
    messages = [{"role": "user", "content": content}]
    return measured(REQUEST, {"model": "gpt-4o-mini", "messages": messages, **more}, BOTH)


@pytest.mark.parametrize(
    "text",
    ["Hello", "word " * 2_000, "\u6771\u4eac" * 2_000, "\U0001f600" * 900, "[1,2,3]," * 1_000],
)
def test_text_is_no_shorter_than_its_bytes(text: str):
    """A language without spaces is text as well, and so is JSON without any."""
    size = asked(text).input_size
    assert size is not None
    assert len(text.encode()) < size < len(text.encode()) + 100


@pytest.mark.parametrize("data", [PICTURE, f"data:image/png;base64,{PICTURE}"])
def test_a_picture_is_no_text(data: str):
    size = asked([{"type": "image", "data": data}]).input_size
    assert size is not None
    assert MEDIA_TOKENS < size < MEDIA_TOKENS + 200


def test_tools_bring_words_of_the_provider():
    plain, size = asked("Hello").input_size, asked("Hello", tools=[{"name": "t"}]).input_size
    assert plain is not None
    assert size is not None
    assert size - plain > TOOLS_TOKENS


@pytest.mark.parametrize(
    "more", [{"previous_response_id": "r1"}, {"conversation": "c1"}, {"prompt": {"id": "p1"}}]
)
def test_what_the_provider_keeps_has_no_size_here(more: dict[str, object]):
    assert asked("Hello", **more).input_size is None


def test_what_can_be_read_only_once_stays_unread():
    parts = iter(["Hello"])
    request = asked(parts)
    assert (request.input_size, request.fingerprint) == (None, None)
    assert list(parts) == ["Hello"]


def test_the_same_question_is_the_same_however_it_is_sent():
    first = asked("Hello").fingerprint
    assert first == asked("Hello", stream=True, user="u1").fingerprint
    assert first not in (asked("Hello!").fingerprint, asked("Hello", seed=1).fingerprint)
    assert first is not None
    assert len(first) == 32
