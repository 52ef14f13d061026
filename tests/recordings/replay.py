"""One recorded exchange, issued again by the real SDK: the request it sends, the answer it gets."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anthropic
import openai

from tests.instrumentation.wire import Answer, Wire
from tests.recordings import expected

METHODS = {
    "/chat/completions": "chat.completions.create",
    "/completions": "completions.create",
    "/responses": "responses.create",
    "/responses/compact": "responses.compact",
    "/responses/input_tokens": "responses.input_tokens.count",
    "/embeddings": "embeddings.create",
    "/moderations": "moderations.create",
    "/images/generations": "images.generate",
    "/audio/transcriptions": "audio.transcriptions.create",
    "/v1/messages": "messages.create",
    "/v1/messages/count_tokens": "messages.count_tokens",
}
"""The SDK's method for the end of each recorded path; the longest end that fits holds."""


@dataclass(frozen=True)
class Recording:
    """A recorded request, and the response to it."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    answer: Answer

    @classmethod
    def read(cls, file: Path) -> Recording:
        """The recording in a file."""
        both = json.loads(file.read_text())
        target = urlsplit("/" + both["request"]["path"].lstrip("/"))
        return cls(
            method=both["request"]["method"],
            path=target.path,
            query=dict(parse_qsl(target.query)),
            body=both["request"].get("body"),
            answer=_answer(both["response"]),
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """The keywords of the SDK's method."""
        if self.path.endswith("/audio/transcriptions"):
            # The recorded upload was a form, which is not kept.
            return {"file": ("speech.wav", b"RIFF"), "model": "gpt-4o-transcribe"}
        if self.method == "GET":
            cursor = self.query.get("starting_after")
            return {
                "response_id": self.path.rpartition("/")[2],
                "stream": self.query["stream"] == "true",
                **({} if cursor is None else {"starting_after": int(cursor)}),
            }
        return dict(self.body)

    @property
    def called(self) -> str:
        """The dotted name of the SDK's method."""
        if self.method == "GET":
            return "responses.retrieve"
        end = max((end for end in METHODS if self.path.endswith(end)), key=len)
        beta = "beta." if self.query.get("beta") == "true" else ""
        return beta + METHODS[end]


def _answer(response: Any) -> Answer:
    """The response as recorded; an event stream event by event, as it came."""
    body = response["body"]
    headers = {name: str(value) for name, value in response["headers"].items()}
    if not isinstance(body, str):
        return Answer(response["status"], body, headers=headers)
    chunks = [f"{event}\n\n".encode() for event in body.strip("\n").split("\n\n")]
    return Answer(
        response["status"], chunks=chunks, headers={**headers, "content-type": "text/event-stream"}
    )


def client_for(wire: Wire, recording: Recording, base_url: str, *, asynchronous: bool) -> Any:
    """The client that the recorded program used, as far as host and class go."""
    if base_url == expected.ANTHROPIC:
        kind: Any = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
        return wire.anthropic(kind, api_key="k", base_url=base_url)
    if base_url == expected.AZURE:
        kind = openai.AsyncAzureOpenAI if asynchronous else openai.AzureOpenAI
        return wire.openai(
            kind,
            api_key="k",
            azure_endpoint=base_url,
            azure_deployment=recording.path.split("/")[3],
            api_version=recording.query["api-version"],
        )
    kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return wire.openai(kind, api_key="k", base_url=base_url)


def bound(client: Any, recording: Recording) -> Callable[[], Any]:
    """The call, ready to be made; what the method has no keyword for goes by `extra_body`."""
    method = client
    for name in recording.called.split("."):
        method = getattr(method, name)
    known = inspect.signature(method).parameters
    given = recording.arguments
    named = {name: value for name, value in given.items() if name in known}
    extra = {name: value for name, value in given.items() if name not in known}
    if extra:
        named["extra_body"] = extra
    return lambda: method(**named)
