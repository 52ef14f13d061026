"""The shells that stand around the SDKs' own functions: sync and async differ in them alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeGuard

from costspan.elsewhere import over
from costspan.errors import BudgetExceeded
from costspan.guard import quietly
from costspan.instrumentation.leave import admit, admit_waiting
from costspan.instrumentation.observation import Observation
from costspan.instrumentation.requests import (
    Requests,
    Unobserved,
    read_result,
    read_returned,
    read_unparsed,
    with_trace_headers,
)
from costspan.instrumentation.tapping import tap_stream
from costspan.instrumentation.wiring import slot

Shell = Callable[..., Any]


def _is_refused(observed: Observation | Unobserved, exc: BaseException) -> TypeGuard[Observation]:
    """Whether a host refused only what we had added: then it is to be asked without it."""
    if not isinstance(observed, Observation) or not observed.injected:
        return False
    # One of the app's own may raise where it is asked for an attribute.
    if vars(exc).get("status_code") != 400 or "stream_options" not in str(exc):
        return False
    observed.injected = False
    observed.wiring.refused_usage(observed.request.server_address)
    return True


def _raise(exceeded: BudgetExceeded, result: Any) -> NoReturn:
    """What a budget wants raised in place of an answer, with the answer in it."""
    exceeded.response = result
    raise exceeded


def sync_request(requests: Requests, wrapped: Shell) -> Shell:
    """Around `SyncAPIClient.request`."""

    def request(client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        if wiring is None:
            return wrapped(client, cast_to, options, *args, **kwargs)
        observed, sent = requests.open(wiring, client, options, kwargs)
        if observed is None:
            return wrapped(client, cast_to, options, *args, **kwargs)
        if wiring.asks_leave and isinstance(observed, Observation):
            admit(observed)
        with observed:
            try:
                result = wrapped(client, cast_to, sent, *args, **kwargs)
            except BaseException as exc:
                if not _is_refused(observed, exc):
                    raise
                sent = with_trace_headers(options, observed)
                result = wrapped(client, cast_to, sent, *args, **kwargs)
            if not requests.sees_responses:
                read_returned(observed, result)
        if observed.exceeded is not None:
            _raise(observed.exceeded, result)
        return result

    return request


def async_request(requests: Requests, wrapped: Shell) -> Shell:
    """Around `AsyncAPIClient.request`."""

    async def request(client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        if wiring is None:
            return await wrapped(client, cast_to, options, *args, **kwargs)
        observed, sent = requests.open(wiring, client, options, kwargs)
        if observed is None:
            return await wrapped(client, cast_to, options, *args, **kwargs)
        if wiring.asks_leave and isinstance(observed, Observation):
            await admit_waiting(observed)
        with observed:
            try:
                result = await wrapped(client, cast_to, sent, *args, **kwargs)
            except BaseException as exc:
                if not _is_refused(observed, exc):
                    raise
                sent = with_trace_headers(options, observed)
                result = await wrapped(client, cast_to, sent, *args, **kwargs)
            if not requests.sees_responses:
                read_returned(observed, result)
        if observed.finished is not None:
            await over(observed.finished)
        if observed.exceeded is not None:
            _raise(observed.exceeded, result)
        return result

    return request


def sync_response(requests: Requests, wrapped: Shell) -> Shell:
    """Around `SyncAPIClient._process_response`."""

    def process(client: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        seen = None if wiring is None else requests.receive(wiring, client, kwargs)
        if seen is None:
            return wrapped(client, *args, **kwargs)
        try:
            result = wrapped(client, *args, **kwargs)
        except BaseException:
            read_unparsed(seen, kwargs["response"])
            raise
        read_result(seen, kwargs["response"], result, is_async=False)
        return result

    return process


def async_response(requests: Requests, wrapped: Shell) -> Shell:
    """Around `AsyncAPIClient._process_response`."""

    async def process(client: Any, *args: Any, **kwargs: Any) -> Any:
        wiring = slot.wiring
        seen = None if wiring is None else requests.receive(wiring, client, kwargs)
        if seen is None:
            return await wrapped(client, *args, **kwargs)
        try:
            result = await wrapped(client, *args, **kwargs)
        except BaseException:
            read_unparsed(seen, kwargs["response"])
            raise
        read_result(seen, kwargs["response"], result, is_async=True)
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
