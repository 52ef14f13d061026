"""Calls as attributes of the GenAI conventions: the only room that spells the names we write.

The GenAI names are those of the conventions' own repository (2026-08); `costspan.*` is ours. No
OpenTelemetry package holds the current names as constants, so they are spelled here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from costspan.attributed import Attribution
from costspan.call import PICOS_PER_USD, Call, Cost, Request, Response, Usage
from costspan.semconv.usage import USAGE as USAGE
from costspan.semconv.usage import usage_attributes as usage_attributes

Attributes = dict[str, Any]

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
STREAM = "gen_ai.request.stream"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
HTTP_STATUS = "http.response.status_code"
ERROR_TYPE = "error.type"
AGENT = "gen_ai.agent.name"
SESSION = "session.id"
USER = "user.id"
ENDPOINT = "costspan.endpoint"
TAG = "costspan.tag."
ASKED_SERVICE_TIER = "openai.request.service_tier"
SERVICE_TIER = "openai.response.service_tier"
COST_STATUS = "costspan.cost.status"
COST_TOTAL = "costspan.cost.total"
COST_MISSING = "costspan.cost.missing"
COST_DISAGREES = "costspan.cost.disagrees"
OUTCOME = "costspan.stream.outcome"
CORRECTS = "costspan.corrects"
COST_AMOUNT = "gen_ai.usage.cost.amount"
COST_CURRENCY = "gen_ai.usage.cost.currency"
COST_SOURCE = "gen_ai.usage.cost.source"
COST_PROPOSED = (COST_AMOUNT, COST_CURRENCY, COST_SOURCE)
DETAILS_EVENT = "gen_ai.client.inference.operation.details"

MESSAGES: Mapping[str, str] = {
    "system_instructions": "gen_ai.system_instructions",
    "input_messages": "gen_ai.input.messages",
    "output_messages": "gen_ai.output.messages",
    "tool_definitions": "gen_ai.tool.definitions",
}
"""What was said, and the attribute that each becomes."""

PARAMETERS: Mapping[str, str] = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "stop_sequences": "gen_ai.request.stop_sequences",
    "seed": "gen_ai.request.seed",
    "choice_count": "gen_ai.request.choice.count",
    "encoding_formats": "gen_ai.request.encoding_formats",
    "reasoning_level": "gen_ai.request.reasoning.level",
    "previous_response_id": "gen_ai.request.previous_response.id",
    "stream_cursor": "gen_ai.request.stream_cursor",
    "response_id": "gen_ai.response.id",
    "output_type": "gen_ai.output.type",
    "dimensions": "gen_ai.embeddings.dimension.count",
    "conversation_id": "gen_ai.conversation.id",
    "service_tier": ASKED_SERVICE_TIER,
    "api_type": "openai.api.type",
}
"""The keys of `Request.parameters`, and the attribute that each becomes."""

_MODEL_FREE_NAMES = frozenset({"fetch_response"})
_HTTPS_PORT = 443
_SERVICE_TIER = {"openai": SERVICE_TIER}

ON_SPAN = "_costspan_call"
"""Where a span object of ours holds its call and attribution until a processor has settled it; None
where it was settled already. It is never exported."""

GOES_BY_NAME = "_costspan_goes_by_name"
"""True of a span processor that goes by the name alone when a span of ours starts."""

COST_PROPOSAL = True
"""Whether `gen_ai.usage.cost.*`, an open proposal of the conventions, is written too."""


def span_name(request: Request) -> str:
    """`{operation} {model}`, the operation alone where the model would not be low-cardinality."""
    return _name(request.operation, request.model)


def _name(operation: str, model: str | None) -> str:
    if model is None or operation in _MODEL_FREE_NAMES:
        return operation
    return f"{operation} {model}"


def opening_attributes(request: Request, who: Attribution) -> Attributes:
    """What the conventions want there when a span starts, and whose call it is: for samplers."""
    return opening(request, who)[1]


def opening(request: Request, who: Attribution) -> tuple[str, Attributes]:
    """What a span starts with: its name, and `opening_attributes`."""
    name, attributes = _asked(
        request.operation,
        request.provider,
        request.model,
        request.server_address,
        request.server_port,
    )
    return name, _with_attribution({**attributes}, who)


@lru_cache(maxsize=1024)
def _asked(
    operation: str, provider: str, model: str | None, address: str | None, port: int | None
) -> tuple[str, Attributes]:
    """What is the same for all calls of a model: worked out once."""
    attributes: Attributes = {OPERATION: operation, PROVIDER: provider}
    if model is not None:
        attributes[REQUEST_MODEL] = model
    if address is not None:
        attributes[SERVER_ADDRESS] = address
        if port is not None and port != _HTTPS_PORT:
            attributes[SERVER_PORT] = port
    return _name(operation, model), attributes


def parameter_attributes(request: Request) -> Attributes:
    """The rest of what was asked."""
    attributes: Attributes = {}
    for key, value in request.parameters.items():
        attributes[PARAMETERS[key]] = value
    if request.stream:
        attributes[STREAM] = True
    return attributes


def attribution_attributes(who: Attribution) -> Attributes:
    """Agent, session, user, endpoint and tags, as far as they are set."""
    return _with_attribution({}, who)


def _with_attribution(attributes: Attributes, who: Attribution) -> Attributes:
    if who.agent is not None:
        attributes[AGENT] = who.agent
    if who.session is not None:
        attributes[SESSION] = who.session
    if who.user is not None:
        attributes[USER] = who.user
    if who.endpoint is not None:
        attributes[ENDPOINT] = who.endpoint
    for key, value in who.tags.items():
        attributes[TAG + key] = value
    return attributes


def call_attributes(call: Call, cost: Cost | None) -> Attributes:
    """What is known when the span ends. Counts and prices that are not known are absent."""
    attributes = parameter_attributes(call.request)
    if call.response is not None:
        _add_response(attributes, call.request, call.response)
    _add_transport(attributes, call)
    if call.outcome == "abandoned":
        attributes[OUTCOME] = "abandoned"
    if call.error is not None:
        attributes[ERROR_TYPE] = call.error
        if call.error_code is not None:
            attributes["costspan.error.code"] = call.error_code
    if call.estimated is not None:
        _add_estimates(attributes, call.estimated)
    if cost is not None:
        _add_cost(attributes, call, cost)
    return attributes


def cost_attributes(call: Call, cost: Cost) -> Attributes:
    """What a call cost, and where that figure comes from."""
    attributes: Attributes = {}
    _add_cost(attributes, call, cost)
    return attributes


def _add_transport(attributes: Attributes, call: Call) -> None:
    if call.time_to_first_chunk is not None:
        attributes[TIME_TO_FIRST_CHUNK] = call.time_to_first_chunk
    if call.time_to_first_token is not None:
        attributes["costspan.time_to_first_token"] = call.time_to_first_token
    if call.http_status is not None:
        attributes[HTTP_STATUS] = call.http_status
    if call.retries:
        attributes["http.request.resend_count"] = call.retries
    if call.request_id is not None:
        attributes["costspan.request.id"] = call.request_id


def _add_response(attributes: Attributes, request: Request, response: Response) -> None:
    fetched = request.operation == "fetch_response"
    if response.id is not None:
        attributes[RESPONSE_ID] = response.id
    if response.model is not None:
        attributes[RESPONSE_MODEL] = response.model
    if response.finish_reasons:
        attributes[FINISH_REASONS] = response.finish_reasons
    if response.status is not None and fetched:
        attributes["gen_ai.response.status"] = response.status
    if response.service_tier is not None:
        attributes[_SERVICE_TIER.get(request.api, "costspan.service_tier")] = response.service_tier
    if response.system_fingerprint is not None:
        attributes["openai.response.system_fingerprint"] = response.system_fingerprint
    if response.usage is not None and not fetched:
        attributes.update(usage_attributes(response.usage))


def _add_estimates(attributes: Attributes, estimated: Usage) -> None:
    """Counts that nobody reported, under names of their own: no backend may sum them as facts."""
    if estimated.input_tokens is not None:
        attributes["costspan.usage.estimated.input_tokens"] = estimated.input_tokens
    if estimated.output_tokens is not None:
        attributes["costspan.usage.estimated.output_tokens"] = estimated.output_tokens


def _add_cost(attributes: Attributes, call: Call, cost: Cost) -> None:
    attributes[COST_STATUS] = cost.status
    if cost.missing:
        attributes[COST_MISSING] = cost.missing
    if call.settles_response:
        attributes["costspan.settles_response"] = True
        if call.corrects:
            attributes[CORRECTS] = f"{call.corrects:016x}"
    if cost.total is None:
        return
    dollars = attributes[COST_TOTAL] = cost.total / PICOS_PER_USD
    attributes["costspan.cost.currency"] = "USD"
    if cost.status == "not_billed":
        return
    if COST_PROPOSAL and call.request.operation != "fetch_response":
        attributes[COST_AMOUNT] = dollars
        attributes[COST_CURRENCY] = "USD"
        attributes[COST_SOURCE] = "provider" if cost.match == "provider" else "local"
    _add_parts(attributes, cost)


def _add_parts(attributes: Attributes, cost: Cost) -> None:
    if cost.input is not None:
        attributes["costspan.cost.input"] = cost.input / PICOS_PER_USD
    if cost.cache_read:
        attributes["costspan.cost.cache_read"] = cost.cache_read / PICOS_PER_USD
    if cost.cache_write:
        attributes["costspan.cost.cache_write"] = cost.cache_write / PICOS_PER_USD
    if cost.output is not None:
        attributes["costspan.cost.output"] = cost.output / PICOS_PER_USD
    if cost.tools:
        attributes["costspan.cost.tools"] = cost.tools / PICOS_PER_USD
    if cost.model is not None:
        attributes["costspan.cost.model"] = cost.model
    if cost.match is not None:
        attributes["costspan.cost.match"] = cost.match
    if cost.prices_as_of is not None:
        attributes["costspan.cost.prices_as_of"] = cost.prices_as_of
