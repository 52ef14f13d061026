"""Rates of one's own by key, and which of them holds for a call.

A key is a place and a model. The place is `host:port/`, `host/`, `provider/` or nothing, and is
always written out. The model is written out or ends in `*`, which stands for any ending. Of several
keys that fit, the one that says more of the model wins: a whole name, then the longest beginning.
Where they say as much of it, the place decides, in the order above. Case does not matter. The model
is the one that answered or the one that was asked: an alias, or the name of a deployment.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from msgspec import Struct

from costspan.call import Request
from costspan.cost.pricing.rates import Rate
from costspan.cost.pricing.sellers import table_name
from costspan.errors import ConfigurationError

_DEFAULT_PORTS = (443, 80)


class Override(Struct, frozen=True):
    """A rate with the key that the user wrote."""

    key: str
    rate: Rate


class Overrides:
    """The user's own rates.

    Raises:
        ConfigurationError: a key can fit no call, two keys are the same, or a rate is none.
    """

    def __init__(self, rates: Mapping[str, Rate] | None = None) -> None:
        if not isinstance(rates, Mapping | None):
            raise ConfigurationError(
                f"Prices(overrides={rates!r}): give a dict, such as "
                '{"my-model": Rate(input=..., output=...)}'
            )
        self._by_key: dict[str, Override] = {}
        for key, rate in (rates or {}).items():
            fault = key_fault(key)
            if fault is not None:
                raise ConfigurationError(f"Prices(overrides={{{key!r}: ...}}): {fault}")
            if not isinstance(rate, Rate):
                raise ConfigurationError(
                    f"Prices(overrides={{{key!r}: {rate!r}}}): give a Rate(input=..., output=...)"
                )
            earlier = self._by_key.setdefault(key.lower(), Override(key, rate))
            if earlier.key != key:
                raise ConfigurationError(
                    f"Prices(overrides=...): {earlier.key!r} and {key!r} are the same key, as case "
                    "does not matter: leave one out"
                )
        self._longest = max(map(len, self._by_key), default=0)

    def __iter__(self) -> Iterator[Override]:
        """Every rate, in the order in which they were given."""
        return iter(self._by_key.values())

    def find(self, request: Request, *models: str | None) -> Override | None:
        """The most exact of the keys that fit a call; None where none does.

        `models` are the names that the call's model has, such as the one that answered and the one
        that was asked: a key may write any of them, and of two that say as much the first counts.
        """
        if not self._by_key:
            return None
        names = [model.lower() for model in models if model] or [""]
        places = [place.lower() for place in _places(request)]
        for endings in self._endings(names):
            for place in places:
                for ending in endings:
                    found = self._by_key.get(place + ending)
                    if found is not None:
                        return found
        return None

    def _endings(self, names: list[str]) -> Iterator[list[str]]:
        """The model as keys may write it, the most exact way first."""
        yield names
        longest = min(max(map(len, names)), self._longest)
        for length in range(longest, -1, -1):
            yield [name[:length] + "*" for name in names if length <= len(name)]


def _places(request: Request) -> Iterator[str]:
    """What may stand before the model, the most exact first."""
    host = request.server_address
    if host:
        host = f"[{host}]" if ":" in host and host[0] != "[" else host
        # A span leaves out the port where it is the scheme's own.
        port = request.server_port
        for one in _DEFAULT_PORTS if port is None else (port,):
            yield f"{host}:{one}/"
        yield f"{host}/"
    yield f"{request.provider}/"
    yield f"{table_name(request.provider)}/"
    yield ""


def key_fault(key: object) -> str | None:
    """What is wrong with a key, and what to write instead; None where it may fit a call."""
    if not isinstance(key, str) or not key.strip() or "*" in key[:-1]:
        return (
            "a key is a model, 'provider/model', 'host/model' or 'host:port/model', with '*' at "
            "its end at most"
        )
    if key != key.strip():
        return f"it would fit no call, for the space around it: write {key.strip()!r}"
    scheme, separator, rest = key.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        return f"a host stands without its scheme: write {rest!r}"
    place, slash, model = key.partition("/")
    if slash and not model:
        return f"it names no model: write {key + '*'!r} for every model there"
    if _is_bare_ipv6(place):
        return f"an address of IPv6 stands in brackets: write '[{place}]/{model}'"
    return None


def _is_bare_ipv6(place: str) -> bool:
    try:
        ipaddress.IPv6Address(place)
    except ValueError:
        return False
    return True
