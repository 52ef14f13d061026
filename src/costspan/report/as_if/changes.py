"""`--as-if`: what is taken to be otherwise, and of which calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct, structs

from costspan.call import Call, Request, Response
from costspan.errors import ConfigurationError

BATCH = "batch"
NO_CACHE = "no-cache"


class Model(Protocol):
    """A model, and who bills it."""

    @property
    def provider(self) -> str:
        """As the file says it."""

    @property
    def model(self) -> str:
        """As the provider names it."""


class Changes(Struct, frozen=True):
    """What is otherwise.

    Args:
        everything: the model of all calls that `some` does not name; None for their own.
        some: models as calls name them, `model` or `provider/model` with a `*` at the end for any
            ending, and the model that they are priced as.
        batch: all calls are served in a batch.
        no_cache: what was read from a cache or written to one is plain input.
    """

    everything: Model | None = None
    some: tuple[tuple[str, Model], ...] = ()
    batch: bool = False
    no_cache: bool = False

    def of(self, call: Call) -> Call:
        """The call as it is asked about; itself where nothing of it is otherwise."""
        target = self._target(call)
        if target is not None and not _is_of(call, target):
            call = _priced_as(call, target)
        response = call.response or Response()
        if self.batch and response.service_tier != BATCH:
            response = structs.replace(response, service_tier=BATCH)
        usage = response.usage
        if self.no_cache and usage and (usage.cache_read_tokens or usage.cache_write_tokens):
            counts = {"cache_read_tokens": 0, "cache_write_tokens": 0, "cache_write_1h_tokens": 0}
            response = structs.replace(response, usage=structs.replace(usage, **counts))
        same = call.response is None or response is call.response
        return call if same else structs.replace(call, response=response)

    def named(self, call: Call) -> str | None:
        """Which of the models that were named is this call's: the one that says the most."""
        names = set(_names(call))
        fit = [name for name, _ in self.some if _fits(name.lower(), names)]
        return max(fit, key=lambda name: (not name.endswith("*"), len(name)), default=None)

    def _target(self, call: Call) -> Model | None:
        name = self.named(call)
        return self.everything if name is None else dict(self.some)[name]

    def __str__(self) -> str:
        """What comes after "as if": `gpt-4o were gpt-5-mini of openai, in a batch`."""
        parts = [f"{name} were {_spelled(model)}" for name, model in self.some]
        if self.everything is not None:
            parts.append(f"{'others' if self.some else 'all'} were {_spelled(self.everything)}")
        parts += ["in a batch"] if self.batch else []
        parts += ["without a cache"] if self.no_cache else []
        return ", ".join(parts)


def changes(words: Sequence[str], named: Callable[[str], Model]) -> Changes:
    """What the words of `--as-if` say together.

    Args:
        words: each `MODEL`, `MODEL=OTHER`, `batch` or `no-cache`.
        named: gives the model that a person names.

    Raises:
        ConfigurationError: a word says nothing, two say different things of the same calls, or a
            model has no price.
    """
    everything: list[str] = []
    some: dict[str, str] = {}
    for word in words:
        name, is_for_some, other = (part.strip() for part in word.partition("="))
        if word in (BATCH, NO_CACHE):
            continue
        if not name or (is_for_some and not other) or "*" in name[:-1] or "*" in (other or name):
            raise ConfigurationError(
                f"--as-if {word!r}: write MODEL, MODEL=OTHER (MODEL may end in *), {BATCH} or "
                f"{NO_CACHE}"
            )
        if not is_for_some:
            everything.append(name)
        elif some.setdefault(name.lower(), other) != other:
            raise ConfigurationError(f"--as-if {word!r}: {name} is as {some[name.lower()]} already")
    if len(set(everything)) > 1:
        raise ConfigurationError(
            f"--as-if: all calls cannot be {' and '.join(everything)} at once; write MODEL=OTHER"
        )
    return Changes(
        everything=named(everything[0]) if everything else None,
        some=tuple((name, named(other)) for name, other in some.items()),
        batch=BATCH in words,
        no_cache=NO_CACHE in words,
    )


def _priced_as(call: Call, target: Model) -> Call:
    request = Request(
        operation=call.request.operation, provider=target.provider, model=target.model
    )
    response = structs.replace(call.response or Response(), model=target.model)
    return structs.replace(call, request=request, response=response)


def _is_of(call: Call, target: Model) -> bool:
    return target.model == call.model and target.provider in (call.request.provider, "")


def _names(call: Call) -> Iterator[str]:
    for model in (call.model, call.request.model):
        if model is not None:
            yield model.lower()
            yield f"{call.request.provider}/{model}".lower()


def _fits(key: str, names: set[str]) -> bool:
    if key.endswith("*"):
        return any(name.startswith(key[:-1]) for name in names)
    return key in names


def _spelled(model: Model) -> str:
    return f"{model.model} of {model.provider}" if model.provider else model.model
