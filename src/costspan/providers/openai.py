"""The OpenAI SDK: its operations, and how to read what it asks. Read in openai 1.66 to 3.54."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from costspan.providers.openai_answers import (
    chat_has_content,
    chat_keeps,
    chat_opening,
    fold_chat,
    fold_response,
    named_tier,
    read_chat,
    read_embeddings,
    read_response,
    read_unbilled,
    response_has_content,
    response_keeps,
    response_opening,
)
from costspan.providers.openai_hosts import locate
from costspan.providers.openai_messages import (
    chat_messages,
    response_messages,
    stitch_chat,
    stitch_response,
)
from costspan.providers.openai_texts import (
    chat_chunk,
    chat_prompt,
    completion_prompt,
    response_chunk,
    response_prompt,
)
from costspan.providers.operation import (
    Body,
    Endpoint,
    Operation,
    Provider,
    Reader,
    count,
    fields,
    no_parameters,
    number,
    parameters_of,
    strings,
    text,
)

_RAW_HEADER = "X-Stainless-Raw-Response"
_STREAMED_ON_REQUEST = ("/chat/completions", "/completions")


def _choices(value: Any) -> int | None:
    return None if value == 1 else count(value)


def _format(value: Any) -> str | None:
    kind = fields(value).get("type")
    return {"json_schema": "json", "json_object": "json", "text": "text"}.get(str(kind))


_SAMPLING: dict[str, tuple[str, Reader]] = {
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "service_tier": ("service_tier", named_tier),
}
_CHAT: dict[str, tuple[str, Reader]] = {
    **_SAMPLING,
    "max_tokens": ("max_tokens", count),
    "max_completion_tokens": ("max_tokens", count),
    "frequency_penalty": ("frequency_penalty", number),
    "presence_penalty": ("presence_penalty", number),
    "stop": ("stop_sequences", strings),
    "seed": ("seed", count),
    "n": ("choice_count", _choices),
    "reasoning_effort": ("reasoning_level", text),
    "response_format": ("output_type", _format),
}
_RESPONSES: dict[str, tuple[str, Reader]] = {
    **_SAMPLING,
    "max_output_tokens": ("max_tokens", count),
    "previous_response_id": ("previous_response_id", text),
    "reasoning": ("reasoning_level", lambda value: text(fields(value).get("effort"))),
    "text": ("output_type", lambda value: _format(fields(value).get("format"))),
    "conversation": (
        "conversation_id",
        lambda value: text(value) or text(fields(value).get("id")),
    ),
}
_EMBEDDINGS: dict[str, tuple[str, Reader]] = {
    "dimensions": ("dimensions", count),
    "encoding_format": ("encoding_formats", strings),
}


OPERATIONS = (
    Operation(
        name="chat",
        method="post",
        path="/chat/completions",
        parameters=partial(parameters_of, table=_CHAT, api_type="chat_completions"),
        output_limit=("max_completion_tokens", "max_tokens"),
        read=read_chat,
        keeps=chat_keeps,
        opening=chat_opening,
        has_content=chat_has_content,
        fold=fold_chat,
        messages=chat_messages,
        stitch=stitch_chat,
        prompt_texts=chat_prompt,
        chunk_texts=chat_chunk,
    ),
    Operation(
        name="text_completion",
        method="post",
        path="/completions",
        parameters=partial(parameters_of, table=_CHAT),
        output_limit=("max_tokens",),
        read=read_chat,
        keeps=chat_keeps,
        opening=chat_opening,
        has_content=chat_has_content,
        fold=fold_chat,
        messages=chat_messages,
        stitch=stitch_chat,
        prompt_texts=completion_prompt,
        chunk_texts=chat_chunk,
    ),
    Operation(
        name="chat",
        method="post",
        path="/responses",
        parameters=partial(parameters_of, table=_RESPONSES, api_type="responses"),
        output_limit=("max_output_tokens",),
        read=read_response,
        keeps=response_keeps,
        opening=response_opening,
        has_content=response_has_content,
        fold=fold_response,
        messages=response_messages,
        stitch=stitch_response,
        prompt_texts=response_prompt,
        chunk_texts=response_chunk,
    ),
    Operation(
        name="chat",
        method="post",
        path="/responses/compact",
        parameters=partial(parameters_of, table=_RESPONSES, api_type="responses"),
        read=read_response,
        messages=response_messages,
    ),
    Operation(
        name="fetch_response",
        method="get",
        path="/responses/",
        parameters=no_parameters,
        read=read_response,
        keeps=response_keeps,
        opening=response_opening,
        has_content=response_has_content,
        fold=fold_response,
        billable=False,
    ),
    Operation(
        name="count_tokens",
        method="post",
        path="/responses/input_tokens",
        parameters=no_parameters,
        read=read_unbilled,
        billable=False,
    ),
    Operation(
        name="embeddings",
        method="post",
        path="/embeddings",
        parameters=partial(parameters_of, table=_EMBEDDINGS),
        read=read_embeddings,
    ),
    Operation(
        name="moderation",
        method="post",
        path="/moderations",
        parameters=no_parameters,
        read=read_unbilled,
        billable=False,
    ),
)


def body_of(options: Any) -> Body:
    """The JSON that will be sent: `extra_body` overrides what the method's arguments said."""
    body = options.json_data
    if type(body) is not dict and not isinstance(body, Mapping):
        return {}
    extra = getattr(options, "extra_json", None)
    return {**body, **extra} if extra else body


def prepare(
    options: Any, body: Body, operation: Operation, endpoint: Endpoint, ask_usage: bool
) -> tuple[Any, bool]:
    """Ask for a stream's usage where that is safe; the caller's own objects are never changed."""
    if not (ask_usage and endpoint.asks_usage and body.get("stream") is True):
        return options, False
    if operation.path not in _STREAMED_ON_REQUEST or "data_sources" in body:
        return options, False
    asked = body.get("stream_options", {})
    if not isinstance(asked, Mapping) or "include_usage" in asked or _is_raw(options):
        return options, False
    sent = copy.copy(options)
    wanted = {"stream_options": {**asked, "include_usage": True}}
    if "stream_options" in (getattr(options, "extra_json", None) or ()):
        sent.extra_json = {**options.extra_json, **wanted}
    else:
        sent.json_data = {**options.json_data, **wanted}
    return sent, True


def _is_raw(options: Any) -> bool:
    headers = options.headers
    return isinstance(headers, Mapping) and any(
        name.lower() == _RAW_HEADER.lower() for name in headers
    )


OPENAI = Provider(
    name="openai",
    versions=((1, 66), (4,)),
    operations=OPERATIONS,
    locate=locate,
    request_id_header="x-request-id",
    body=body_of,
    prepare=prepare,
)
