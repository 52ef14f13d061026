"""From an SDK's request to an observed call, and from its response to what it said."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from costspan.call import Request, Response
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

    __slots__ = ("_token",)
    exceeded = finished = None

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
        self, wiring: Wiring, client: Any, options: Any, kwargs: Mapping[str, Any]
    ) -> tuple[Observation | Unobserved | None, Any]:
        """What is to be entered around a request, None for nothing, and the options to send."""
        if self.retired:
            return None, options
        if not settlement.queue.empty():
            settlement.drain()
        with _OPENING:
            operation = self._operations.find(options.method, options.url)
            here = get_current()
            if operation is not None and not is_suppressed(here):
                streams = bool(kwargs.get("stream"))
                return self._observed(wiring, client, options, operation, here, streams)
        if observations.current.get() is not None:
            return Unobserved(), options
        return None, options

    def _observed(
        self,
        wiring: Wiring,
        client: Any,
        options: Any,
        operation: Operation,
        here: Context,
        streams: bool,
    ) -> tuple[Observation, Any]:
        """The observation of a request, and the options to send it with."""
        provider = self.provider
        body = provider.body(options)
        endpoint = provider.locate(client)
        streams = streams or body.get("stream") is True
        ask = streams and wiring.ask_usage and endpoint.address not in wiring.refusing_hosts
        sent, injected = provider.prepare(options, body, operation, endpoint, ask)
        request = self._request(options, operation, endpoint, body, streams)
        if wiring.measures and wiring.costs is not None:
            request = measured(request, body, wiring.costs)
        observation = Observation(wiring, request, here, operation, body)
        observation.injected = injected
        if wiring.token_counter is not None:
            observation.estimate = begun(wiring, request, operation, body)
        return observation, with_trace_headers(sent, observation)

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
        here = get_current()
        if operation is None or is_suppressed(here):
            return None
        streams = bool(kwargs.get("stream"))
        late, _ = self._observed(wiring, client, options, operation, here, streams)
        late.returned_already()
        return late

    def receive(
        self, wiring: Wiring, client: Any, kwargs: Mapping[str, Any]
    ) -> Exchange | Observation | None:
        """Who is told of a response to the request under way; None if it is not observed.

        An exchange where the body is still to come, else the call itself.
        """
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
            observation.seen += 1
            observation.http_status = response.status_code
            observation.request_id = response.headers.get(self.provider.request_id_header) or None
            observation.retries = kwargs.get("retries_taken", 0)
            if response.is_closed and not kwargs.get("stream"):
                return observation
            exchange = response.extensions["costspan"] = Exchange(observation)
            return exchange
        return None


def with_trace_headers(options: Any, observation: Observation) -> Any:
    """The options, where it is asked for as a copy that carries the call's trace context."""
    if not observation.wiring.propagate:
        return options
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(observation.span))
    sent = copy.copy(options)
    headers = sent.headers if isinstance(sent.headers, Mapping) else {}
    sent.headers = {**headers, **carrier}
    return sent


def read_result(
    told: Exchange | Observation, response: Any, result: Any, *, is_async: bool
) -> None:
    """Read a whole answer, or watch the body or stream that is still to come."""
    with _READING_RESPONSE:
        if isinstance(told, Observation):
            told.answered(_answer(told, response, result))
        elif told.tapped:
            return
        elif response.is_closed:
            told.end("complete", response=_answer(told.observation, response, result))
        else:
            watch_body(response, told, is_async=is_async)


def read_unparsed(told: Exchange | Observation, response: Any) -> None:
    """Read an answer that was billed although a helper raised on it."""
    with _READING_RESPONSE:
        if response.is_closed:
            read_result(told, response, None, is_async=False)


def read_returned(observed: Observation | Unobserved, result: Any) -> None:
    """Read what a request returned, where its response could not be seen; streams go unread."""
    if isinstance(observed, Unobserved):
        return
    with _READING_RESULT:
        operation, is_read = observed.operation, not observed.request.stream
        observed.seen += 1
        observed.answered(operation.read(fields(result)) if operation and is_read else None)


def _answer(observation: Observation, response: Any, result: Any) -> Response | None:
    """What a whole answer said, as the SDK parsed it, else as it came."""
    said = fields(result)
    if result is None or result is response or not said or "http_response" in said:
        said = read_json(response.content)
        if not said and is_event_stream(response.headers):  # read by a hook, before its caller
            return read_events(observation, response.content)
    if observation.wiring.keeps_content:
        observation.answer = said
    operation = observation.operation
    return None if operation is None else operation.read(said)
