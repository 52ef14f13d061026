"""Which name was meant: letters may be wrong or in another order, numbers are the version."""

import pytest

from costspan.cost.pricing.nearest import nearest

IDS = [
    "claude-3-5-haiku-latest",
    "claude-3-haiku",
    "claude-3-opus-latest",
    "claude-haiku-4-5",
    "claude-haiku-5-5",
    "claude-opus-5",
    "claude-sonnet-5",
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5.2",
    "o4-mini",
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("claude-haiku-3", "claude-3-haiku"),
        ("claude-haiku-3-5", "claude-3-5-haiku-latest"),
        ("claude-opus-3", "claude-3-opus-latest"),
        ("claude-sonnet-9", "claude-sonnet-5"),
        ("gtp-4o-mini", "gpt-4o-mini"),
        ("GPT-4o-min", "gpt-4o-mini"),
        ("gpt4o", "gpt-4o"),
        ("gpt-5-2", "gpt-5.2"),
    ],
)
def test_the_one_that_was_meant_is_first(typed: str, meant: str):
    assert nearest(typed, IDS) == [meant]


@pytest.mark.parametrize("typed", ["", "never-heard-of", "llama3.2", "7"])
def test_nothing_is_offered_for_nothing_like_it(typed: str):
    assert nearest(typed, IDS) == []


def test_as_many_as_are_wanted():
    assert nearest("claude-haiku-3-5", IDS, most=2) == ["claude-3-5-haiku-latest", "claude-3-haiku"]
