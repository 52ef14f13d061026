"""The Gemini API: generateContent, its stream, countTokens and batchEmbedContents."""

from __future__ import annotations

import re
from collections.abc import Iterator

from costspan.testing.exchange import Answer, Call, Event, Json, Wire
from costspan.testing.openai_vectors import DIMENSIONS, vector_of
from costspan.testing.tokens import Tokens, count_prompt, put_usage
from costspan.testing.turn import VENDOR_NOTE, Reply, ToolOffer, Turn, last_text, reply_to

METHOD = re.compile(r"/models/(?P<model>[^/:]+):(?P<method>\w+)$")
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def headers(nonce: str) -> dict[str, str]:
    """What every Gemini answer carries."""
    return {"server-timing": "gfet4t7; dur=3", "x-costspan-request-id": nonce}


def _error(status: int, message: str) -> Json:
    name = _STATUSES.get(status, "INTERNAL")
    return {"error": {"code": status, "message": message, "status": name}}


def failure(status: int, message: str, nonce: str) -> Answer:
    """An HTTP error in Google's shape."""
    return Answer(status, headers(nonce), _error(status, message))


def stream_error(call: Call, sent: int) -> Event:
    """The event that ends a stream when the server fails half-way."""
    return Event("", _error(503, f"The model is overloaded. {call.scenario.canary}".strip()))


def _first_tool(tools: list[Json] | None) -> ToolOffer:
    for tool in tools or []:
        for declared in tool.get("functionDeclarations", []):
            schema = declared.get("parameters") or declared.get("parametersJsonSchema")
            return ToolOffer(declared["name"], schema)
    return ToolOffer()


def _turn(call: Call, model: str) -> Turn:
    body = call.body
    contents, config = body.get("contents") or [], body.get("generationConfig") or {}
    parts = [part for content in contents for part in content.get("parts", [])]
    return Turn(
        model=model,
        prompt=[body.get("systemInstruction"), contents, body.get("tools")],
        last_user=last_text(contents, "parts"),
        tool=_first_tool(body.get("tools")),
        answered=any("functionResponse" in part for part in parts),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
    )


def usage_of(tokens: Tokens, share: float) -> Json:
    """`usageMetadata` after `share` of the output: candidates exclude the thoughts."""
    spoken = int((tokens.output - tokens.reasoning) * share)
    usage: Json = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": spoken,
        "totalTokenCount": tokens.input + spoken + tokens.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": spoken}],
    }
    if tokens.reasoning:
        usage["thoughtsTokenCount"] = tokens.reasoning
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": tokens.cached}]
    return usage


def _body(call: Call, reply: Reply, part: Json, share: float, finish: str | None) -> Json:
    candidate: Json = {"content": {"parts": [part], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    body: Json = {
        "candidates": [candidate],
        "modelVersion": reply.model,
        "responseId": call.nonce,
    }
    if call.scenario.extra:
        body["vendorNote"] = VENDOR_NOTE
    put_usage(body, "usageMetadata", usage_of(reply.tokens, share), call.scenario)
    return body


def _parts(reply: Reply) -> list[Json]:
    if reply.tool:
        return [{"functionCall": {"name": reply.tool.name, "args": reply.tool.arguments}}]
    return [{"text": piece} for piece in reply.pieces]


def _chunks(call: Call, reply: Reply, finish: str) -> Iterator[Json]:
    parts = _parts(reply)
    for number, part in enumerate(parts, start=1):
        last = number == len(parts)
        yield _body(call, reply, part, number / len(parts), finish if last else None)


def _answer_content(call: Call, model: str, streamed: bool) -> Answer:
    reply = reply_to(_turn(call, model), call)
    finish = "MAX_TOKENS" if call.scenario.length else "STOP"
    whole = _parts(reply)[0] if reply.tool else {"text": reply.text}
    chunks = _chunks(call, reply, finish) if streamed else None
    return Answer(
        body=_body(call, reply, whole, 1.0, finish),
        events=None if chunks is None else tuple(Event("", chunk) for chunk in chunks),
        tokens=reply.tokens,
        model=reply.model,
        response_id=call.nonce,
    )


def _answer_count(call: Call, model: str) -> Answer:
    given = call.scenario.tokens
    count = given[0] if given else count_prompt(_turn(call, model).prompt)
    details = [{"modality": "TEXT", "tokenCount": count}]
    return Answer(body={"totalTokens": count, "promptTokensDetails": details}, model=model)


def _answer_embeddings(call: Call, model: str) -> Answer:
    requests: list[Json] = call.body.get("requests") or []
    values = [
        vector_of(request.get("content"), int(request.get("outputDimensionality") or DIMENSIONS))
        for request in requests
    ]
    tokens = Tokens(input=count_prompt([request.get("content") for request in requests]))
    body = {"embeddings": [{"values": vector} for vector in values]}
    return Answer(body=body, tokens=tokens, model=model)


def answer(call: Call) -> Answer | None:
    """POST .../models/NAME:METHOD; None for a method not served."""
    found = METHOD.search(call.path)
    method = found["method"] if found else ""
    model = found["model"] if found else ""
    if method in ("generateContent", "streamGenerateContent"):
        return _answer_content(call, model, method.startswith("stream"))
    if method == "countTokens":
        return _answer_count(call, model)
    return _answer_embeddings(call, model) if method == "batchEmbedContents" else None


GEMINI = Wire(answer, failure, stream_error, headers)
