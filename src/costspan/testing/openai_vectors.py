"""Embeddings and moderations of OpenAI."""

from __future__ import annotations

import json
from array import array
from base64 import b64encode
from zlib import crc32

from costspan.testing.exchange import Answer, Call, Json
from costspan.testing.tokens import Tokens, count_prompt, put_usage
from costspan.testing.turn import VENDOR_NOTE, answered_model

DIMENSIONS = 8
_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)


def vector_of(value: object, dimensions: int) -> list[float]:
    """A deterministic vector of `dimensions` numbers in [0, 1), exact in 32 bits."""
    text = json.dumps(value)
    return [(crc32(f"{i}{text}".encode()) % 1024) / 1024 for i in range(dimensions)]


def _items(value: object) -> list[object]:
    """The inputs of a request: one text or one list of token ids counts as one input."""
    if isinstance(value, list) and not (value and isinstance(value[0], int)):
        return value
    return [value]


def _encode(vector: list[float], encoding: str) -> str | list[float]:
    # Little-endian on every machine these tests run on, as on the wire.
    return b64encode(array("f", vector).tobytes()).decode() if encoding == "base64" else vector


def _served(call: Call) -> Tokens:
    given = call.scenario.tokens
    return Tokens(input=given[0] if given else count_prompt(call.body.get("input")))


def answer_embeddings(call: Call) -> Answer:
    """POST /embeddings."""
    request, tokens = call.body, _served(call)
    model = answered_model(str(request.get("model", "")), call.scenario.model)
    size = int(request.get("dimensions") or DIMENSIONS)
    encoding = str(request.get("encoding_format") or "float")
    vectors = [_encode(vector_of(item, size), encoding) for item in _items(request.get("input"))]
    body: Json = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
    }
    if call.scenario.extra:
        body["vendor_note"] = VENDOR_NOTE
    usage = {"prompt_tokens": tokens.input, "total_tokens": tokens.input}
    put_usage(body, "usage", usage, call.scenario)
    return Answer(body=body, tokens=tokens, model=model)


def answer_moderations(call: Call) -> Answer:
    """POST /moderations: nothing is ever flagged, nothing is billed."""
    model = answered_model(str(call.body.get("model", "omni-moderation-latest")), "")
    result: Json = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    results = [result for _ in _items(call.body.get("input"))]
    moderation_id = f"modr-{call.nonce}"
    body = {"id": moderation_id, "model": model, "results": results}
    return Answer(body=body, model=model, response_id=moderation_id)
