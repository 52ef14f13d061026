"""The labels of metrics: what a call is counted by, and a bound on how many values each one has."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from costspan import semconv
from costspan.attributed import Attribution
from costspan.call import Call, Request

logger = logging.getLogger("costspan")

OTHER = "(other)"
MOST_VALUES = 1_000
"""Values kept of each label; further ones are counted under `(other)`."""

Whose = Attribution | Call
Labelled = dict[str, Any]
Values = tuple[Any, ...]

_ALWAYS = (
    semconv.OPERATION,
    semconv.PROVIDER,
    semconv.REQUEST_MODEL,
    semconv.RESPONSE_MODEL,
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
)
_TAG = "tag:"
_WORDS: dict[str, tuple[str, Callable[[Whose], Any]]] = {
    "agent": (semconv.AGENT, lambda whose: whose.agent),
    "session": (semconv.SESSION, lambda whose: whose.session),
    "user": (semconv.USER, lambda whose: whose.user),
    "endpoint": (semconv.ENDPOINT, lambda whose: whose.endpoint),
}


class Labels:
    """Makes the labels of a call.

    Every value kept in memory is one more time series in the reader, in each export and in the
    backend, so that text of unbounded variety is cut off here.

    Args:
        words: the attribution to label with: agent, session, user, endpoint, `tag:KEY`.
    """

    def __init__(self, words: Sequence[str]) -> None:
        read_by = tuple(map(_read_by, words))
        self._has_tags = any(word.startswith(_TAG) for word in words)
        self._names = (*_ALWAYS, *(name for name, _ in read_by))
        self._attribution = tuple(value_of for _, value_of in read_by)
        self._seen: defaultdict[str, set[Any]] = defaultdict(set)
        self._full: set[str] = set()

    def values(self, request: Request, whose: Whose, answered_by: str | None = None) -> Values:
        """What one call is labelled by, in the order of the labels; None where it is not known.

        Those of two calls are equal where the calls have the same labels.
        """
        values = (
            request.operation,
            request.provider,
            request.model,
            answered_by,
            request.server_address,
            request.server_port,
            *[value_of(whose) for value_of in self._attribution],
        )
        # The tags True, 1 and 1.0 are equal, and not the same label.
        return (*values, *map(type, values)) if self._has_tags else values

    def of(self, values: Values) -> Labelled:
        """The labels of the calls that have these values; what is not known is left out."""
        seen = self._seen
        labelled = {
            name: value if value in seen[name] else self.bounded(name, value)
            for name, value in zip(self._names, values, strict=False)
            if value is not None
        }
        if OTHER in (labelled.get(semconv.SERVER_ADDRESS), labelled.get(semconv.SERVER_PORT)):
            labelled.pop(semconv.SERVER_PORT, None)  # a port is a number, and of one host
        return labelled

    def bounded(self, name: str, value: Any) -> Any:
        """`value`, or `(other)` where the label has its full number of values without it."""
        seen = self._seen[name]
        if value in seen:
            return value
        if len(seen) < MOST_VALUES:
            seen.add(value)
            return value
        if name not in self._full:
            self._full.add(name)
            logger.warning(
                "costspan: the metric label %s has more than %s values; further ones are counted "
                "under %s. Spans, sums and the calls file keep them all",
                name,
                f"{MOST_VALUES:,}",
                OTHER,
            )
        return OTHER


def _read_by(word: str) -> tuple[str, Callable[[Whose], Any]]:
    """The attribute that a word of the attribution becomes, and how it is read."""
    if not word.startswith(_TAG):
        return _WORDS[word]
    key = word.removeprefix(_TAG)
    return semconv.TAG + key, lambda whose: whose.tags.get(key)
