"""Fixtures of the tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.instrumentation.metered import Metered
from tests.instrumentation.rig import Spans, watched


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans of an instrumented test; at its end each is held against the conventions."""
    with watched() as seen:
        yield seen


@pytest.fixture
def metered() -> Iterator[Metered]:
    """A meter provider to hand to `watched`, and what is recorded with it."""
    metered = Metered()
    yield metered
    metered.provider.shutdown()
