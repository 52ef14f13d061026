"""The options that the Anthropic SDK sends a request with: its body, and the copy that is sent."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from costspan.providers.operation import Body, Endpoint, Operation


def body_of(options: Any) -> Body:
    """The JSON as far as it may be looked at before the SDK has prepared it: top-level scalars."""
    body = options.json_data
    if type(body) is not dict and not isinstance(body, Mapping):
        return {}
    extra = getattr(options, "extra_json", None)
    return {**body, **extra} if extra and isinstance(extra, Mapping) else body


def prepare(
    options: Any, body: Body, operation: Operation, endpoint: Endpoint, ask_usage: bool
) -> tuple[Any, bool]:
    """Turn the SDK's own span for this call off, on a copy: the call is ours to record."""
    if getattr(options, "span_name", None) is None:
        return options, False
    return _unnamed(options), False


_BESIDE_FIELDS = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
_setters: dict[type, tuple[Any, ...]] = {}


def _unnamed(options: Any) -> Any:
    """A copy without the name of the SDK's span, in half the time of pydantic's own.

    Only the fields are its own: the SDK makes a whole copy before it changes anything.
    """
    kind = type(options)
    setters = _setters.get(kind)
    if setters is None:
        slots = [getattr(kind, name, None) for name in _BESIDE_FIELDS]
        setters = _setters[kind] = tuple(slot.__set__ for slot in slots if slot is not None)
    if not setters:  # pydantic 1
        sent = copy.copy(options)
    else:
        set_fields_set, set_extra, set_private = setters
        sent = object.__new__(kind)
        set_fields_set(sent, options.__pydantic_fields_set__)
        set_extra(sent, options.__pydantic_extra__)
        set_private(sent, options.__pydantic_private__)
        sent.__dict__.update(options.__dict__)
    sent.__dict__["span_name"] = None
    return sent
