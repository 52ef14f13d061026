"""From an SDK's request to an observed call, and from its response to what it said."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from msgspec import Struct
from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from costspan.call import Request
from costspan.guard import quietly
from costspan.instrumentation import observation as observations
from costspan.instrumentation.bodies import (
    is_event_stream,
    read_events,
    read_json,
    watch_body,
)
from costspan.instrumentation.estimates import begun
from costspan.instrumentation.exchange import Exchange
from costspan.instrumentation.measures import measured
from costspan.instrumentation.observation import Observation, is_suppressed
from costspan.instrumentation.settlement import settlement
from costspan.instrumentation.wiring import Wiring
from costspan.providers.operation import Body, Endpoint, Operation, Provider, count, fields, text

_OPENING = quietly("opening a call")
_RECEIVING = quietly("receiving a response")
_READING_RESPONSE = quietly("reading a response")
_READING_RESULT = quietly("reading a result")


class Unobserved:
    """Stands for a request that is not ours, made while one of ours is under way."""

    __slots__ = ("_token", "args", "kwargs")
    observation = None

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs

    def __enter__(self) -> Unobserved:
        """Keep its response apart from ours."""
        self._token = observations.current.set(None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Let ours be the current one again."""
        observations.left(self._token)


class Observed(Struct, frozen=True):
    """A request of ours: the arguments to send it with, and its observation, to be entered.

    `unasked` are the arguments without what we added, where we did.
    """

    observation: Observation
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    unasked: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None


class Operations:
    """Finds the operation of a request among one provider's."""

    def __init__(self, provider: Provider) -> None:
        self._exact = {
            (one.method, one.path): one for one in provider.operations if one.path[-1] != "/"
        }
        self._by_id = [one for one in provider.operations if one.path[-1] == "/"]

    def find(self, method: str, url: str) -> Operation | None:
        """The operation that a request is, None for what is not observed."""
        found = self._exact.get((method, url))
        if found is not None:
            return found
        path = _path(url)
        method = method.lower()
        found = self._exact.get((method, path))
        if found is not None:
            return found
        for one in self._by_id:
            rest = path.removeprefix(one.path)
            if method == one.method and rest != path and rest and "/" not in rest:
                return one
        return None


def _path(url: str) -> str:
    path = url.partition("?")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
        path = path.removeprefix("/v1") if not path.startswith("/v1/messages") else path
    return path if path.startswith("/") else f"/{path}"


class Requests:
    """Opens an observation for each request of one provider's SDK.

    `retired` is True once its wrappers have successors. `sees_responses` is False where the SDK has
    no function to see each response in: what the request returns is read instead, then.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.retired = False
        self.sees_responses = True
        self._operations = Operations(provider)

    def open(
        self, wiring: Wiring, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Observed | Unobserved | None:
        """The observed request, or None for one that goes its way as it is."""
        if self.retired:
            return None
        if not settlement.queue.empty():
            settlement.drain()
        opened = None
        with _OPENING:
            options = args[1] if len(args) > 1 else kwargs["options"]
            operation = self._operations.find(options.method, options.url)
            if operation is not None and not is_suppressed(get_current()):
                opened = self._observed(wiring, client, options, operation, args, kwargs)
        if opened is not None:
            return opened
        if observations.current.get() is not None:
            return Unobserved(args, kwargs)
        return None

    def _observed(
        self,
        wiring: Wiring,
        client: Any,
        options: Any,
        operation: Operation,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Observed:
        provider = self.provider
        body = provider.body(options)
        endpoint = provider.locate(client)
        ask = wiring.ask_usage and endpoint.address not in wiring.refusing_hosts
        sent, injected = provider.prepare(options, body, operation, endpoint, ask)
        streams = bool(kwargs.get("stream")) or body.get("stream") is True
        request = self._request(options, operation, endpoint, body, streams)
        if wiring.measures and wiring.costs is not None:
            request = measured(request, body, wiring.costs)
        observation = Observation(wiring, request, operation, body)
        observation.injected = injected
        if wiring.token_counter is not None:
            observation.estimate = begun(wiring, request, operation, body)
        unasked = options if injected else sent
        if wiring.propagate:
            sent = _with_trace_headers(sent, observation)
            unasked = _with_trace_headers(unasked, observation)
        if sent is not options:
            args, kwargs = _with_options(args, kwargs, sent)
        again = _with_options(args, kwargs, unasked) if injected else None
        return Observed(observation, args, kwargs, again)

    def _request(
        self, options: Any, operation: Operation, endpoint: Endpoint, body: Body, streams: bool
    ) -> Request:
        parameters = operation.parameters(body)
        if operation.path[-1] == "/":
            parameters["response_id"] = _path(options.url).rpartition("/")[2]
        output_limit = None
        for key in operation.output_limit:
            output_limit = count(body.get(key))
            if output_limit is not None:
                break
        return Request(
            operation=operation.name,
            provider=endpoint.provider,
            api=self.provider.name,
            model=text(body.get("model")),
            server_address=endpoint.address,
            server_port=endpoint.port,
            stream=streams,
            output_limit=output_limit,
            billable=operation.billable,
            parameters=parameters,
        )

    def _late(self, wiring: Wiring, client: Any, kwargs: Mapping[str, Any]) -> Observation | None:
        """The call that a middleware makes while its caller reads a stream, seen by its answer."""
        options = kwargs["options"]
        operation = self._operations.find(options.method, options.url)
        if operation is None or is_suppressed(get_current()):
            return None
        late = self._observed(wiring, client, options, operation, (), kwargs).observation
        late.returned_already()
        return late

    def receive(self, wiring: Wiring, client: Any, kwargs: Mapping[str, Any]) -> Exchange | None:
        """The exchange of a response to the request under way; None if it is not observed."""
        observation = observations.current.get()
        if self.retired or (observation is None and not getattr(client, "_middleware", None)):
            return None
        with _RECEIVING:
            response = kwargs["response"]
            if response.status_code >= 400:  # a middleware sees refusals too; they bill nothing
                return None
            if observation is None:
                observation = self._late(wiring, client, kwargs)
            if observation is None:
                return None
            exchange = Exchange(observation)
            response.extensions["costspan"] = exchange
            observation.http_status = response.status_code
            observation.request_id = response.headers.get(self.provider.request_id_header) or None
            observation.retries = kwargs.get("retries_taken", 0)
            return exchange
        return None


def _with_options(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], options: Any
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The request's arguments with these options in place of its own."""
    if len(args) > 1:
        return (args[0], options, *args[2:]), kwargs
    return args, {**kwargs, "options": options}


def _with_trace_headers(options: Any, observation: Observation) -> Any:
    """A copy of the options that carries the call's trace context to the provider."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(observation.span))
    sent = copy.copy(options)
    headers = sent.headers if isinstance(sent.headers, Mapping) else {}
    sent.headers = {**headers, **carrier}
    return sent


def read_result(exchange: Exchange, response: Any, result: Any, *, is_async: bool) -> None:
    """Read a whole answer, or watch the body or stream that is still to come."""
    with _READING_RESPONSE:
        if exchange.tapped:
            return
        if not response.is_closed:
            watch_body(response, exchange, is_async=is_async)
            return
        _read_whole(exchange, response, result)


def read_unparsed(exchange: Exchange, response: Any) -> None:
    """Read an answer that was billed although a helper raised on it."""
    with _READING_RESPONSE:
        if not exchange.tapped and response.is_closed:
            _read_whole(exchange, response, None)


def read_returned(observed: Observed | Unobserved, result: Any) -> None:
    """Read what a request returned, where its response could not be seen; streams go unread."""
    if not isinstance(observed, Observed):
        return
    with _READING_RESULT:
        observation = observed.observation
        operation = observation.operation
        exchange = Exchange(observation)
        readable = operation is not None and not observation.request.stream
        answer = operation.read(fields(result)) if operation is not None and readable else None
        exchange.end("complete", response=answer)


def _read_whole(exchange: Exchange, response: Any, result: Any) -> None:
    observation = exchange.observation
    operation = observation.operation
    said = fields(result)
    if result is None or result is response or not said or "http_response" in said:
        said = read_json(response.content)
        if not said and is_event_stream(response.headers):  # read by a hook, before its caller
            exchange.end("complete", response=read_events(observation, response.content))
            return
    if observation.wiring.keeps_content:
        observation.answer = said
    answer = operation.read(said) if operation is not None else None
    exchange.end("complete", response=answer)
