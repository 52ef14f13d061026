"""The values that pass between the socket and the wire formats: a call, its answer, an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from costspan.testing.scenario import Scenario
from costspan.testing.tokens import Tokens

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. Header names are lower case; `body` is empty for GET."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    scenario: Scenario
    nonce: str

    @property
    def attempt(self) -> int:
        """Retries the SDK made before this request, by its own account; 0 when it says none."""
        told = self.headers.get("x-stainless-retry-count", "0")
        return int(told) if told.isdecimal() else 0


class Event(NamedTuple):
    """One server-sent event; an empty name sends no `event:` line, a string is sent as it is."""

    name: str
    data: Json | str

    def encode(self) -> bytes:
        """The wire form, blank line included."""
        data = self.data if isinstance(self.data, str) else json.dumps(self.data)
        head = f"event: {self.name}\n" if self.name else ""
        return f"{head}data: {data}\n\n".encode()


DONE = Event("", "[DONE]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: a JSON body, or events when `events` is not None.

    `tokens` is what the call cost, whatever the usage on the wire claims; `complete` is False
    for a stream that ends before its natural end.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    events: tuple[Event, ...] | None = None
    tokens: Tokens = field(default_factory=Tokens)
    model: str = ""
    response_id: str = ""
    complete: bool = True


class Wire(NamedTuple):
    """One provider's wire format.

    `answer` gives None for a path it does not serve; `failure` takes a status, a message and the
    nonce; `stream_error` takes the call and the number of events already sent; `headers` makes
    the headers of a success from the nonce.
    """

    answer: Callable[[Call], Answer | None]
    failure: Callable[[int, str, str], Answer]
    stream_error: Callable[[Call, int], Event]
    headers: Callable[[str], dict[str, str]]
