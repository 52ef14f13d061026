"""What many spans of one maker tell alike: what was asked, and of the answer.

It is worked out once for all that say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from costspan.call import Request
from costspan.cost.foreign.columns import Names, Plan, Said
from costspan.cost.foreign.dialect_table import PARAMETERS, PROVIDERS
from costspan.providers.openai_hosts import biller
from costspan.providers.operation import count, strings, text

_STANDARD_TIERS = frozenset({"auto", "default", "standard", "standard_only"})
_MOST_ALIKE = 256


class Alike(Struct, frozen=True, gc=False):
    """What was asked, and of the answer what others answer too.

    `unseen` names what the price may need, and the span does not tell.
    """

    request: Request
    model: str | None
    finish_reasons: Names | None
    service_tier: str | None
    unseen: Names


def alike_of(plan: Plan, operation: str, attributes: Mapping[str, Any]) -> Alike | None:
    """What a span tells as others do; None where one of those attributes is None."""
    values = plan.values(attributes)
    key = (operation, values, *map(type, values)) if plan.typed else (operation, values)
    try:
        found: Alike | None = plan.known.get(key)
    except TypeError:  # one is a list or a mapping, and nothing to be remembered
        return None if None in values else _worked_out(operation, _said(plan, attributes))
    if found is None:
        if None in values:
            return None
        if len(plan.known) >= _MOST_ALIKE:
            plan.known.clear()
        found = plan.known[key] = _worked_out(operation, _said(plan, attributes))
    return found


def asked_as_json(
    plan: Plan, operation: str, attributes: Mapping[str, Any], said: dict[str, Any]
) -> Alike:
    """As `alike_of`, where the parameters of the request are told as one JSON object.

    An id that stands there is put into `said`.
    """
    asked = json_of(said["parameters"])
    told = {PARAMETERS[name]: asked[name] for name in asked.keys() & PARAMETERS}
    if "response_id" in told:
        said.setdefault("response_id", told["response_id"])
    return _worked_out(operation, {**told, **_said(plan, attributes)})


def _said(plan: Plan, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {word: attributes[name] for word, name in plan.alike}


def _worked_out(operation: str, said: Said) -> Alike:
    tier = text(said.get("service_tier"))
    is_standard = "asked_tier" not in said or text(said["asked_tier"]) in _STANDARD_TIERS
    return Alike(
        _request_of(operation, said),
        text(said.get("response_model") or said.get("model")),
        strings(said.get("finish_reasons")),
        tier,
        () if is_standard or "service_tier" in said else ("service_tier",),
    )


def _request_of(operation: str, said: Said) -> Request:
    """The request of a call."""
    told = said.get
    address, port, base_url = text(told("address")), count(told("port")), told("base_url")
    if address is None:
        address, port = _host(base_url) if isinstance(base_url, str) else (None, None)
    return Request(
        operation=operation,
        provider=_provider(text(told("provider")) or "", address, port),
        model=text(told("request_model") or told("model")),
        server_address=address,
        server_port=port,
        stream=told("stream") is True,
    )


def _provider(said: str, address: str | None, port: int | None) -> str:
    """Who bills the call: by its server, as many servers are spoken to as if they were OpenAI's."""
    word = said.lower()
    provider = PROVIDERS.get(word, word) or "openai"
    return biller(address, port) if provider == "openai" and address is not None else provider


def _host(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port
    except ValueError:
        return None, None


def json_of(said: Any) -> dict[str, Any]:
    """The JSON object that an attribute holds, empty where it holds none."""
    try:
        value = msgspec.json.decode(said) if isinstance(said, str) else None
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
