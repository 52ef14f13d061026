"""What a budget is for: the key of a call within it, and which calls it counts at all.

One vocabulary, that of `attribution`: agent, session, user, endpoint, model, provider, trace and
`tag:KEY`; besides, `request` is the same request again, told by a hash of what is asked. The model
is the one that was asked for, as nothing else is known before the call; where none was named, the
one that answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from costspan.attributed import Attribution
from costspan.call import Call, Request
from costspan.cost.stores.contract import SKIPPED, UNSCOPED

FIELDS = ("agent", "session", "user", "endpoint", "model", "provider")
SCOPES = ("call", "trace", *FIELDS, "request", "total")
BETWEEN = "\x1f"
"""Stands between the parts of a combined key."""


class Whose(Protocol):
    """Attribution, and a call that carries one."""

    @property
    def agent(self) -> str | None: ...
    @property
    def session(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def endpoint(self) -> str | None: ...
    @property
    def tags(self) -> Mapping[str, Any]: ...


class Subject(Struct, frozen=True, gc=False):
    """What is known of a call that keys and filters look at, before it or after it."""

    who: Any
    provider: str | None = None
    model: str | None = None
    trace_id: int = 0
    fingerprint: str | None = None


def asked(request: Request, who: Attribution, trace_id: int) -> Subject:
    """The subject of a call that is about to be made."""
    return Subject(who, request.provider, request.model, trace_id, request.fingerprint)


def settled(call: Call) -> Subject:
    """The subject of a finished call."""
    request = call.request
    return Subject(
        call, request.provider, request.model or call.model, call.trace_id, request.fingerprint
    )


Key = Callable[[Subject], str | None]
"""The key of a call within a scope; None where the call has none."""


def key_of(per: tuple[str, ...]) -> Key:
    """How the key of a scope is found; that of one sum for all is empty."""
    readers = [reader(word) for word in per if word not in ("total", "call")]
    if not readers:
        return lambda subject: ""
    if len(readers) == 1:
        read = readers[0]
        return lambda subject: _apart(read(subject))

    def joined(subject: Subject) -> str | None:
        parts = []
        for read in readers:
            part = read(subject)
            if part is None:
                return None
            parts.append(part.replace(BETWEEN, " "))
        return BETWEEN.join(parts)

    return joined


def _apart(key: str | None) -> str | None:
    """A key that cannot be taken for a scope of the stores' own, whoever chose it."""
    return f"'{key}'" if key in (SKIPPED, UNSCOPED) else key


def reader(word: str) -> Key:
    """What a call has under one word of the vocabulary."""
    if word.startswith("tag:"):
        key = word.removeprefix("tag:")
        return lambda subject: _text(subject.who.tags.get(key))
    return _READERS[word]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


_READERS: dict[str, Key] = {
    "agent": lambda subject: subject.who.agent,
    "session": lambda subject: subject.who.session,
    "user": lambda subject: subject.who.user,
    "endpoint": lambda subject: subject.who.endpoint,
    "model": lambda subject: subject.model,
    "provider": lambda subject: subject.provider,
    "trace": lambda subject: f"{subject.trace_id:032x}" if subject.trace_id else None,
    "request": lambda subject: subject.fingerprint,
}


def filter_of(where: Mapping[str, str]) -> Callable[[Subject], bool]:
    """Whether a call has all the values that are wanted; a trailing `*` stands for any ending."""
    wanted = [(reader(word), value) for word, value in where.items()]
    if not wanted:
        return lambda subject: True
    return lambda subject: all(_matches(read(subject), value) for read, value in wanted)


def _matches(value: str | None, wanted: str) -> bool:
    if value is None:
        return False
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def shown(scope: str) -> str | None:
    """A key as a person reads it; None for that of one sum for all."""
    return scope.replace(BETWEEN, ", ") or None
