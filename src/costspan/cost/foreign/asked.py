"""What a call asked, as a span tells it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from costspan.call import Request
from costspan.cost.foreign.columns import Said
from costspan.cost.foreign.dialect_table import PROVIDERS
from costspan.providers.openai_hosts import biller
from costspan.providers.operation import count, text


def request_of(operation: str, said: Said) -> Request:
    """The request of a call."""
    told = said.get
    facts = (
        operation,
        told("provider"),
        told("request_model") or told("model"),
        told("address"),
        told("port"),
        told("base_url"),
        told("stream"),
    )
    try:
        return _known_request(*facts)
    except TypeError:  # one is no text but a list or a mapping, and nothing to be remembered
        return _known_request.__wrapped__(*facts)


@lru_cache(maxsize=1024, typed=True)
def _known_request(
    operation: str, provider: Any, model: Any, address: Any, port: Any, base_url: Any, stream: Any
) -> Request:
    """What was asked: most calls ask what another one has asked."""
    address, port = text(address), count(port)
    if address is None:
        address, port = _host(base_url) if isinstance(base_url, str) else (None, None)
    return Request(
        operation=operation,
        provider=_provider(text(provider) or "", address, port),
        model=text(model),
        server_address=address,
        server_port=port,
        stream=stream is True,
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
