"""Chat Completions and the legacy Completions of OpenAI, plain and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from costspan.testing.exchange import DONE, Answer, Call, Event, Json
from costspan.testing.scenario import Scenario
from costspan.testing.tokens import Tokens, put_usage
from costspan.testing.turn import VENDOR_NOTE, Reply, ToolOffer, Turn, last_text, reply_to

CREATED = 1_790_000_000


def usage_of(tokens: Tokens, scenario: Scenario) -> Json:
    """`usage` of Chat Completions: the cached, written and reasoned parts are inside the totals."""
    prompt: Json = {"cached_tokens": tokens.cached, "audio_tokens": 0}
    if tokens.cache_write:
        prompt["cache_write_tokens"] = tokens.cache_write
    if scenario.extra:
        prompt["vendor_detail_tokens"] = 3
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _first_tool(tools: list[Json] | None) -> ToolOffer:
    for tool in tools or []:
        if tool.get("type") == "function":
            return ToolOffer(tool["function"]["name"], tool["function"].get("parameters"))
    return ToolOffer()


def _chat_turn(body: Json) -> Turn:
    messages = body.get("messages") or []
    return Turn(
        model=str(body.get("model", "")),
        prompt=[messages, body.get("tools")],
        last_user=last_text(messages),
        tool=_first_tool(body.get("tools")),
        answered=any(message.get("role") == "tool" for message in messages),
        schema=((body.get("response_format") or {}).get("json_schema") or {}).get("schema"),
        choices=int(body.get("n") or 1),
    )


def _tool_calls(reply: Reply, call: Call) -> list[Json] | None:
    if reply.tool is None:
        return None
    function = {"name": reply.tool.name, "arguments": json.dumps(reply.tool.arguments)}
    return [{"id": f"call_{call.nonce[:24]}", "type": "function", "function": function}]


def _finish(reply: Reply, scenario: Scenario) -> str:
    if scenario.length:
        return "length"
    return "tool_calls" if reply.tool else "stop"


def _head(call: Call, reply: Reply, kind: str) -> Json:
    head: Json = {
        "id": f"{'cmpl' if kind == 'text_completion' else 'chatcmpl'}-{call.nonce}",
        "object": kind,
        "created": CREATED,
        "model": reply.model,
        "system_fingerprint": "fp_costspan",
        "service_tier": call.scenario.tier or "default",
    }
    return {**head, "vendor_note": VENDOR_NOTE} if call.scenario.extra else head


def _choice(index: int, reply: Reply, call: Call) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if calls := _tool_calls(reply, call):
        message["tool_calls"] = calls
    return {
        "index": index,
        "message": message | {"annotations": []},
        "logprobs": None,
        "finish_reason": _finish(reply, call.scenario),
    }


def _deltas(reply: Reply, call: Call) -> Iterator[Json]:
    first: Json = {"role": "assistant", "content": "", "refusal": None}
    if calls := _tool_calls(reply, call):
        written = calls[0]["function"]["arguments"]
        calls[0]["function"]["arguments"] = ""
        yield first | {"content": None, "tool_calls": [{"index": 0, **calls[0]}]}
        for half in (written[: len(written) // 2], written[len(written) // 2 :]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": half}}]}
        return
    yield first
    for piece in reply.pieces:
        yield {"content": piece}


def _choice_chunks(turn: Turn, reply: Reply, call: Call) -> Iterator[list[Json]]:
    """The `choices` of every chunk: deltas in turn for each choice, then the finish reasons."""
    open_choice = {"logprobs": None, "finish_reason": None}
    for position, delta in enumerate(_deltas(reply, call)):
        for index in range(turn.choices):
            yield [{"index": index, "delta": delta, **open_choice}]
        if position == 0 and call.scenario.extra:
            yield []
    for index in range(turn.choices):
        finish = _finish(reply, call.scenario)
        yield [{"index": index, "delta": {}, "logprobs": None, "finish_reason": finish}]


def _closing(head: Json, reply: Reply, call: Call) -> Json:
    last: Json = {**head, "choices": []}
    put_usage(last, "usage", usage_of(reply.tokens, call.scenario), call.scenario)
    return last


def _events(
    head: Json, choices: Iterator[list[Json]], reply: Reply, call: Call
) -> tuple[Event, ...]:
    """All events of a stream. Usage is sent only to those who ask, in a chunk without choices."""
    asked = (call.body.get("stream_options") or {}).get("include_usage") is True
    blank: Json = {"usage": None} if asked and call.scenario.usage != "missing" else {}
    chunks = [{**head, "choices": choice, **blank} for choice in choices]
    if asked:
        chunks.append(_closing(head, reply, call))
    return (*(Event("", chunk) for chunk in chunks), DONE)


def _answer(call: Call, reply: Reply, body: Json, events: tuple[Event, ...] | None) -> Answer:
    return Answer(
        body=body,
        events=events,
        tokens=reply.tokens,
        model=reply.model,
        response_id=str(body["id"]),
    )


def answer_chat(call: Call) -> Answer:
    """POST /chat/completions."""
    turn = _chat_turn(call.body)
    reply = reply_to(turn, call)
    if call.body.get("stream"):
        head = _head(call, reply, "chat.completion.chunk")
        choices = _choice_chunks(turn, reply, call)
        return _answer(call, reply, head, _events(head, choices, reply, call))
    body = _head(call, reply, "chat.completion")
    body["choices"] = [_choice(index, reply, call) for index in range(turn.choices)]
    put_usage(body, "usage", usage_of(reply.tokens, call.scenario), call.scenario)
    return _answer(call, reply, body, None)


def _text_choice(index: int, text: str, finish: str | None) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _text_chunks(turn: Turn, reply: Reply, call: Call) -> Iterator[list[Json]]:
    for piece in reply.pieces:
        yield from ([_text_choice(index, piece, None)] for index in range(turn.choices))
    finish = _finish(reply, call.scenario)
    yield from ([_text_choice(index, "", finish)] for index in range(turn.choices))


def answer_completion(call: Call) -> Answer:
    """POST /completions: no tools, a choice for each prompt and each of `n`."""
    prompt = call.body.get("prompt", "")
    prompts = len(prompt) if isinstance(prompt, list) and prompt and _is_batch(prompt) else 1
    asked = str(prompt if isinstance(prompt, str) else "")
    count = prompts * int(call.body.get("n") or 1)
    turn = Turn(str(call.body.get("model", "")), prompt, asked, answered=True, choices=count)
    reply = reply_to(turn, call)
    body = _head(call, reply, "text_completion")
    if call.body.get("stream"):
        events = _events(body, _text_chunks(turn, reply, call), reply, call)
        return _answer(call, reply, body, events)
    finish = _finish(reply, call.scenario)
    body["choices"] = [_text_choice(index, reply.text, finish) for index in range(count)]
    put_usage(body, "usage", usage_of(reply.tokens, call.scenario), call.scenario)
    return _answer(call, reply, body, None)


def _is_batch(prompt: list[Any]) -> bool:
    """A list of token ids is one prompt; a list of texts or of lists is several."""
    return not isinstance(prompt[0], int)
