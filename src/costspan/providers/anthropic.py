"""The Anthropic SDK: its operations, and how to read what it asks and answers.

Read in anthropic 0.49 to 2.12. The API's `input_tokens` leaves cache reads and writes out, so the
three are added up. In a stream `message_delta` is cumulative: its fields replace those of
`message_start`, and what it leaves out still holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from costspan.call import Response, Usage
from costspan.providers.anthropic_messages import messages, stitch_message
from costspan.providers.anthropic_options import body_of, prepare
from costspan.providers.anthropic_texts import message_chunk, message_prompt
from costspan.providers.operation import (
    Body,
    Endpoint,
    Operation,
    Provider,
    Reader,
    count,
    fields,
    items,
    no_parameters,
    number,
    parameters_of,
    remembered,
    strings,
    text,
)


def _output_type(value: Any) -> str | None:
    chosen = fields(value)
    kind = chosen.get("type") or fields(chosen.get("format")).get("type")
    return "json" if kind == "json_schema" else None


_MESSAGES: dict[str, tuple[str, Reader]] = {
    "max_tokens": ("max_tokens", count),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "top_k": ("top_k", count),
    "stop_sequences": ("stop_sequences", strings),
    "output_format": ("output_type", _output_type),
}


def _parameters(body: Body) -> dict[str, Any]:
    found = parameters_of(body, _MESSAGES)
    config = body.get("output_config")
    if not isinstance(config, dict):
        return found
    if effort := text(config.get("effort")):
        found["reasoning_level"] = effort
    if kind := _output_type(config):
        found["output_type"] = kind
    return found


def read_usage(value: Any) -> Usage | None:
    """`Usage` of a message, of a delta or of an iteration."""
    usage = fields(value)
    get = usage.get
    fresh, output = count(get("input_tokens")), count(get("output_tokens"))
    if fresh is None and output is None:
        return None
    read = count(get("cache_read_input_tokens"))
    written = count(get("cache_creation_input_tokens"))
    writes, thoughts = fields(get("cache_creation")), fields(get("output_tokens_details"))
    tools = fields(get("server_tool_use"))
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=count(writes.get("ephemeral_1h_input_tokens")),
        reasoning_tokens=count(thoughts.get("thinking_tokens")),
        web_searches=count(tools.get("web_search_requests")),
        code_executions=count(tools.get("code_execution_requests")),
    )


_EXTRA_ITERATIONS = frozenset({"compaction", "advisor_message"})


def _also_billed(usage: Body) -> tuple[tuple[str | None, Usage], ...]:
    """Iterations whose tokens the top-level counts leave out; an advisor has its own model."""
    iterations = usage.get("iterations")
    if iterations is None:
        return ()
    found = []
    for iteration in items(iterations):
        if text(iteration.get("type")) in _EXTRA_ITERATIONS:
            used = read_usage(iteration)
            if used is not None:
                found.append((text(iteration.get("model")), used))
    return tuple(found)


_RUNS_CODE = frozenset({"code_execution", "bash_code_execution", "text_editor_code_execution"})


def _with_code_runs(usage: Usage, tools: Body, content: Any) -> Usage:
    """Code runs are not counted in the usage; in an answer that searched or fetched they are free.

    Source: "Code execution tool", section "Usage and pricing" of Anthropic's documentation.
    """
    if tools and (
        count(tools.get("web_search_requests")) or count(tools.get("web_fetch_requests"))
    ):
        return structs.replace(usage, code_executions=None)
    runs = 0
    for block in items(content):
        if block.get("type") == "server_tool_use" and text(block.get("name")) in _RUNS_CODE:
            runs += 1
    return structs.replace(usage, code_executions=runs) if runs else usage


def read_message(body: Body) -> Response:
    """A `Message` or `BetaMessage`."""
    usage = fields(body.get("usage"))
    used = read_usage(usage)
    if used is not None:
        used = _with_code_runs(used, fields(usage.get("server_tool_use")), body.get("content"))
    reason = text(body.get("stop_reason"))
    return Response(
        id=text(body.get("id")),
        model=text(body.get("model")),
        finish_reasons=(reason,) if reason else None,
        usage=used,
        also_billed=_also_billed(usage),
        service_tier=text(usage.get("service_tier")),
        speed=text(usage.get("speed")),
        inference_geo=text(usage.get("inference_geo")),
    )


_KEPT = frozenset({"message_start", "message_delta"})
_KEPT_BLOCKS = frozenset({"server_tool_use", "fallback"})


def _keeps(event: Body) -> bool:
    kind = event.get("type")
    if kind == "content_block_start":
        return text(fields(event.get("content_block")).get("type")) in _KEPT_BLOCKS
    return kind in _KEPT


def _opening(event: Body) -> Body:
    """Who answers and what the prompt counted, as the first event says."""
    if event.get("type") != "message_start":
        return event
    message = fields(event.get("message"))
    told = {key: message.get(key) for key in ("id", "model")}
    # Without the event around it: an open stream holds this, and a dictionary takes 230 bytes.
    return {"type": "message_start", **told, "usage": _said(message.get("usage"))}


def has_content(event: Body) -> bool:
    """Whether an event carries a piece of the answer."""
    return event.get("type") == "content_block_delta"


def fold_message(events: Sequence[Body]) -> Response:
    """The start's facts, overridden field by field by each delta."""
    whole: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    blocks = []
    for event in events:
        kind = event.get("type")
        if kind == "message_start":
            whole.update(fields(event.get("message", event)))
            usage.update(_said(whole.get("usage")))
            # What stands here is a placeholder: the count is only known at the end.
            usage.pop("output_tokens", None)
        elif kind == "message_delta":
            whole.update(_said(event.get("delta")))
            usage.update(_said(event.get("usage")))
        elif kind == "content_block_start":
            block = fields(event.get("content_block"))
            blocks.append(block)
            if block.get("type") == "fallback":  # the answer is another model's from here on
                whole["model"] = fields(block.get("to")).get("model") or whole.get("model")
    return read_message({**whole, "content": blocks, "usage": usage})


def _said(value: Any) -> dict[str, Any]:
    return {key: said for key, said in fields(value).items() if said is not None}


def read_token_count(body: Body) -> Response:
    """A `MessageTokensCount`: nothing that is billed."""
    return Response()


OPERATIONS = (
    Operation(
        name="chat",
        method="post",
        path="/v1/messages",
        parameters=_parameters,
        output_limit=("max_tokens",),
        read=read_message,
        keeps=_keeps,
        opening=_opening,
        has_content=has_content,
        fold=fold_message,
        messages=messages,
        stitch=stitch_message,
        prompt_texts=message_prompt,
        chunk_texts=message_chunk,
    ),
    Operation(
        name="count_tokens",
        method="post",
        path="/v1/messages/count_tokens",
        parameters=no_parameters,
        read=read_token_count,
        billable=False,
    ),
)

_DEFAULT_PORTS = {"https": 443, "http": 80}
_PLATFORMS = (
    ("Bedrock", "aws.bedrock"),
    ("Vertex", "gcp.vertex_ai"),
)


def _endpoint(client: Any, url: Any) -> Endpoint:
    return Endpoint(_platform(client), url.host or None, url.port or _DEFAULT_PORTS.get(url.scheme))


def _platform(client: Any) -> str:
    for kind in type(client).__mro__:
        for mark, provider in _PLATFORMS:
            if mark in kind.__name__:
                return provider
    return "anthropic"


locate = remembered(_endpoint)


ANTHROPIC = Provider(
    name="anthropic",
    versions=((0, 49), (3,)),
    operations=OPERATIONS,
    locate=locate,
    request_id_header="request-id",
    body=body_of,
    prepare=prepare,
)
