"""What the server really served: the bill a test compares costspan's books with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import overload

from costspan.testing.exchange import Json


@dataclass(frozen=True, slots=True)
class Served:
    """One HTTP answer. Token counts are the truth, whatever the usage on the wire said.

    `input_tokens` is the whole prompt, cached and cache-written parts included, and
    `output_tokens` includes reasoning. `complete` is False when the answer was cut, ended in an
    error event, or the client had left. `headers` are the request's, names in lower case.
    """

    path: str
    model: str
    stream: bool
    status: int
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    complete: bool
    headers: dict[str, str]
    body: Json
    response_id: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over billed answers: successful, complete, and each response id once. In tokens."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0

    def plus(self, served: Served) -> Totals:
        """These sums with one more answer."""
        return Totals(
            self.calls + 1,
            self.input_tokens + served.input_tokens,
            self.cached_tokens + served.cached_tokens,
            self.cache_write_tokens + served.cache_write_tokens,
            self.output_tokens + served.output_tokens,
        )


class Tally(Sequence[Served]):
    """A thread-safe list of `Served`, in the order the answers were finished."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._served: list[Served] = []

    @overload
    def __getitem__(self, index: int) -> Served: ...
    @overload
    def __getitem__(self, index: slice) -> list[Served]: ...
    def __getitem__(self, index: int | slice) -> Served | list[Served]:
        with self._lock:
            return self._served[index]

    def __len__(self) -> int:
        with self._lock:
            return len(self._served)

    def __iter__(self) -> Iterator[Served]:
        return iter(self._copy())

    def _copy(self) -> list[Served]:
        with self._lock:
            return list(self._served)

    def add(self, served: Served) -> None:
        """Record one answer."""
        with self._lock:
            self._served.append(served)

    def mark_incomplete(self, served: Served) -> None:
        """Record that an answer already added did not reach its client after all."""
        with self._lock:
            marked = replace(served, complete=False)
            self._served = [marked if item is served else item for item in self._served]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._served.clear()

    def totals(self, by: str = "") -> dict[str, Totals]:
        """Sums by the value of the request header `by`; one key "" without it.

        A response served again (retrieved, or queued and fetched later) counts once, for the
        caller who asked for it first, with the tokens of its dearest answer.
        """
        billed: dict[str, tuple[str, Served]] = {}
        for number, served in enumerate(self._copy()):
            if served.status != 200 or not served.complete:
                continue
            identity = served.response_id or f"#{number}"
            key = served.headers.get(by.lower(), "") if by else ""
            key, best = billed.get(identity, (key, served))
            billed[identity] = key, max(best, served, key=lambda item: item.output_tokens)
        sums: dict[str, Totals] = {}
        for key, served in billed.values():
            sums[key] = sums.get(key, Totals()).plus(served)
        return sums

    def total(self) -> Totals:
        """The sums over all callers."""
        return self.totals().get("", Totals())
