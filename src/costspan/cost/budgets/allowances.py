"""How many tokens a call is expected to take, or can take at most, before it is made.

The input is measured by the bytes of the request's text: a token is at least one byte, so that the
bytes are a bound, and a quarter of them is the usual. The output is bounded by the request's own
limit, else by the model's window; the usual is what 95 of 100 calls of the model put out in the
budget's scope.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque

from msgspec import Struct

from costspan import totals
from costspan.call import Call, Request
from costspan.cost.budgets.budget import Budget
from costspan.cost.budgets.quotes import Quotes

BYTES_PER_TOKEN = 4
"""Of English text in the vocabularies of today; other languages and code have fewer."""

UNKNOWN_TOKENS = 1_000
LEAST_KNOWN = 20
KEPT = 100
MOST_KINDS = 10_000

_WRITES_NOTHING = frozenset({"embeddings"})


class Allowance(Struct, frozen=True, gc=False):
    """Tokens in and out that are allowed for; `is_sure` where no call can take more."""

    input_tokens: int
    output_tokens: int
    is_sure: bool

    @property
    def total(self) -> int:
        """Tokens in all."""
        return self.input_tokens + self.output_tokens


class Allowances:
    """Allowances of the calls of one process, which learn from the calls before."""

    def __init__(self, quotes: Quotes) -> None:
        self._quotes = quotes
        self._usual: OrderedDict[tuple[str, str, str | None], _Usual] = OrderedDict()

    def of(self, request: Request, budget: Budget, scope: str) -> Allowance | None:
        """What to allow a call; None where the budget wants a bound and none is known."""
        output = self._stated(request)
        if output is None and budget.reserve == "max":
            output = self._quotes.context_window(request)
            if output is None:
                return None
        usual = self._usual.get((budget.name, scope, request.model))
        size = request.input_size
        if output is not None:
            tokens_in = size if size is not None else _usual_input(usual)
            return Allowance(tokens_in, output, size is not None)
        tokens_in = -(-size // BYTES_PER_TOKEN) if size is not None else _usual_input(usual)
        return Allowance(tokens_in, _usual_output(usual), False)

    def learn(self, budget: Budget, scope: str, call: Call) -> None:
        """Remember what a call took."""
        usage = call.usage
        if usage is None or usage.output_tokens is None:
            return
        if call.outcome != "complete" or call.corrects:
            return
        key = (budget.name, scope, call.request.model)
        with totals.lock():
            usual = self._usual.get(key)
            if usual is None:
                usual = self._usual[key] = _Usual()
                if len(self._usual) > MOST_KINDS:
                    self._usual.popitem(last=False)
            usual.add(usage.input_tokens or 0, usage.output_tokens)

    @staticmethod
    def _stated(request: Request) -> int | None:
        if request.operation in _WRITES_NOTHING:
            return 0
        if request.output_limit is None:
            return None
        return request.output_limit * max(1, request.parameters.get("choice_count") or 1)


class _Usual:
    """The last hundred calls of a kind."""

    __slots__ = ("inputs", "outputs")

    def __init__(self) -> None:
        self.inputs = _Sample()
        self.outputs = _Sample()

    def add(self, tokens_in: int, tokens_out: int) -> None:
        self.inputs.add(tokens_in)
        self.outputs.add(tokens_out)


class _Sample:
    """The last hundred of some numbers, in the order they came in and in their own."""

    __slots__ = ("_came", "_sorted")

    def __init__(self) -> None:
        self._came: deque[int] = deque()
        self._sorted: list[int] = []

    def add(self, value: int) -> None:
        self._came.append(value)
        insort(self._sorted, value)
        if len(self._came) > KEPT:
            del self._sorted[bisect_left(self._sorted, self._came.popleft())]

    def usual(self) -> int:
        """Not less than 95 of 100 of them."""
        known = len(self._sorted)
        if known < LEAST_KNOWN:
            return UNKNOWN_TOKENS
        return self._sorted[-(-known * 95 // 100) - 1]


def _usual_input(usual: _Usual | None) -> int:
    return UNKNOWN_TOKENS if usual is None else usual.inputs.usual()


def _usual_output(usual: _Usual | None) -> int:
    return UNKNOWN_TOKENS if usual is None else usual.outputs.usual()
