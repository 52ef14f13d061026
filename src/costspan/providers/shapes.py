"""Which provider's answer an object or dict is, told by its shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from costspan.call import Response
from costspan.errors import ConfigurationError
from costspan.providers import anthropic, gemini, openai_answers
from costspan.providers.anthropic_texts import message_chunk
from costspan.providers.openai_texts import chat_chunk, response_chunk
from costspan.providers.operation import Body, fields


class Shape(Struct, frozen=True):
    """One wire format: its name, how to tell it, and how to read an answer and a stream of it.

    `has_content` says whether a chunk carries a piece of the answer, `chunk_texts` gives its text.
    """

    api: str
    fits: Callable[[Body], bool]
    read: Callable[[Body], Response]
    fold: Callable[[Sequence[Body]], Response]
    has_content: Callable[[Body], bool]
    chunk_texts: Callable[[Body], list[str]]


def _is_message(body: Body) -> bool:
    return body.get("type") in ("message", "message_start", "message_delta") or (
        "stop_reason" in body and "content" in body
    )


def _is_content(body: Body) -> bool:
    return any(
        name in body for name in ("candidates", "usage_metadata", "usageMetadata", "model_version")
    )


def _is_response(body: Body) -> bool:
    kind = body.get("type")
    return str(body.get("object")).startswith("response") or (
        isinstance(kind, str) and kind.startswith("response.")
    )


def _is_chat(body: Body) -> bool:
    usage = fields(body.get("usage"))
    transcribed = usage.get("type") in ("tokens", "duration")
    return "choices" in body or "data" in body or "prompt_tokens" in usage or transcribed


SHAPES = (
    Shape(
        "anthropic",
        _is_message,
        anthropic.read_message,
        anthropic.fold_message,
        anthropic.has_content,
        message_chunk,
    ),
    Shape(
        "gemini",
        _is_content,
        gemini.read_content,
        gemini.fold_content,
        lambda chunk: bool(chunk.get("candidates")),
        gemini.chunk_texts,
    ),
    Shape(
        "openai",
        _is_response,
        openai_answers.read_response,
        openai_answers.fold_response,
        openai_answers.response_has_content,
        response_chunk,
    ),
    Shape(
        "openai",
        _is_chat,
        openai_answers.read_chat,
        openai_answers.fold_chat,
        openai_answers.chat_has_content,
        chat_chunk,
    ),
)


def shape_of(value: Any) -> Shape:
    """The shape of an answer or of a stream's chunk.

    Raises:
        ConfigurationError: it is no answer that is known here; the message says what is.
    """
    body = fields(value)
    for shape in SHAPES:
        if shape.fits(body):
            return shape
    raise ConfigurationError(
        f"a {type(value).__name__} is no OpenAI-, Anthropic- or Gemini-shaped answer: "
        "give the counts instead, by set_usage(input_tokens=..., output_tokens=...), or to "
        "price_of as a costspan.call.Usage(...)"
    )


def read(value: Any) -> tuple[str, Response]:
    """The wire format of an answer, and what it said."""
    shape = shape_of(value)
    return shape.api, shape.read(fields(value))
