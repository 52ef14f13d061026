"""Our exceptions: one small tree, which no SDK's own handling takes for its own."""

from decimal import Decimal

import anthropic
import openai
import pytest

from costspan import BudgetExceeded, ConfigurationError
from costspan.errors import CostspanError


@pytest.mark.parametrize("kind", [BudgetExceeded, ConfigurationError])
def test_they_derive_from_exception_alone(kind: type[Exception]):
    assert kind.__mro__ == (kind, CostspanError, Exception, BaseException, object)
    assert not issubclass(kind, openai.OpenAIError | anthropic.AnthropicError)


def test_a_stopped_call_says_why():
    error = BudgetExceeded(
        "over",
        reason="limit",
        budget="one ticket",
        scope="ticket-17",
        spent_usd=Decimal("1.99"),
        limit_usd=Decimal(2),
        would_cost_usd=Decimal("0.02"),
        resets_at=1.5,
        response="paid",
    )
    assert str(error) == "over"
    assert (error.reason, error.budget, error.scope) == ("limit", "one ticket", "ticket-17")
    assert (error.spent_usd, error.limit_usd) == (Decimal("1.99"), 2)
    assert (error.would_cost_usd, error.resets_at) == (Decimal("0.02"), 1.5)
    assert error.response == "paid"


def test_what_is_not_known_is_none():
    error = BudgetExceeded("no price", reason="unpriced")
    for name in ("budget", "scope", "spent_usd", "limit_usd", "would_cost_usd", "resets_at"):
        assert getattr(error, name) is None
    assert error.response is None


def test_a_reason_is_needed():
    with pytest.raises(TypeError):
        BudgetExceeded("no price")
