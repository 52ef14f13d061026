"""Each kind of database, empty, for one test."""

from pathlib import Path

import pytest

from tests.cost.stores.conftest import emptied, postgres
from tests.cost.stores.servers import needs_postgres

__all__ = ["postgres"]

SERVED = pytest.param("postgres", marks=(pytest.mark.system, pytest.mark.postgres, needs_postgres))
KINDS = (pytest.param("sqlite"), SERVED)


def empty(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a database with nothing in it."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/calls.db"
    return emptied(request.getfixturevalue("postgres"))


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    return empty(request.param, request, tmp_path)
