"""Running counts of a stream's tokens, for the case that its end, with the usage, never comes.

Only kept where the tracker estimates. Of the text nothing is kept but how much there was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from costspan.call import Request, Usage
from costspan.guard import quieted, quietly
from costspan.instrumentation.wiring import Count, Wiring
from costspan.providers.operation import Body, Operation

Texts = Callable[[Body], list[str]]


class Estimate:
    """The tokens of one stream, as far as it has come.

    Args:
        count: counts the tokens of pieces of text.
        input_tokens: of the prompt; None where they cannot be told.
    """

    __slots__ = ("_count", "input_tokens", "output_tokens")

    def __init__(self, count: Count, input_tokens: float | None = None) -> None:
        self._count = count
        self.input_tokens = input_tokens
        self.output_tokens = 0.0

    def add(self, texts: list[str]) -> None:
        """Count some more of the answer."""
        if texts:
            self.output_tokens += self._count(texts)

    def add_chunk(self, texts: Texts, chunk: Body) -> None:
        """Count the text of a chunk."""
        self.add(texts(chunk))


def lacking(estimate: Estimate | None, usage: Usage | None, answers: int) -> Usage | None:
    """Estimates of the counts that `usage` lacks; None where none is lacking or can be told.

    Of several answers to one call nothing is told: which of them reported is not known.
    """
    if estimate is None or answers != 1:
        return None
    reported = usage or Usage()
    tokens_in = _whole(estimate.input_tokens) if reported.input_tokens is None else None
    tokens_out = _whole(estimate.output_tokens) if reported.output_tokens is None else None
    if tokens_in is None and tokens_out is None:
        return None
    return Usage(input_tokens=tokens_in, output_tokens=tokens_out)


def _whole(tokens: float | None) -> int | None:
    """Whole tokens; none at all are no estimate, as something is always billed."""
    return math.ceil(tokens) if tokens else None


def begun(
    wiring: Wiring, request: Request, operation: Operation | None, body: Body
) -> Estimate | None:
    """The estimate of a call that is about to be made, its prompt counted; None if it has none."""
    if wiring.token_counter is None or not request.stream or not request.billable:
        return None
    count, tokens = wiring.token_counter.of(request.model), None
    if operation is not None and operation.prompt_texts is not None:
        with quietly("estimating a prompt"):
            tokens = _tokens_of(count, operation.prompt_texts(body))
    return Estimate(count, tokens)


def _tokens_of(count: Count, texts: Iterable[str | None]) -> float | None:
    """Tokens of a prompt that is all text."""
    said: list[str] = []
    for text in texts:
        if text is None:
            return None
        said.append(text)
    return count(said)


Look = Callable[[Body], object]


def counted(estimate: Estimate, texts: Texts, then: Look) -> Look:
    """`then`, with each chunk that it is given counted on the way."""
    add = quieted("estimating a chunk", estimate.add_chunk)

    def look(chunk: Body) -> object:
        add(texts, chunk)
        return then(chunk)

    return look
