"""Phoenix and MLflow read tokens, messages and cost of our spans from their attributes alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judges.seen import Seen
from tests.judges.trial import JUDGES, Trial, environments, tried

pytestmark = [pytest.mark.system, pytest.mark.judges, pytest.mark.timeout(900)]

# model, input, output and cached tokens as each judge is to read them, in the order of the calls
READ = [
    ("gpt-5.2", 1200, 80, 1024),
    ("gpt-5.2", 300, 40, 0),
    ("gpt-5.2", 90, 12, 0),
    ("gpt-5.2", 50, 20, 0),
    ("claude-opus-5", 2000, 100, 1500),
    ("house-model", 1000, 10, 0),
    ("text-embedding-3-small", 7, None, None),
    ("gpt-5.2", None, None, None),
]
SYSTEM, ASKED, SPOKEN = "Answer in one word.", "Which city?", "The local model server answers"
SAID = [
    ([SYSTEM, ASKED], SPOKEN),
    ([SYSTEM, ASKED], SPOKEN),
    ([SYSTEM, ASKED], "look_up"),
    ([ASKED], SPOKEN),
    ([ASKED], SPOKEN),
    ([SYSTEM, ASKED], SPOKEN),
    ([], None),
    ([SYSTEM, ASKED], None),
]
KINDS = {
    "mlflow": ["CHAT_MODEL"] * 6 + ["EMBEDDING", "CHAT_MODEL"],
    "phoenix": ["LLM"] * 6 + ["EMBEDDING", "LLM"],
}
UNPRICED_BY_THEM = {
    # no price of theirs: a rate of one's own, and what failed
    "mlflow": {"house-model", None},
    # nor what is no chat
    "phoenix": {"house-model", "text-embedding-3-small", None},
}


@pytest.fixture(scope="module", params=JUDGES)
def trial(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trial]:
    """One run, and what one judge read of it."""
    if request.param not in environments():
        pytest.skip(f"{request.param} is not here: make judges JUDGES={request.param}")
    folder: Path = tmp_path_factory.mktemp(request.param)
    with tried(request.param, folder) as found:
        yield found


@pytest.fixture
def name(request: pytest.FixtureRequest, trial: Trial) -> str:
    """Which judge it is."""
    return str(request.node.callspec.params["trial"])


def seen(trial: Trial) -> list[Seen]:
    """The spans of the calls, in their order."""
    run, verdict = trial
    return [verdict.spans[call["span_id"]] for call in run["calls"]]


def test_models_and_tokens(trial: Trial) -> None:
    rows = [
        (one.model, one.input_tokens, one.output_tokens, one.cache_read_tokens)
        for one in seen(trial)
    ]
    assert rows == READ
    assert trial[1].total_input_tokens == 4647


def test_messages(trial: Trial) -> None:
    for one, (asked, answered) in zip(seen(trial), SAID, strict=True):
        assert one.asked == asked
        assert [text.startswith(str(answered)) for text in one.answered] == [True] * (
            answered is not None
        )


def test_kinds_and_failures(trial: Trial, name: str) -> None:
    assert [one.kind for one in seen(trial)] == KINDS[name]
    assert [one.failed for one in seen(trial)] == [False] * 7 + [True]


def test_our_cost_comes_back_whole(trial: Trial) -> None:
    run, _ = trial
    costs = [one.attributes["costspan.cost.total"] for one in seen(trial)]

    assert costs == [call["cost_usd"] for call in run["calls"]]
    assert costs[0] == 0.0016072
    assert costs[5] == 0.00053
    assert {type(cost) for cost in costs[:7]} == {float}
    assert seen(trial)[0].attributes["gen_ai.usage.cost.amount"] == 0.0016072


def test_the_cost_that_a_judge_works_out_is_ours(trial: Trial, name: str) -> None:
    """From our token counts, by prices of its own: to a billionth of a dollar."""
    run, verdict = trial
    without, sum_of_theirs = set(), 0.0
    for call, one in zip(run["calls"], seen(trial), strict=True):
        if one.their_cost is None:
            without.add(None if one.failed else call["model"])
        else:
            assert one.their_cost == pytest.approx(call["cost_usd"], abs=1e-9)
            sum_of_theirs += call["cost_usd"]
    assert without == UNPRICED_BY_THEM[name]
    assert verdict.total_cost == pytest.approx(sum_of_theirs, abs=1e-9)


def test_whose_calls_they_are(trial: Trial) -> None:
    assert (trial[1].session, trial[1].user) == ("ticket-17", "u1")
    for one in seen(trial):
        assert one.attributes["gen_ai.agent.name"] == "code_reviewer"
        assert one.attributes["costspan.tag.team"] == "search"
