"""The parameters of a request: read by a table, whatever the SDK puts for what was left out."""

from collections.abc import Mapping
from typing import Any

from costspan.providers.operation import Reader, count, number, parameters_of, strings

TABLE: Mapping[str, tuple[str, Reader]] = {
    "temperature": ("temperature", number),
    "max_tokens": ("max_tokens", count),
    "stop": ("stop_sequences", strings),
}


class Omit:
    """As the SDKs name it."""


def read(**body: Any) -> dict[str, Any]:
    return parameters_of(body, TABLE)


def test_what_the_table_knows():
    assert read(temperature=0.5, stop="end", model="m") == {
        "temperature": 0.5,
        "stop_sequences": ("end",),
    }


def test_what_is_known_already_stands_first():
    assert parameters_of({"max_tokens": 7}, TABLE, api_type="chat") == {
        "api_type": "chat",
        "max_tokens": 7,
    }


def test_what_was_left_out_is_passed_over_each_time():
    for _ in range(2):
        assert read(temperature=Omit(), max_tokens=None, stop=["a", "b"]) == {
            "stop_sequences": ("a", "b")
        }


def test_a_value_that_cannot_be_read_speaks_for_itself_alone():
    assert read(max_tokens="many", temperature="hot") == {}
    assert read(max_tokens=7, temperature=True, stop=7) == {"max_tokens": 7}
    assert read(max_tokens=8, temperature=1, stop="end") == {
        "max_tokens": 8,
        "temperature": 1.0,
        "stop_sequences": ("end",),
    }
