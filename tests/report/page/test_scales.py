"""Round ticks around what is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.report.page.scales import scale, tick_digits

AMOUNTS = st.just(0.0) | st.floats(1e-12, 1e15)


@pytest.mark.parametrize(
    ("least", "most", "ticks"),
    [
        (0, 1.37, (0, 0.5, 1.0, 1.5)),
        (0, 29.6, (0, 10, 20, 30)),
        (0, 100, (0, 25, 50, 75, 100)),
        (0, 0.0042, (0, 0.002, 0.004, 0.006)),
        (-3, 10, (-5, 0, 5, 10)),
        (0, 0, (0, 0.25, 0.5, 0.75, 1.0)),
    ],
)
def test_ticks(least: float, most: float, ticks: tuple[float, ...]):
    assert scale(least, most).ticks == ticks


@given(AMOUNTS, AMOUNTS)
def test_everything_fits_and_zero_is_a_tick(below: float, above: float):
    found = scale(-below, above)

    slack = 1e-9 * (found.high - found.low)
    assert found.low - slack <= -below <= above <= found.high + slack
    assert 0 in found.ticks
    assert 2 <= len(found.ticks) <= 7
    assert found.part(found.low) == 0
    assert found.part(found.high) == 1


def test_digits_tell_ticks_apart():
    assert tick_digits((0, 0.25, 0.5)) == 2
    assert tick_digits((0, 5, 10)) == 0
    assert tick_digits((0, 0.00002)) == 5
