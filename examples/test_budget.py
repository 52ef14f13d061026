"""Budgets in pytest: a test that spends too much fails, and one can ask what it spent.

pip install 'costspan[openai]' pytest
pytest examples/test_budget.py
pytest examples/test_budget.py --llm-budget-total 0.50
"""

from decimal import Decimal

import pytest
from openai import OpenAI


def improve(text: str, rounds: int) -> str:
    """An agent that goes over its own text again and again."""
    with OpenAI() as client:
        for _ in range(rounds):
            answer = client.responses.create(
                model="gpt-5.2", input=f"Make this shorter: {text}", max_output_tokens=200
            )
            text = answer.output_text
    return text


@pytest.mark.llm_budget(usd=0.05, calls=10)
def test_one_round_is_cheap(llm_calls):
    assert improve("It was a dark and stormy night.", rounds=1)
    assert llm_calls.summary.calls == 1
    assert llm_calls.summary.cost_usd < Decimal("0.01")


@pytest.mark.llm_budget(calls=10)
@pytest.mark.parametrize("rounds", [2, 5])
def test_it_ends(rounds):
    assert improve("It was a dark and stormy night.", rounds)
