"""What a caller sees of one call, as plain values that two runs can be compared by.

Ids, which the server makes anew for each request, are replaced; nothing else is.
"""

import re
import warnings
from typing import Any

Event = tuple[Any, ...]

# Ids of the server, and addresses of objects.
_IDS = re.compile(r"resp_[A-Za-z0-9_-]{20,}|(0x)?[0-9a-f]{12,32}")
# The server's answer names the checksum of the request, which holds the ids of the turn before.
_CHECKSUM = re.compile(r"\b[0-9a-f]{8}\. ?")
_SHOWN = ("status_code", "retries_taken", "method", "is_closed", "is_stream_consumed")
_OF_EXCEPTION = ("status_code", "request_id", "code", "param", "type", "body", "completion")
_UNEQUAL_HEADERS = frozenset({"date"})


def normal(value: object) -> str:
    """`repr`, or the text itself, without what differs from request to request."""
    return _IDS.sub("<id>", value if isinstance(value, str) else repr(value))


def described(value: Any) -> Event:
    """The value's class, what it offers, and all that it says."""
    if isinstance(value, str | bytes | int | float | list | tuple | dict | None):
        return type(value), normal(repr(value))
    if hasattr(value, "model_dump"):
        return type(value), _public(value), *_dumps(value)
    return type(value), _public(value), *_transport(value)


def _public(value: Any) -> tuple[str, ...]:
    return tuple(name for name in dir(value) if not name.startswith("_"))


def _dumps(model: Any) -> tuple[str, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dumps = (model.model_dump(), model.model_dump(exclude_unset=True))
    return (*map(normal, dumps), normal(getattr(model, "_request_id", None)))


def _transport(value: Any) -> tuple[Any, ...]:
    """What a stream or a raw response says of its HTTP response, and that itself."""
    response = getattr(value, "http_response", None) or getattr(value, "response", None)
    said: list[Any] = [(name, getattr(value, name)) for name in _SHOWN if _is_plain(value, name)]
    if response is not None and hasattr(response, "headers"):
        headers = sorted(
            (name, normal(text))
            for name, text in response.headers.items()
            if name not in _UNEQUAL_HEADERS
        )
        said += [type(response), _public(response), tuple(headers), str(response.status_code)]
    return tuple(said)


def _is_plain(value: Any, name: str) -> bool:
    """Whether an attribute is there and no method."""
    return isinstance(getattr(value, name, None), int | str | bool)


def raised(exc: BaseException) -> Event:
    """An exception: its class, what it says, its facts, and what it was raised from."""
    facts = tuple(
        (name, normal(repr(getattr(exc, name)))) for name in _OF_EXCEPTION if hasattr(exc, name)
    )
    notes = tuple(getattr(exc, "__notes__", ()))
    return type(exc), normal(str(exc)), _public(exc), facts, notes, _chain(exc)


def _chain(exc: BaseException) -> tuple[Any, ...]:
    links = []
    link = exc.__cause__ or exc.__context__
    while link is not None and len(links) < 8:
        links.append((type(link), normal(str(link))))
        link = link.__cause__ or link.__context__
    return tuple(links)


class Seen:
    """All that one run showed its caller."""

    def __init__(self, *, several_turns: bool = False) -> None:
        self._several_turns = several_turns
        self.events: list[Event] = []
        self.exception: type[BaseException] | None = None
        self.warnings: list[Event] = []
        self.complaints: list[Event] = []
        self.items = 0

    def note(self, what: str, value: Any) -> None:
        """The caller got hold of a value."""
        self.items += what == "item"
        said = described(value)
        if self._several_turns:
            said = tuple(_CHECKSUM.sub("", one) if type(one) is str else one for one in said)
        self.events.append((what, *said))

    def fail(self, exc: BaseException) -> None:
        """The caller's code was left by an exception."""
        self.exception = type(exc)
        self.events.append(("raised", *raised(exc)))

    def warn(self, caught: list[warnings.WarningMessage]) -> None:
        """Warnings: which, and whom they blame."""
        self.warnings += [
            (one.category, normal(str(one.message)), one.filename, one.lineno) for one in caught
        ]

    def complain(self, what: str, exc: BaseException | None) -> None:
        """An event loop or a finaliser had something that nobody caught."""
        self.complaints.append((what, type(exc), normal(str(exc))))
