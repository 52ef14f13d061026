"""The OpenAI endpoints: which path is answered by what, and the shape of an error."""

from __future__ import annotations

import re
from collections.abc import Callable

from costspan.testing.exchange import Answer, Call, Event, Json, Wire
from costspan.testing.openai_chat import answer_chat, answer_completion
from costspan.testing.openai_responses import (
    answer_compact,
    answer_input_tokens,
    answer_response,
    answer_stored,
)
from costspan.testing.openai_vectors import answer_embeddings, answer_moderations

_KINDS = {
    400: ("invalid_request_error", "bad_request"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
_POSTS: dict[str, Callable[[Call], Answer]] = {
    "/chat/completions": answer_chat,
    "/completions": answer_completion,
    "/responses": answer_response,
    "/responses/compact": answer_compact,
    "/responses/input_tokens": answer_input_tokens,
    "/embeddings": answer_embeddings,
    "/moderations": answer_moderations,
}
_STORED = re.compile(r"/responses/(resp_[\w-]+)(/cancel)?$")


def headers(nonce: str) -> dict[str, str]:
    """What every OpenAI answer carries."""
    return {
        "x-request-id": f"req_{nonce}",
        "openai-processing-ms": "3",
        "openai-version": "2020-10-01",
    }


def error_object(status: int, message: str) -> Json:
    """The object under `error`."""
    kind, code = _KINDS.get(status, ("server_error", "server_error"))
    return {"message": message, "type": kind, "param": None, "code": code}


def failure(status: int, message: str, nonce: str) -> Answer:
    """An HTTP error in OpenAI's shape."""
    return Answer(status, headers(nonce), {"error": error_object(status, message)})


def stream_error(call: Call, sent: int) -> Event:
    """The event that ends a stream when the server fails after `sent` events."""
    error = error_object(500, f"The server had an error. {call.scenario.canary}".strip())
    if call.path.endswith("/chat/completions") or call.path.endswith("/completions"):
        return Event("", {"error": error})
    return Event("error", {"type": "error", "sequence_number": sent, "error": error})


def answer(call: Call) -> Answer | None:
    """Answer a call by the end of its path, or None when no endpoint ends so."""
    if stored := _STORED.search(call.path):
        return answer_stored(call, stored[1], cancelled=bool(stored[2]))
    if call.method != "POST":
        return None
    # The longest suffix first: "/chat/completions" also ends in "/completions".
    for suffix in sorted(_POSTS, key=len, reverse=True):
        if call.path.endswith(suffix):
            return _POSTS[suffix](call)
    return None


OPENAI = Wire(answer, failure, stream_error, headers)
