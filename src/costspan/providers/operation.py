"""What a provider file supplies: its operations, and pure functions that read what was said.

The extractors read mappings. `fields` turns whatever an SDK hands out into one, so that a decoded
JSON body, an SDK's own object and a hand-made dict take the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from costspan.call import Response, whole_characters

Body = Mapping[str, Any]

_NOTHING: Body = {}
_INT64_MAX = 2**63 - 1
# Written out in isinstance() they would be made anew each time.
_LISTS = (list, tuple)
_NUMBERS = (int, float)


class Operation(Struct, frozen=True, kw_only=True):
    """One billable (or free) kind of request, as one provider spells it.

    Args:
        name: the operation's name in the GenAI conventions.
        method, path: of the HTTP request; a path that ends in `/` stands for any one id after it.
        parameters: reads a request's body into the keys of `semconv.PARAMETERS`.
        output_limit: the body's keys that limit the output, first one set wins.
        read: reads a whole answer.
        keeps: whether a chunk of a stream says something that `fold` needs.
        opening: what the first chunk says, without the rest of it: it is held while the stream is.
        has_content: whether a chunk carries content for the reader.
        fold: reads the kept chunks of a stream, in their order.
        messages: the messages of a request and its answer, where content may be captured.
        prompt_texts: the text of a request, piece by piece, None for what is no text.
        chunk_texts: the text that a chunk adds to the answer.
        stitch: the answer that all chunks of a stream add up to, for the same purpose.
        billable: False where the provider charges nothing.
    """

    name: str
    method: str
    path: str
    parameters: Callable[[Body], dict[str, Any]]
    read: Callable[[Body], Response]
    output_limit: tuple[str, ...] = ()
    keeps: Callable[[Body], bool] | None = None
    opening: Callable[[Body], Body] | None = None
    has_content: Callable[[Body], bool] | None = None
    fold: Callable[[Sequence[Body]], Response] | None = None
    messages: Callable[[Body, Body], dict[str, Any]] | None = None
    stitch: Callable[[Sequence[Body]], Body] | None = None
    prompt_texts: Callable[[Body], Iterable[str | None]] | None = None
    chunk_texts: Callable[[Body], list[str]] | None = None
    billable: bool = True


class Endpoint(Struct, frozen=True):
    """Where a client's calls go, and whose bill they land on.

    `asks_usage` says that this host is known to understand a request for a stream's usage.
    """

    provider: str
    address: str | None
    port: int | None
    asks_usage: bool = False


class Provider(Struct, frozen=True, kw_only=True):
    """One SDK: its name, its supported versions, its operations and how to read its clients.

    Args:
        name: the SDK's import name, and the word for it in `providers=`.
        versions: the lowest version supported, and the first that is not, as tuples.
        operations: every kind of request that becomes a span.
        locate: a client's endpoint.
        request_id_header: the response header with the provider's id of a request.
        body: the request's body as it will be sent, from the SDK's options; scalars only may be
            read of it before the call.
        prepare: changes that a call needs, made on a copy of the SDK's options: gives the options
            to send and whether a stream's usage was asked for on the caller's behalf.
    """

    name: str
    versions: tuple[tuple[int, ...], tuple[int, ...]]
    operations: tuple[Operation, ...]
    locate: Callable[[Any], Endpoint]
    request_id_header: str
    body: Callable[[Any], Body]
    prepare: Callable[[Any, Body, Operation, Endpoint, bool], tuple[Any, bool]]


_MOST_REMEMBERED = 1024


def remembered(work_out: Callable[[Any, Any], Endpoint]) -> Callable[[Any], Endpoint]:
    """`locate` out of a function of a client and its `base_url`, worked out once for each url.

    A client's `base_url` may be set anew, which makes a new object of it; clients that share one
    may still differ in their class or in Azure's api-version.
    """
    known: dict[tuple[int, type, Any], tuple[Any, Endpoint]] = {}

    def locate(client: Any) -> Endpoint:
        # The property itself does work in newer SDKs, more than all the rest here.
        url = client.__dict__.get("_base_url") or client.base_url
        key = (id(url), type(client), client.__dict__.get("_api_version"))
        found = known.get(key)
        if found is None:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            # The url is held, so that its id stays its own.
            found = known[key] = (url, work_out(client, client.base_url))
        return found[1]

    return locate


def fields(value: Any) -> Body:
    """The named fields of a dict, of an SDK's model (extra fields included) or of any object."""
    kind = type(value)
    if kind is dict:
        return value  # type: ignore[no-any-return]
    if value is None:
        return _NOTHING
    # An SDK's model is told by its class: to ask the instance for an absent name is slow.
    if kind in _MODELS or _is_model(kind):
        plain: Body = value.__dict__
        extra = value.__pydantic_extra__
        return {**plain, **extra} if extra else plain
    plain = getattr(value, "__dict__", _NOTHING)
    return value if plain is not _NOTHING and isinstance(value, Mapping) else plain


_MODELS: set[type] = set()


def _is_model(kind: type) -> bool:
    if not hasattr(kind, "__pydantic_extra__"):
        return False
    if len(_MODELS) < _MOST_REMEMBERED:
        _MODELS.add(kind)
    return True


def items(value: Any) -> Iterable[Body]:
    """The members of a list, each as its fields; nothing where there is no list."""
    if not isinstance(value, _LISTS):
        return ()
    return list(map(fields, value))


def count(value: Any) -> int | None:
    """A count as it may stand on a span; None where the provider wrote something else."""
    if value is None:
        return None
    if type(value) is int:
        # What fits into 63 bits: it costs half of comparing with both bounds.
        return None if value >> 63 else value
    if type(value) is float and value.is_integer() and 0 <= value <= _INT64_MAX:
        return int(value)
    return None


def text(value: Any) -> str | None:
    """A string that says something and can be written down, else None."""
    if type(value) is str and value.isascii():
        return value or None
    return whole_characters(value) or None if isinstance(value, str) else None


def number(value: Any) -> float | None:
    """A number as a float; None for anything else."""
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return float(value)
    return None


def strings(value: Any) -> tuple[str, ...] | None:
    """One string or a list of them, as a tuple; None where there is none."""
    if isinstance(value, str):
        return (whole_characters(value),)
    if type(value) is tuple and len(value) == 1 and type(value[0]) is str:
        return value  # as most finish reasons stand on a span
    if isinstance(value, _LISTS):
        said = [whole_characters(member) for member in value if isinstance(member, str)]
        return tuple(said) or None
    return None


Reader = Callable[[Any], Any]


_LEFT_OUT = frozenset({"NotGiven", "Omit"})
"""The SDKs' classes for what the caller did not set."""

_placeholders: set[type] = {type(None)}
"""These classes, as they were met."""


def parameters_of(
    body: Body, table: Mapping[str, tuple[str, Reader]], **known: Any
) -> dict[str, Any]:
    """The parameters in `body` that `table` knows: body key -> (our key, reader); and `known`."""
    found = known
    # A body may hold many placeholders for what was left out: the shorter one is walked.
    for key in table if len(table) < len(body) else body:
        if key in table:
            said = body.get(key)
            if type(said) in _placeholders:
                continue
            name, read = table[key]
            value = read(said)
            if value is not None:
                found[name] = value
            elif type(said).__name__ in _LEFT_OUT and len(_placeholders) < _MOST_REMEMBERED:
                _placeholders.add(type(said))
    return found


def no_parameters(body: Body) -> dict[str, Any]:
    """Of an operation that has none."""
    return {}
