"""Spans of others, read as calls: pure functions over the table of dialects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import inf
from typing import Any

from msgspec import structs
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from costspan import semconv
from costspan.attributed import NOBODY, Attribution
from costspan.call import Call, Request, Response, Usage
from costspan.cost.foreign.alike import Alike, alike_of, asked_as_json, json_of
from costspan.cost.foreign.columns import Names, Said
from costspan.cost.foreign.dialect_table import (
    DIALECTS,
    FORMER_PROVIDER,
    OPERATIONS,
    OTHERS,
    OTHERS_BY_KIND,
    RAW_USAGE,
    SPAN_KIND,
    Dialect,
)
from costspan.providers.operation import count, number, text

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

_WHOSE = frozenset({"agent", "session", "user"})
_SELDOM = frozenset({"error", "http_status", "first_chunk", "seconds"})
"""What the spans of most calls do not tell."""
_MOST_SCOPES = 1024
_LONGEST = 86_400 * 365
"""Seconds: what a record says that its call took longer is no time that one takes."""
_known: dict[str, Dialect | None] = {}


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


def own_role(dialect: Dialect, name: str, attributes: Attributes) -> str | None:
    """As `role_of`, of a span of ours: its name tells, where it has no attributes yet."""
    return role_of(dialect, name, attributes) or _ROLES.get(name.partition(" ")[0])


def _operation(dialect: Dialect, name: str, attributes: Attributes) -> str | None:
    for attribute in dialect.columns.operation:
        said = attributes.get(attribute)
        if said is not None:
            return OPERATIONS.get(said, said) if isinstance(said, str) else None
    return dialect.operations.get(name)


def read(
    dialect: Dialect,
    span: ReadableSpan,
    attributes: Attributes,
    who: Attribution = NOBODY,
    *,
    remote: bool = False,
) -> Call | None:
    """The call that a finished span of a billed operation is, None for any other span.

    Args:
        dialect: as `dialect_of` gave it.
        attributes: what the span says.
        who: the attribution in force when the span started.
        remote: whether an agent's span may be of one that runs elsewhere: what it used is told
            nowhere else then.
    """
    operation = _operation(dialect, span.name, attributes)
    if operation not in BILLED and not (remote and operation == "invoke_agent"):
        return None
    plan = dialect.columns.plan(attributes)
    alike = alike_of(plan, str(operation), attributes)
    said, counts = plan.said(attributes), plan.counted(attributes)
    if alike is None or said is None or counts is None:  # None says nothing, an older name may
        there = {name: value for name, value in attributes.items() if value is not None}
        return read(dialect, span, there, who, remote=remote)
    if "parameters" in said:
        alike = asked_as_json(plan, str(operation), attributes, said)
    if "raw" in said:
        _add_raw(counts, json_of(said["raw"]))
    usage, failed = _usage(dialect, counts), span.status.status_code is StatusCode.ERROR
    if usage is None and (operation not in BILLED or (dialect.usage_apart and not failed)):
        return None
    call = _call(span, alike.request, _response(dialect, alike, said, counts, usage), who)
    if not _WHOSE.isdisjoint(said):
        call = _with_whose(call, said)
    if failed or not _SELDOM.isdisjoint(said):
        call = _with_more(call, said, failed=failed)
    return call


def _call(span: Any, request: Request, response: Response, who: Attribution) -> Call:
    started_at, ended_at, context_of = span.start_time, span.end_time, span.context
    return Call(
        request=request,
        response=response,
        started_at=started_at,
        ended_at=ended_at,
        runtime_seconds=(ended_at - started_at) / 1e9,
        trace_id=context_of.trace_id,
        span_id=context_of.span_id,
        agent=who.agent,
        session=who.session,
        user=who.user,
        endpoint=who.endpoint,
        tags=who.tags,
    )


def _with_whose(call: Call, said: Said) -> Call:
    """`call` with agent, session and user as the span tells them, where nobody else does."""
    return structs.replace(
        call,
        agent=call.agent or text(said.get("agent")),
        session=call.session or text(said.get("session")),
        user=call.user or text(said.get("user")),
    )


def _with_more(call: Call, said: Said, *, failed: bool) -> Call:
    """`call` with what only failures, streams and some makers' spans tell."""
    error = text(said.get("error")) or ("_OTHER" if failed else None)
    status = count(said.get("http_status"))
    seconds = number(said.get("seconds"))  # of a record that was made after the call
    if seconds is None or not 0 <= seconds < _LONGEST:
        seconds = call.runtime_seconds
    return structs.replace(
        call,
        started_at=call.ended_at - round(seconds * 1e9),
        runtime_seconds=seconds,
        time_to_first_chunk=number(said.get("first_chunk")),
        http_status=status,
        outcome="complete" if error is None else "failed",
        error=error,
        # A refusal is not billed; of any other failure nobody knows.
        billed=error is None or (status or 0) < 400,
    )


def their_cost(dialect: Dialect, attributes: Attributes) -> float | None:
    """US dollars that another instrumentation says the call cost."""
    names = dialect.columns.names["their_cost"]
    if attributes.keys().isdisjoint(names):
        return None
    return next(number(attributes[name]) for name in names if name in attributes)


def _response(
    dialect: Dialect, alike: Alike, said: Said, counts: Mapping[str, int], usage: Usage | None
) -> Response:
    return Response(
        id=text(said.get("response_id")),
        model=alike.model,
        finish_reasons=alike.finish_reasons,
        usage=usage,
        reported_cost_usd=_reported(said) if "cost_source" in said else None,
        service_tier=alike.service_tier,
        unseen=_unseen(dialect, alike, said, counts),
    )


def _unseen(dialect: Dialect, alike: Alike, said: Said, counts: Mapping[str, int]) -> Names:
    """What the price may need, and the span does not tell."""
    unseen = alike.unseen
    if dialect.untold:
        unseen = (*(field for field in dialect.untold if field not in counts), *unseen)
    if "cache_write_tokens" in counts and "cache_write_1h_tokens" not in counts:
        unseen = (*unseen, "cache_write_1h_tokens") if counts["cache_write_tokens"] else unseen
    return (*unseen, "iterations") if said.get("compacted") else unseen


def _usage(dialect: Dialect, counts: dict[str, int]) -> Usage | None:
    """The counts, with the caches inside the input wherever they were told."""
    if "input_tokens" not in counts and "output_tokens" not in counts:
        return None
    if "cache_read_tokens" in counts or "cache_write_tokens" in counts:
        cached = counts.get("cache_read_tokens", 0) + counts.get("cache_write_tokens", 0)
        # Whoever tells more cached than whole input has counted them apart.
        if cached and (dialect.cache_outside or cached > counts.get("input_tokens", cached)):
            counts["input_tokens"] = counts.get("input_tokens", 0) + cached
    return Usage(**counts)


def _add_raw(counts: dict[str, int], raw: Mapping[str, Any]) -> None:
    for field, path in RAW_USAGE:
        value: Any = raw
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        value = count(value)
        if value is not None:
            counts.setdefault(field, value)


def _reported(said: Said) -> Decimal | None:
    """A price that the provider's own answer named, as the span says."""
    amount = number(said.get("their_cost")) if said["cost_source"] == "provider" else None
    return None if amount is None or not 0 <= amount < inf else Decimal(str(amount))
