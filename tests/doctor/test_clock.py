"""This machine's clock is held beside those of others, and watched while they are asked."""

import time

import pytest

from costspan.doctor.clock import Watch, clock


def test_nobody_told_a_time() -> None:
    (finding,) = clock(0.0, [])

    assert finding.severity == "ok"
    assert finding.text == "nobody told a time to compare; steady during the look"


def test_clocks_that_agree() -> None:
    (finding,) = clock(0.1, [("endpoint", -1.9), ("store", 0.3)])

    assert finding.severity == "ok"
    assert finding.text == "within 2 s of the endpoint's, the store's; steady during the look"


@pytest.mark.parametrize(
    ("ahead", "said"), [(3.04, "3.0 s behind the store's"), (-90.0, "90.0 s ahead of the store's")]
)
def test_a_clock_that_is_wrong(ahead: float, said: str) -> None:
    (finding,) = clock(0.0, [("endpoint", 0.1), ("store", ahead)])

    assert (finding.severity, finding.text) == ("warning", said)
    assert "NTP" in str(finding.remedy)


def test_a_clock_that_is_set_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, steady = Watch(), time.time
    assert abs(watch.jumped()) < 1

    monkeypatch.setattr(time, "time", lambda: steady() - 60)

    jumped = watch.jumped()
    assert jumped == pytest.approx(-60, abs=1)
    (finding,) = clock(jumped, [])
    assert (finding.severity, finding.text) == (
        "warning",
        "was set by -60.0 s while it was watched",
    )
