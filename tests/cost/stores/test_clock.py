"""A store that other machines share tells what time it has."""

import time

import pytest

from costspan.cost.stores.clock import moment_of
from tests.cost.stores.conftest import SERVED
from tests.third_party.processes import free_port


@pytest.mark.parametrize("shared_url", SERVED, indirect=True)
def test_a_server_on_this_machine_has_our_time(shared_url: str) -> None:
    before = time.time()
    told = moment_of(shared_url, 5.0)
    after = time.time()

    assert told is not None
    assert before - 0.01 <= told <= after + 0.01


def test_others_tell_none() -> None:
    assert moment_of("memory", 1.0) is None
    assert moment_of("sqlite:///costs.db", 1.0) is None
    assert moment_of(f"redis://127.0.0.1:{free_port()}/0", 1.0) is None
