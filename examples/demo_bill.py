"""What the local server shall answer in the demo, and what each answer costs, worked out by hand.

Prices in US dollars per million tokens, that is in millionths of a dollar per token, as OpenAI's
and Anthropic's price pages list them (standard tier, read 2026-11):

    model             input   cache read   cache write (5 min)   output
    claude-opus-4-5    5.00         0.50                  6.25    25.00
    claude-haiku-4-5   1.00         0.10                  1.25     5.00
    gpt-5.2            1.75        0.175                           14.00
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

from costspan.testing import LLMServer


class Answer(NamedTuple):
    """One answer: tokens in (cached and cache-written ones included) and out, and its price.

    `stall` is how long the model thinks before it sends anything, in seconds.
    """

    tokens_in: int
    tokens_out: int
    usd: Decimal
    cached: int = 0
    written: int = 0
    stall: float = 0.1

    @property
    def order(self) -> str:
        """The header that asks the server for this answer, its chunks 20 ms apart."""
        return (
            f"tokens={self.tokens_in}/{self.tokens_out};cached={self.cached};"
            f"write5m={self.written};stall={self.stall};pause=0.02"
        )


BILL = {
    "code_reviewer": [
        # 1,104 x 5 + 4,096 x 6.25 + 300 x 25 = 5,520 + 25,600 + 7,500
        Answer(5_200, 300, Decimal("0.038620"), written=4_096, stall=0.2),
        # 1,504 x 5 + 4,096 x 0.50 + 640 x 25 = 7,520 + 2,048 + 16,000
        Answer(5_600, 640, Decimal("0.025568"), cached=4_096, stall=0.2),
        # 9,600 x 5 + 1,200 x 25 = 48,000 + 30,000: the one over the threshold of $0.05
        Answer(9_600, 1_200, Decimal("0.078000"), stall=0.3),
        # 3,804 x 5 + 4,096 x 0.50 + 480 x 25 = 19,020 + 2,048 + 12,000
        Answer(7_900, 480, Decimal("0.033068"), cached=4_096, stall=0.25),
    ],
    "test_writer": [
        # 3,200 x 1.75 + 800 x 14 = 5,600 + 11,200
        Answer(3_200, 800, Decimal("0.016800")),
        # 2,720 x 1.75 + 1,280 x 0.175 + 900 x 14 = 4,760 + 224 + 12,600
        Answer(4_000, 900, Decimal("0.017584"), cached=1_280),
        # 1,040 x 1.75 + 2,560 x 0.175 + 1,000 x 14 = 1,820 + 448 + 14,000
        Answer(3_600, 1_000, Decimal("0.016268"), cached=2_560),
        # 1,840 x 1.75 + 2,560 x 0.175 + 1,100 x 14 = 3,220 + 448 + 15,400
        Answer(4_400, 1_100, Decimal("0.019068"), cached=2_560),
    ],
    "docs_generator": [
        # gpt-5.2: 2,000 x 1.75 + 500 x 14 = 3,500 + 7,000
        Answer(2_000, 500, Decimal("0.010500")),
        # claude-haiku-4-5: 1,500 x 1 + 250 x 5 = 1,500 + 1,250
        Answer(1_500, 250, Decimal("0.002750"), stall=0.05),
        # gpt-5.2: 1,120 x 1.75 + 1,280 x 0.175 + 600 x 14 = 1,960 + 224 + 8,400
        Answer(2_400, 600, Decimal("0.010584"), cached=1_280),
        # claude-haiku-4-5: 1,800 x 1 + 300 x 5 = 1,800 + 1,500
        Answer(1_800, 300, Decimal("0.003300"), stall=0.05),
    ],
}
ALERT_USD = Decimal("0.078000")
AGENT_HEADER = "x-demo-agent"


class Script:
    """Hands each agent's calls their orders, one by one; without a bill it orders nothing."""

    def __init__(self, bill: dict[str, list[Answer]]) -> None:
        self._answers: dict[str, Iterator[Answer]] = {name: iter(bill[name]) for name in bill}

    def of(self, agent: str):
        """A function that gives the further arguments of the agent's next call."""

        def order() -> dict:
            if agent not in self._answers:
                return {}
            answer = next(self._answers[agent])
            headers = {"x-costspan-scenario": answer.order, AGENT_HEADER: agent}
            return {"extra_headers": headers}

        return order


def forget_settings() -> None:
    """Run the same whatever this machine is set to; reach 127.0.0.1 by no proxy."""
    for name in [name for name in os.environ if name.startswith(("OTEL_", "COSTSPAN_"))]:
        del os.environ[name]
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1"]))


@contextmanager
def local_provider() -> Iterator[LLMServer]:
    """A server that speaks both wire formats, and both SDKs pointed at it."""
    with LLMServer() as server:
        os.environ.update(
            OPENAI_BASE_URL=server.openai_url,
            OPENAI_API_KEY="no-key-needed",
            ANTHROPIC_BASE_URL=server.anthropic_url,
            ANTHROPIC_API_KEY="no-key-needed",
        )
        yield server
