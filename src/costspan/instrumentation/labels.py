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
        self._attribution = tuple(map(_read_by, words))
        self._seen: defaultdict[str, set[Any]] = defaultdict(set)
        self._full: set[str] = set()

    def of(self, request: Request, whose: Whose, answered_by: str | None = None) -> Labelled:
        """The labels of one call; what is not known is left out."""
        found = {
            semconv.OPERATION: request.operation,
            semconv.PROVIDER: request.provider,
            semconv.REQUEST_MODEL: request.model,
            semconv.RESPONSE_MODEL: answered_by,
            semconv.SERVER_ADDRESS: request.server_address,
            semconv.SERVER_PORT: request.server_port,
        }
        for name, value_of in self._attribution:
            found[name] = value_of(whose)
        seen = self._seen
        labelled = {
            name: value if value in seen[name] else self.bounded(name, value)
            for name, value in found.items()
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
