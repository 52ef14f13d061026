"""The names of `costspan.testing`, which are loaded when they are first used."""

import subprocess
import sys

import pytest

from costspan import testing


@pytest.mark.parametrize("name", testing.__all__)
def test_each_name_is_what_it_says_whatever_was_loaded_before(name: str) -> None:
    others = ", ".join(one for one in testing.__all__ if one != name)
    code = f"from costspan.testing import {others}\nfrom costspan.testing import {name}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint({name}.__name__)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == name


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'costspan\.testing' has no attribute 'nothing'"):
        _ = testing.nothing
