"""Hours of a GPU in a report: told of lines as costspan writes them, for every kind of price."""

from decimal import Decimal
from pathlib import Path

import pytest

from costspan.call import Call, Request, Response, Usage
from costspan.cost.pricing.prices import Prices
from costspan.cost.pricing.rates import Rate
from costspan.export.schema import encoded
from costspan.report.query import Question, ask
from tests.report.folders import line, write

PRICES = Prices(
    overrides={
        "by-second": Rate(gpu_usd_per_hour=3.6),
        "free": Rate.free(),
        "by-token": Rate(input=1, output=2),
    }
)
SEARCHED = Usage(input_tokens=10, output_tokens=5, web_searches=2)
COUNTED = Usage(input_tokens=10, output_tokens=5)


def settled(model: str, response: Response, seconds: float = 1800.0) -> str:
    """The line of a call as costspan writes it, priced."""
    request = Request(operation="chat", provider="openai", model=model)
    call = Call(
        request=request, response=response, started_at=0, ended_at=10**18, runtime_seconds=seconds
    )
    return encoded(call, PRICES.cost(call)).decode().rstrip()


OTHERS = {
    "free": settled("free", Response(usage=COUNTED)),
    "own rate by tokens": settled("by-token", Response(usage=COUNTED)),
    "own rate that has no fee": settled("by-token", Response(usage=SEARCHED)),
    "table": settled("gpt-5.2", Response(usage=COUNTED)),
    "table, with a fee": settled("gpt-5.2", Response(usage=SEARCHED)),
    "named by the provider": settled("x", Response(reported_cost_usd=Decimal("0.1"))),
    "unpriced": settled("nobody knows", Response(usage=COUNTED)),
    "no answer": settled("gpt-5.2", Response()),
}


def test_hours_of_calls_that_are_priced_by_the_second(tmp_path: Path):
    write(tmp_path, settled("by-second", Response()), settled("by-second", Response(), 5400.0))
    total = ask(Question([tmp_path])).total
    assert (total.gpu_seconds, total.gpu_hours) == (7200, 2.0)
    assert total.cost_usd == Decimal("7.2")
    assert total.as_dict()["gpu_hours"] == 2.0


@pytest.mark.parametrize("other", OTHERS)
def test_other_calls_have_none(tmp_path: Path, other: str):
    write(tmp_path, OTHERS[other])
    total = ask(Question([tmp_path])).total
    assert total.calls == 1
    assert total.gpu_hours is None


def test_a_line_that_says_less_has_none(tmp_path: Path):
    """As somebody else may write it: a cost without its parts."""
    write(tmp_path, line(tools_usd=None), line(tools_usd="0.5", status="partial"))
    assert ask(Question([tmp_path])).total.gpu_hours is None
