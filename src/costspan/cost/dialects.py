"""Spans of others, read as calls: pure functions over the table of dialects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from math import inf
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from costspan import semconv
from costspan.attributed import NOBODY, Attribution
from costspan.call import Call, Request, Response, Usage
from costspan.cost.dialect_table import (
    COMPACTION,
    DIALECTS,
    FORMER_PROVIDER,
    OPERATIONS,
    OTHERS,
    OTHERS_BY_KIND,
    PROVIDERS,
    RAW_USAGE,
    SPAN_KIND,
    Dialect,
    Names,
)
from costspan.providers.openai_hosts import biller
from costspan.providers.operation import count, number, strings, text

Attributes = Mapping[str, Any]

BILLED = {
    "chat": "inference",
    "generate_content": "inference",
    "text_completion": "inference",
    "embeddings": "embeddings",
    "rerank": "rerank",
}
"""The operations that a provider bills, and the kind that each is of: spans of one kind, one above
the other, are one call."""

AGENT = "agent"
TOOL = "tool"
_ROLES = {**BILLED, "invoke_agent": AGENT, "invoke_workflow": AGENT, "execute_tool": TOOL}

_STANDARD_TIERS = frozenset({"auto", "default", "standard", "standard_only"})
_MOST_SCOPES = 1024
_known: dict[str, Dialect | None] = {}


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """What a finished span says. Times are nanoseconds since the epoch."""

    scope: str
    name: str
    attributes: Attributes
    started_at: int
    ended_at: int
    trace_id: int = 0
    span_id: int = 0
    failed: bool = False
    remote: bool = False


def dialect_of(scope: str, attributes: Attributes) -> Dialect | None:
    """Whose span it is, by its scope or else by what it says; None where it is no GenAI span."""
    try:
        found = _known[scope]
    except KeyError:
        found = _by_scope(scope)
        if len(_known) >= _MOST_SCOPES:
            _known.clear()
        _known[scope] = found
    if found is not None:
        return found
    if semconv.OPERATION in attributes or FORMER_PROVIDER in attributes:
        return OTHERS
    return OTHERS_BY_KIND if SPAN_KIND in attributes else None


def _by_scope(scope: str) -> Dialect | None:
    for dialect in DIALECTS:
        for pattern in dialect.scopes:
            if scope == pattern or (pattern[-1] == "*" and scope.startswith(pattern[:-1])):
                return dialect
    return None


def role_of(dialect: Dialect, name: str, attributes: Attributes) -> str | None:
    """What part a span plays: a kind of `BILLED`, an agent, a tool; None for anything else.

    Args:
        name: the span's.
    """
    return _ROLES.get(_operation(dialect, name, attributes) or "")


def _operation(dialect: Dialect, name: str, attributes: Attributes) -> str | None:
    said = _last(attributes, dialect.columns.operation)
    if said is None:
        return dialect.operations.get(name)
    return OPERATIONS.get(said, said) if isinstance(said, str) else None


def read(dialect: Dialect, facts: Facts, who: Attribution = NOBODY) -> Call | None:
    """The call that a span of a billed operation is, None for any other span.

    An agent's span is one where the agent runs elsewhere (`facts.remote`): what it used is told
    nowhere else.

    Args:
        dialect: as `dialect_of` gave it.
        who: the attribution in force when the span started.
    """
    attributes, columns = facts.attributes, dialect.columns
    operation = _operation(dialect, facts.name, attributes)
    if operation not in BILLED and not (facts.remote and operation == "invoke_agent"):
        return None
    parameters = _json(attributes, columns.parameters)
    usage = _usage(dialect, attributes)
    if usage is None and (operation not in BILLED or (dialect.usage_apart and not facts.failed)):
        return None
    response = _response(dialect, attributes, parameters, usage)
    request = _request(dialect, str(operation), attributes, parameters)
    error = text(attributes.get(semconv.ERROR_TYPE)) or ("_OTHER" if facts.failed else None)
    status = count(attributes.get(semconv.HTTP_STATUS))
    seconds = _seconds(facts, columns.seconds)
    return Call(
        request=request,
        response=response,
        started_at=facts.ended_at - round(seconds * 1e9),
        ended_at=facts.ended_at,
        runtime_seconds=seconds,
        time_to_first_chunk=number(_last(attributes, columns.first_chunk)),
        outcome="complete" if error is None else "failed",
        error=error,
        http_status=status,
        # A refusal is not billed; of any other failure nobody knows.
        billed=not (status or 0) >= 400,
        trace_id=facts.trace_id,
        span_id=facts.span_id,
        agent=who.agent or text(_last(attributes, columns.agent)),
        session=who.session or text(_last(attributes, columns.session)),
        user=who.user or text(attributes.get(semconv.USER)),
        endpoint=who.endpoint,
        tags=who.tags,
    )


def their_cost(dialect: Dialect, attributes: Attributes) -> float | None:
    """US dollars that another instrumentation says the call cost."""
    return number(_last(attributes, dialect.columns.their_cost))


def _request(
    dialect: Dialect, operation: str, attributes: Attributes, parameters: Attributes
) -> Request:
    columns = dialect.columns
    address, port = text(attributes.get(semconv.SERVER_ADDRESS)), None
    if address is not None:
        port = count(attributes.get(semconv.SERVER_PORT))
    else:
        url = _last(attributes, columns.base_url) or parameters.get("base_url")
        if isinstance(url, str):
            address, port = _host(url)
    model = _last(attributes, columns.request_model) or parameters.get("model")
    return Request(
        operation=operation,
        provider=_provider(_last(attributes, columns.provider), address, port),
        model=text(model),
        server_address=address,
        server_port=port,
        stream=_last(attributes, columns.stream) is True or parameters.get("stream") is True,
    )


def _response(
    dialect: Dialect, attributes: Attributes, parameters: Attributes, usage: Usage | None
) -> Response:
    columns = dialect.columns
    tier = text(_last(attributes, columns.service_tier))
    unseen: Names = ()
    if tier is None:
        asked = _last(attributes, columns.asked_tier) or parameters.get("service_tier")
        if asked is not None and asked not in _STANDARD_TIERS:
            unseen = ("service_tier",)
    if usage is not None and usage.cache_write_tokens and usage.cache_write_1h_tokens is None:
        unseen = (*unseen, "cache_write_1h_tokens")
    if attributes.get(COMPACTION):
        unseen = (*unseen, "iterations")
    return Response(
        id=text(_last(attributes, columns.response_id) or parameters.get("id")),
        model=text(_last(attributes, columns.response_model)),
        finish_reasons=strings(_last(attributes, columns.finish_reasons)),
        usage=usage,
        reported_cost_usd=_reported(attributes),
        service_tier=tier,
        unseen=unseen,
    )


def _usage(dialect: Dialect, attributes: Attributes) -> Usage | None:
    """The counts, with the caches inside the input wherever they were told."""
    get = attributes.get
    found = {
        field: value for name, field in dialect.columns.usage if (value := get(name)) is not None
    }
    if not found:
        return None
    raw = _json(attributes, dialect.columns.raw)
    for outer, inner, field in RAW_USAGE if raw else ():
        detail = raw.get(outer)
        if isinstance(detail, dict) and detail.get(inner) is not None:
            found.setdefault(field, detail[inner])
    counts = {field: value for field, said in found.items() if (value := count(said)) is not None}
    if "input_tokens" not in counts and "output_tokens" not in counts:
        return None
    cached = counts.get("cache_read_tokens", 0) + counts.get("cache_write_tokens", 0)
    # Whoever tells more cached than whole input has counted them apart.
    if cached and (dialect.cache_outside or cached > counts.get("input_tokens", cached)):
        counts["input_tokens"] = counts.get("input_tokens", 0) + cached
    return Usage(**counts)


def _reported(attributes: Attributes) -> Decimal | None:
    """A price that the provider's own answer named, as the span says."""
    if attributes.get(semconv.COST_SOURCE) != "provider":
        return None
    amount = number(attributes.get(semconv.COST_AMOUNT))
    return None if amount is None or not 0 <= amount < inf else Decimal(str(amount))


def _seconds(facts: Facts, names: Names) -> float:
    """How long the call took; a record that was made after it says so itself."""
    said = number(_last(facts.attributes, names)) if names else None
    return said if said is not None else (facts.ended_at - facts.started_at) / 1e9


def _last(attributes: Attributes, names: Names) -> Any:
    """The value under the last of `names` that is there: the newest name of a thing."""
    for name in reversed(names):
        value = attributes.get(name)
        if value is not None:
            return value
    return None


def _json(attributes: Attributes, names: Names) -> dict[str, Any]:
    """An attribute that holds a JSON object; empty where it is not there or is none."""
    said = _last(attributes, names) if names else None
    if not isinstance(said, str):
        return {}
    try:
        value = msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _provider(said: Any, address: str | None, port: int | None) -> str:
    """Who bills the call: by its server, as many servers are spoken to as if they were OpenAI's."""
    word = said.lower() if isinstance(said, str) else ""
    provider = PROVIDERS.get(word, word) or "openai"
    if provider == "openai" and address is not None:
        return _billers(address, port)
    return provider


@lru_cache(maxsize=1024)
def _billers(address: str, port: int | None) -> str:
    return biller(address, port)


@lru_cache(maxsize=1024)
def _host(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port
    except ValueError:
        return None, None
