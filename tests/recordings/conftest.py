"""The folder of recorded provider responses, and the spans that their replay makes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.instrumentation.rig import Spans, watched


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder that COSTSPAN_RECORDINGS names."""
    folder = os.environ.get("COSTSPAN_RECORDINGS")
    if not folder:
        pytest.skip("COSTSPAN_RECORDINGS does not name a folder of recorded responses")
    return Path(folder)


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans of one instrumented test; at its end each is held against the conventions."""
    with watched() as seen:
        yield seen
