"""A file of prices: every fault is told with its place, and what is good to know beside."""

from pathlib import Path

import pytest

from costspan import ConfigurationError
from costspan.cost.pricing.check import check
from tests.cost.pricing.small_table import written

ENVIRON = {"SET": "block"}


def said(folder: Path, text: str, level: str = "error") -> list[tuple[int | None, str, str]]:
    file = folder / "costspan.toml"
    file.write_text(text, encoding="utf-8")
    found = check(str(file), ENVIRON)
    return [(one.line, one.key, one.text) for one in found if one.level == level]


def test_a_file_that_is_fine(tmp_path: Path):
    text = '[prices]\nunknown = "${SET}"\nmax_age = "30d"\n[prices.overrides]\n"ollama/*" = "free"'
    assert said(tmp_path, text) == []
    assert said(tmp_path, text, "note") == []


@pytest.mark.parametrize("text", ["", "local = 'logs'", "[prices]", "[prices.overrides]"])
def test_a_file_that_says_nothing_of_prices(tmp_path: Path, text: str):
    assert said(tmp_path, text) == []


def test_every_fault_is_told_in_the_order_of_the_file(tmp_path: Path):
    text = """\
locale = "logs"
[prices]
unknown = "wran"
age = 3
max_age = "soon"

[prices.overrides]
"http://gpu:8000/*" = { gpu_usd_per_hour = -1 }
m = { input = "x", outputs = 2 }
"x/" = 0.5

[prices.overrides.n]
input = 1
gpu_usd_per_hour = 2
[prices.overrides."N"]
[prices.overrides.o]
input = "${UNSET}"
"""
    found = said(tmp_path, text)
    assert [(line, key) for line, key, _ in found] == [
        (1, "locale"),
        (3, "prices.unknown"),
        (4, "prices.age"),
        (5, "prices.max_age"),
        (8, 'prices.overrides."http://gpu:8000/*"'),
        (8, 'prices.overrides."http://gpu:8000/*".gpu_usd_per_hour'),
        (9, "prices.overrides.m.outputs"),
        (9, "prices.overrides.m.input"),
        (10, 'prices.overrides."x/"'),
        (10, 'prices.overrides."x/"'),
        (12, "prices.overrides.n"),
        (15, "prices.overrides.N"),
        (15, "prices.overrides.N"),
        (17, "prices.overrides.o.input"),
    ]
    remedies = [
        "did you mean 'local'",
        "'warn', 'block' or a Rate",
        "use overrides, unknown",
        "such as",
        "write 'gpu:8000/*'",
        "not negative",
        "did you mean 'output'",
        "US dollars as a number",
        "write 'x/*'",
        'write { input = 0.10, output = 0.40 } or "free"',
        "leave out gpu_usd_per_hour, or all the others",
        "the same key as 'n'",
        "Rate() needs a price",
        "${UNSET} is not set",
    ]
    assert [remedy in text for remedy, (*_, text) in zip(remedies, found, strict=True)] == [
        True
    ] * len(remedies)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('prices = "free"', 1, "prices"),
        ("[prices]\noverrides = 1", 1, "prices"),
        ("[prices]\nunknown = { input = -1 }", 2, "prices.unknown.input"),
        ("[prices]\nunknown = { outptu = 1 }", 2, "prices.unknown.outptu"),
        ("[prices]\nunknown = 7", 2, "prices.unknown"),
        ("[prices]\nrefresh = 'often'", 2, "prices.refresh"),
        ("[prices]\nrefresh = true\ntable = 't.json'", 1, "prices"),
        ("[prices]\ntable = '/no/such/file'", 2, "prices.table"),
        ("[prices]\n\nunknown = \n", 3, ""),
    ],
)
def test_one_fault(tmp_path: Path, text: str, line: int, key: str):
    assert [(found[0], found[1]) for found in said(tmp_path, text)] == [(line, key)]


def test_two_variables_of_one_string(tmp_path: Path):
    found = said(tmp_path, 'local = "${A}/${B}"\n[prices]\nunknown = "${C}"')
    assert [(line, text[:4]) for line, _, text in found] == [(1, "${A}"), (1, "${B}"), (3, "${C}")]


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        check(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("override", "note"),
    [
        (
            '"plain-1" = { input = 1.2, output = 9 }',
            "input tokens 1.5, here 1.2 (-20 %), cache read tokens 0.15, here 1.2 (+700 %), output",
        ),
        (
            '"aardvark/plain-1" = { input = 3, output = 9 }',
            "aardvark has a price for it in the table: the same as here, so this rate may go",
        ),
        ('"azure.ai.openai/plain-1" = "free"', "azure has a price for it in the table: here it is"),
        ('"plain-1" = { gpu_usd_per_hour = 1 }', "here it is billed by time"),
        ('"openai/*" = "free"', "the table's prices of 2 models, such as 'plain-1'"),
        ('"long-*" = "free"', "the table's prices of 1 model, such as 'long-1'"),
        (
            '"plian-1" = "free"',
            "no such model, which is fine for a model of your own; did you mean",
        ),
        ('"openai/zzz*" = "free"', "no model in the table begins so"),
        (
            '"opnai/*" = "free"',
            "'opnai' is no provider that costspan knows, did you mean 'openai'?",
        ),
    ],
)
def test_what_is_good_to_know(tmp_path: Path, override: str, note: str):
    table = f'[prices]\ntable = "{written(tmp_path)}"\n[prices.overrides]\n{override}'
    assert said(tmp_path, table) == []
    ((line, _, text),) = said(tmp_path, table, "note")
    assert line == 4
    assert note in text


@pytest.mark.parametrize("key", ["ollama/*", "gpu-box:8000/*", "llm.example.com/*", "[::1]:8000/m"])
def test_what_may_mean_anything_is_left_alone(tmp_path: Path, key: str):
    assert said(tmp_path, f'[prices.overrides]\n"{key}" = "free"', "note") == []
