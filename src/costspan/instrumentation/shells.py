"""The shells that stand around the SDKs' own functions: sync and async differ in them alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costspan.elsewhere import over
from costspan.guard import quietly
from costspan.instrumentation.leave import admit, admit_waiting
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.requests import (
    Observed,
    Requests,
    Unobserved,
    read_result,
    read_returned,
    read_unparsed,
)
from costspan.instrumentation.tapping import tap_stream
from costspan.instrumentation.wiring import slot

Shell = Callable[..., Any]


def _after_refusal(observed: Observed | Unobserved, exc: BaseException) -> Any:
    """What to send again where a host refused only what we had added; else None."""
    if not isinstance(observed, Observed) or not observed.observation.injected:
        return None
    # One of the app's own may raise where it is asked for an attribute.
    if vars(exc).get("status_code") != 400 or "stream_options" not in str(exc):
        return None
    observed.observation.injected = False
    observed.observation.wiring.refused_usage(observed.observation.request.server_address)
    return observed.unasked


def _unless_exceeded(observation: Observation, result: Any) -> Any:
    """The answer; where a budget wants it, what is raised in place of it, with the answer in it."""
    exceeded = observation.exceeded
    if exceeded is None:
        return result
    exceeded.response = result
    raise exceeded


async def _settled(observation: Observation, result: Any) -> Any:
    if observation.finished is not None:
        await over(observation.finished)
    return _unless_exceeded(observation, result)


def sync_request(requests: Requests, wrapped: Shell) -> Shell:
    """Around `SyncAPIClient.request`."""

    def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        if wiring is None:
            return wrapped(client, *args, **kwargs)
        observed = requests.open(wiring, client, args, kwargs)
        if observed is None:
            return wrapped(client, *args, **kwargs)
        observation = observed.observation
        if observation is not None:
            admit(observation)
        with observed if isinstance(observed, Unobserved) else observed.observation:
            try:
                result = wrapped(client, *observed.args, **observed.kwargs)
            except BaseException as exc:
                again = _after_refusal(observed, exc)
                if again is None:
                    raise
                result = wrapped(client, *again[0], **again[1])
            if not requests.sees_responses:
                read_returned(observed, result)
        return result if observation is None else _unless_exceeded(observation, result)

    return request


def async_request(requests: Requests, wrapped: Shell) -> Shell:
    """Around `AsyncAPIClient.request`."""

    async def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        if wiring is None:
            return await wrapped(client, *args, **kwargs)
        observed = requests.open(wiring, client, args, kwargs)
        if observed is None:
            return await wrapped(client, *args, **kwargs)
        observation = observed.observation
        if observation is not None:
            await admit_waiting(observation)
        with observed if isinstance(observed, Unobserved) else observed.observation:
            try:
                result = await wrapped(client, *observed.args, **observed.kwargs)
            except BaseException as exc:
                again = _after_refusal(observed, exc)
                if again is None:
                    raise
                result = await wrapped(client, *again[0], **again[1])
            if not requests.sees_responses:
                read_returned(observed, result)
        return result if observation is None else await _settled(observation, result)

    return request


def sync_response(requests: Requests, wrapped: Shell) -> Shell:
    """Around `SyncAPIClient._process_response`."""

    def process(client: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        exchange = None if wiring is None else requests.receive(wiring, client, kwargs)
        if exchange is None:
            return wrapped(client, *args, **kwargs)
        try:
            result = wrapped(client, *args, **kwargs)
        except BaseException:
            read_unparsed(exchange, kwargs["response"])
            raise
        read_result(exchange, kwargs["response"], result, is_async=False)
        return result

    return process


def async_response(requests: Requests, wrapped: Shell) -> Shell:
    """Around `AsyncAPIClient._process_response`."""

    async def process(client: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        exchange = None if wiring is None else requests.receive(wiring, client, kwargs)
        if exchange is None:
            return await wrapped(client, *args, **kwargs)
        try:
            result = await wrapped(client, *args, **kwargs)
        except BaseException:
            read_unparsed(exchange, kwargs["response"])
            raise
        read_result(exchange, kwargs["response"], result, is_async=True)
        return result

    return process


def stream_made(requests: Requests, wrapped: Shell) -> Shell:
    """Around `Stream.__init__` and `AsyncStream.__init__`."""

    package = requests.provider.name

    def make(stream: Any, *args: Any, **kwargs: Any) -> None:
        wrapped(stream, *args, **kwargs)
        if slot.wiring is not None and not requests.retired:
            with quietly("tapping a stream"):
                tap_stream(stream, package)

    return make
