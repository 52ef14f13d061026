"""`--where`: what it may say, what it gives, and what it refuses before anything is run."""

from pathlib import Path

import pytest

from costspan.errors import ConfigurationError
from costspan.report.conditions import condition
from costspan.report.query import Question, ask
from tests.report.folders import line, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        line(response_id="dear", cost_usd="0.06", agent="a", tags={"team": "search", "a b": True}),
        line(response_id="cheap", cost_usd="0.05", agent="B", tags={"team": "ads"}, stream=True),
        line(response_id="failed", cost_usd=None, status="unpriced", error="openai.APIError"),
        line(response_id="partial", cost_usd="0.01", missing=["audio"], finish_reasons=["length"]),
    )


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("cost_usd > 0.05", "dear"),
        ("cost_usd >= 0.05 and not stream", "dear"),
        ("tags.team = 'ads'", "cheap"),
        ('tags."a b" = \'true\'', "dear"),
        ("error is not null", "failed"),
        ("error LIKE 'openai.%' -- a comment", "failed"),
        ("agent in ('a', 'b')", "dear"),
        ("lower(agent) = 'b'", "cheap"),
        ("agent ilike 'b'", "cheap"),
        ("list_contains(missing, 'audio')", "partial"),
        ("'length' in finish_reasons", "partial"),
        ("cost_usd between 0.045 and 0.055", "cheap"),
        ("case when cost_usd is null then true else false end", "failed"),
        ("cost_usd * 100 > 5.5", "dear"),
        ("cost_usd::double / input_tokens > 0.00055", "dear"),
        ("STATUS = 'unpriced'", "failed"),
        ("timestamp >= '2026-11-21' and hour(timestamp) = 10 and agent || 'x' = 'ax'", "dear"),
        ("1 = 1) and (agent = 'a'", "dear"),
    ],
)  # fmt: skip
def test_an_expression(folder: Path, expression: str, found: str):
    report = ask(Question([folder], ("call", "agent"), where=expression))
    assert report.total.calls == 1
    ids = ask(Question([folder], where=f"({expression}\n) and response_id = '{found}'"))
    assert ids.total.calls == 1


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "write a comparison, such as cost_usd > 0.05 or agent = 'planner'"),
        ("cost_usd >", "it ends too early; write a comparison, such as cost_usd > 0.05"),
        ("agent = 'ü' and (cost_usd", "it ends too early; write a comparison"),
        ("agent = 'ü') x", "there is a bracket too many; write a comparison"),
        ("x y z", "it cannot be understood from 'y' on; write a comparison"),
        ("agent = 'x", "unterminated string literal; write a comparison"),
        ("agent = planner", "and a text stands in single quotes, as in agent = 'planner'"),
        ("cost > 1", "there is no field 'cost': docs/calls-file.md lists them"),
        ("session = 'x'", "there is no field 'session': write session_id"),
        ("day = 'x'", "there is no field 'day': write timestamp"),
        ("tags = 'x'", "write tags.KEY"),
        ("calls.agent = 'x'", "there is no field 'calls.agent'"),
        ("filename = 'x'", "there is no field 'filename'"),
        ("is_call", "there is no field 'is_call'"),
        ("agent = (select 'a')", "a subquery may not stand there"),
        ("exists (from read_text('/etc/passwd'))", "a subquery may not stand there"),
        ("1) union all select (2", "it is more than one expression"),
        ("1) from read_text('/etc/passwd') where (1", "it is more than one expression"),
        ("1) limit (1", "it is more than one expression"),
        ("1), (2", "it is more than one expression"),
        ("1; drop table x", "it cannot be understood from ';' on"),
        ("1); drop table x; select (1", "Only SELECT statements"),
        ("1); select (1", "it is more than one expression"),
        ("getenv('HOME') = 'x'", "getenv() may not be called there"),
        ("current_setting('threads') = 1", "current_setting() may not be called there"),
        ("main.lower(agent) = 'x'", "lower() may not be called there"),
        ("sum(cost_usd) > 1", "sum() may not be called there"),
        ("row_number() over () = 1", "a window may not stand there"),
        ("*", "a star may not stand there"),
        ("cost_usd > ?", "it is more than one expression"),
        ("cost_usd > 'a'", 'Could not convert string "a" to DECIMAL(38,12)'),
        ("agent", "from source column agent; write a comparison, such as cost_usd > 0.05"),
        ("agent + 1 > 2", "No function matches the given name and argument types"),
    ],
)
def test_a_wrong_one_is_one_sentence(folder: Path, expression: str, reason: str):
    with pytest.raises(ConfigurationError) as caught:
        ask(Question([folder], where=expression))
    assert str(caught.value).startswith(f"--where {expression!r}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_it_reads():
    found = condition("Cost_USD > 0.05 or tags.team = agent or tags.n = '5'")
    assert (found.fields, found.tags) == ({"cost_usd", "tags", "agent"}, {"team", "n"})


class TestCase:
    """Keys of tags that differ by case only are different tags."""

    @pytest.fixture(params=["0.5", "2000.000000000001"])
    def folder(self, request, tmp_path: Path) -> Path:
        """Of cheap calls, and of such a dear one that the lines are read as text."""
        return write(
            tmp_path,
            line(response_id="1", cost_usd=request.param, tags={"Team": "a", "team": "b", "n": 1}),
            line(response_id="2", tags={"team": "a"}),
            line(response_id="3", tags={"Team": "a", "it's": "x"}),
            line(response_id="4"),
        )

    def test_in_by(self, folder: Path):
        report = ask(Question([folder], ("tag:Team", "tag:team", "tag:it's")))
        assert {row.keys: row.figures.calls for row in report.rows} == {
            ("a", "b", None): 1,
            (None, "a", None): 1,
            ("a", None, "x"): 1,
            (None, None, None): 1,
        }

    @pytest.mark.parametrize(
        ("by", "expression", "calls"),
        [
            ((), "tags.Team = 'a' and tags.team = 'b'", 1),
            ((), "tags.TEAM is null", 4),
            (("tag:Team",), "tags.team = 'a'", 1),
            (("tag:team",), "tags.Team = 'a'", 2),
            (("tag:team",), "TAGS.Team = 'a' and cost_usd >= 0.500 or tags.n = '1' -- all", 2),
            (("tag:it's",), "tags.\"it's\" = 'x' and tags.team is null and tags.Team ilike 'A'", 1),
            (("tag:team",), "case when tags.Team in ('a') then stream else true end", 2),
        ],
    )  # fmt: skip
    def test_in_where(self, folder: Path, by: tuple[str, ...], expression: str, calls: int):
        assert ask(Question([folder], by, where=expression)).total.calls == calls
