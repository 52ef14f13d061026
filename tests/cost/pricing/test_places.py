"""The line of a key: the parser decides what a statement is, so no text can mislead the count."""

import tomllib

import pytest

from costspan.cost.pricing.places import fault_line, line_of, lines_of

FILE = '''# a comment with [prices] in it
local = "logs"
note = """
[prices]
unknown = "warn"
"""
providers = [
  "openai",  # [prices.overrides]
  "anthropic",
]

[prices]
unknown = "block"
"max_age" = '7d'
odd."ollama/*" = "free"

[ prices . overrides . "a]b = c" ]  # odd, and right
input = 1
output = 2
[prices.overrides]
m = { input = 1, output = 2 }
'gpt-4o'.input = 3

[[budgets]]
name = "one"
[[budgets]]
name = "two"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("local",), 2),
        (("note",), 3),
        (("providers",), 7),
        (("prices",), 12),
        (("prices", "unknown"), 13),
        (("prices", "max_age"), 14),
        (("prices", "odd", "ollama/*"), 15),
        (("prices", "overrides", "a]b = c"), 17),
        (("prices", "overrides", "a]b = c", "output"), 19),
        (("prices", "overrides", "m"), 21),
        (("prices", "overrides", "m", "output"), 21),
        (("prices", "overrides", "gpt-4o", "input"), 22),
        (("budgets",), 24),
        (("prices", "overrides", "m", "nothing of the kind"), 21),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_of_a_key(path: tuple[str, ...], line: int, ending: str):
    text = FILE.replace("\n", ending)
    tomllib.loads(text)
    assert line_of(path, lines_of(text)) == line


def test_a_key_that_stands_nowhere():
    assert line_of(("store",), lines_of(FILE)) is None


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"a = 1\nb = \nc = 2\n", 2),
        (b"a = 1\n[b\n", 2),
        (b'a = 1\nb = """\nc\n\n', 3),
        (b"a = 1\nb = '\xff'\n", 2),
    ],
)
def test_the_line_at_which_a_file_stops_being_toml(raw: bytes, line: int):
    with pytest.raises((tomllib.TOMLDecodeError, UnicodeDecodeError)) as caught:
        tomllib.loads(raw.decode())
    assert fault_line(caught.value, raw) == line
