"""The tokens that were settled last, so that none is counted twice in this process."""

from __future__ import annotations

from collections import OrderedDict

MOST_TOKENS = 10_000


class RecentTokens:
    """A bounded memory of tokens, the oldest forgotten first. Asked under the lock of the sums."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def is_new(self, token: str) -> bool:
        """Whether `token` was not asked for before; it is known from now on."""
        if token in self._known:
            return False
        self._known[token] = None
        if len(self._known) > MOST_TOKENS:
            self._known.popitem(last=False)
        return True
