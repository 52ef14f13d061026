"""The peers that need no environment of their own, or one that `make bench` has made.

All peers, in their newest and in older releases: `make peers`.
"""

import sys
from pathlib import Path

import pytest

from tests.peers.environments import interpreter, played
from tests.peers.judge import verdicts_on
from tests.peers.play import NATIVE, OURS
from tests.peers.required import faults
from tests.peers.together import TOGETHER, miscounts

OFFICIAL = "bench-official"


@pytest.fixture
def official() -> Path:
    """The interpreter that OpenTelemetry's own packages are installed for."""
    found = interpreter(OFFICIAL)
    if found is None:
        pytest.skip(f"{OFFICIAL} is not there: make env NAME={OFFICIAL}")
    return found


def wrong_alone(python: Path, name: str) -> list[str]:
    """In words, what is wrong with one peer by itself."""
    answer = played(python, name)
    verdicts = verdicts_on(answer["calls"])
    assert verdicts, "nothing was played"
    return answer["faults"] + faults(name, "", verdicts)


def wrong_together(python: Path, names: str) -> list[str]:
    """In words, what is wrong with several at once."""
    answer = played(python, names)
    assert answer["calls"], "nothing was played"
    return answer["faults"] + miscounts(names, answer["calls"])


def test_the_anthropic_sdks_own_spans_have_the_right_price():
    assert wrong_alone(Path(sys.executable), NATIVE) == []


@pytest.mark.parametrize("names", [f"{NATIVE}+{OURS}", f"{OURS}+{NATIVE}"])
def test_the_anthropic_sdks_own_spans_beside_ours_count_once(names: str):
    assert wrong_together(Path(sys.executable), names) == []


def test_opentelemetrys_own_spans_have_the_right_price(official: Path):
    assert wrong_alone(official, "opentelemetry") == []


@pytest.mark.parametrize(
    "names", [f"opentelemetry+{OURS}", f"{OURS}+opentelemetry+{NATIVE}", f"opentelemetry+{NATIVE}"]
)
def test_opentelemetrys_own_spans_beside_others_count_once(official: Path, names: str):
    assert names in TOGETHER[OFFICIAL]
    assert wrong_together(official, names) == []
