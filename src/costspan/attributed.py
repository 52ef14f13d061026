"""Whose call it is: agent, session, endpoint, user and tags, carried by the OpenTelemetry context.

    with attribution(agent="code_reviewer", session="ticket-17") as spent:
        run_loop()
    spent.cost_usd, spent.calls, spent.total_tokens

Blocks nest: an inner block adds to and overrides the outer one, and every block's `spent` counts
all calls made beneath it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar

from msgspec import Struct, structs
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind

from costspan.call import whole_characters
from costspan.totals import Totals

_KEY = context.create_key("costspan-attribution")
_HTTP_ROUTE = "http.route"
_SERVER = SpanKind.SERVER
_F = TypeVar("_F", bound=Callable[..., Any])
_RIGHT_WORDS = {
    "session_id": "session",
    "user_id": "user",
    "agent_name": "agent",
    "route": "endpoint",
    "tag": "tags",
}
_TAG_TYPES = (str, bool, int, float)


class Attribution(Struct, frozen=True, kw_only=True):
    """The attribution in force at one point of the program."""

    agent: str | None = None
    session: str | None = None
    user: str | None = None
    endpoint: str | None = None
    tags: Mapping[str, Any] = {}
    spent: tuple[Totals, ...] = ()


NOBODY = Attribution()

_Block = tuple[Any, Token[context.Context], Token[None]]

_entered: ContextVar[tuple[_Block, ...]] = ContextVar("costspan-entered", default=())
"""The blocks that were entered in this context, so that one object may serve many tasks: each with
what puts the outer attribution back, and with a mark of the context that it was entered in."""
_mark: ContextVar[None] = ContextVar("costspan-mark", default=None)


def current() -> Attribution:
    """The attribution that the code runs in; `NOBODY` outside every block."""
    found = context.get_value(_KEY)
    return found if isinstance(found, Attribution) else NOBODY


def attribution_in(here: context.Context, above: trace.Span | None = None) -> Attribution:
    """Whose a call is, with the route of the server span that the code runs in as the endpoint.

    Args:
        above: the span that the code runs in, where that is known already.
    """
    who: Attribution = here.get(_KEY, NOBODY)  # type: ignore[assignment]
    if who.endpoint is not None:
        return who
    span = trace.get_current_span(here) if above is None else above
    if getattr(span, "kind", None) is not _SERVER:
        return who
    attributes = getattr(span, "attributes", None)
    route = attributes.get(_HTTP_ROUTE) if isinstance(attributes, Mapping) else None
    if not isinstance(route, str):
        return who
    return structs.replace(who, endpoint=whole_characters(route))


def attach(who: Attribution) -> Token[context.Context]:
    """Make `who` the current attribution until `context.detach(token)`."""
    return context.attach(context.set_value(_KEY, who))


class attribution:
    """Name the agent, session, endpoint, user and tags of all calls made in a block.

    Works as `with`, `async with` and as a decorator of sync, async and generator functions.
    Entering gives `spent`, live sums of everything under the block: `spent.calls`,
    `spent.cost_usd` (exact US dollars), `spent.total_tokens`, `spent.errors` and so on.

    Args:
        agent, session, endpoint, user: strings, None leaves the outer block's in force.
        tags: further keys with string, number or boolean values, added to the outer block's.

    Raises:
        TypeError: a keyword is unknown or a value has another type.
    """

    def __init__(
        self,
        *,
        agent: str | None = None,
        session: str | None = None,
        endpoint: str | None = None,
        user: str | None = None,
        tags: Mapping[str, Any] | None = None,
        **unknown: Any,
    ) -> None:
        for word in unknown:
            right = _RIGHT_WORDS.get(word)
            hint = f": write {right!r}" if right else f": use tags={{{word!r}: ...}}"
            raise TypeError(f"attribution() got an unexpected keyword argument {word!r}{hint}")
        names = {"agent": agent, "session": session, "endpoint": endpoint, "user": user}
        for name, value in names.items():
            if not isinstance(value, str | None):
                raise TypeError(f"attribution({name}=...) takes a string, not {value!r}")
        self._names = {
            name: whole_characters(value) for name, value in names.items() if value is not None
        }
        self._tags = _checked_tags(tags)

    def __enter__(self) -> Totals:
        """Make the attribution current and start its sums."""
        who, spent = self._within(current())
        _entered.set((*_entered.get(), (self, attach(who), _mark.set(None))))
        return spent

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the outer attribution back; of blocks that overlap, once the last of them ends.

        A generator that is dropped leaves its block in another context, where nothing is to undo.
        """
        entered = _entered.get()
        place = next((at for at in range(len(entered) - 1, -1, -1) if entered[at][0] is self), None)
        if place is None:
            return
        _, token, mark = entered[place]
        later = entered[place + 1 :]
        if _is_of_here(mark):
            if later:  # such as that of a generator which is suspended in it
                later = ((later[0][0], token, later[0][2]), *later[1:])
            else:
                context.detach(token)
        _entered.set((*entered[:place], *later))

    async def __aenter__(self) -> Totals:
        """As `with`: nothing is awaited."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """As `with`: nothing is awaited."""
        self.__exit__(kind, exc, trace)

    def __call__(self, function: _F) -> _F:
        """Decorate: each call of `function` runs in a block of its own."""
        if inspect.isasyncgenfunction(function):
            shell = self._around_async_generator(function)
        elif inspect.isgeneratorfunction(function):
            shell = self._around_generator(function)
        elif inspect.iscoroutinefunction(function):
            shell = self._around_coroutine(function)
        else:
            shell = self._around_function(function)
        return functools.wraps(function)(shell)  # type: ignore[return-value]

    def _within(self, outer: Attribution) -> tuple[Attribution, Totals]:
        spent = Totals()
        names = {
            "agent": outer.agent,
            "session": outer.session,
            "endpoint": outer.endpoint,
            "user": outer.user,
            **self._names,
        }
        tags = {**outer.tags, **self._tags} if self._tags else outer.tags
        return Attribution(**names, tags=tags, spent=(*outer.spent, spent)), spent

    def _copy(self) -> attribution:
        return attribution(**self._names, tags=self._tags)

    def _around_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._copy():
                return function(*args, **kwargs)

        return call

    def _around_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self._copy():
                return await function(*args, **kwargs)

        return call

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            who, _ = self._within(current())
            return (yield from _stepped(function(*args, **kwargs), who))

        return call

    def _around_async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            who, _ = self._within(current())
            steps = function(*args, **kwargs)
            step, value = steps.asend, None
            try:
                while True:
                    token = attach(who)
                    try:
                        item = await step(value)
                    except StopAsyncIteration:
                        return
                    finally:
                        context.detach(token)
                    try:
                        step, value = steps.asend, (yield item)
                    except GeneratorExit:
                        raise
                    except BaseException as exc:  # noqa: BLE001 - thrown on into the generator
                        step, value = steps.athrow, exc
            finally:
                await steps.aclose()

        return call


def _is_of_here(mark: Token[None]) -> bool:
    """Whether a block was entered in this context, and not in one that this is a copy of."""
    try:
        _mark.reset(mark)
    except ValueError:
        return False
    return True


def _stepped(steps: Generator[Any, Any, Any], who: Attribution) -> Generator[Any, Any, Any]:
    """Run a generator with `who` attached in each step, never across a yield."""
    step: Callable[[Any], Any] = steps.send
    value: Any = None
    try:
        while True:
            token = attach(who)
            try:
                item = step(value)
            except StopIteration as stop:
                return stop.value
            finally:
                context.detach(token)
            try:
                step, value = steps.send, (yield item)
            except GeneratorExit:
                raise
            except BaseException as exc:  # noqa: BLE001 - thrown on into the generator
                step, value = steps.throw, exc
    finally:
        steps.close()


def _checked_tags(tags: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(tags, Mapping | None):
        raise TypeError(
            f"attribution(tags=...) takes a dict, such as {{'team': ...}}, not {tags!r}"
        )
    checked = dict(tags or {})
    for key, value in checked.items():
        if not isinstance(key, str) or not isinstance(value, _TAG_TYPES):
            raise TypeError(
                f"attribution(tags=...) takes string keys with string, number or boolean values, "
                f"not {key!r}: {value!r}"
            )
    return {whole_characters(key): _plain(value) for key, value in checked.items()}


def _plain(value: Any) -> Any:
    """The same value as a plain string, boolean or number: a file takes no other kind."""
    if isinstance(value, str):
        return whole_characters(value)
    if type(value) in _TAG_TYPES:
        return value
    return float(value) if isinstance(value, float) else int(value)
