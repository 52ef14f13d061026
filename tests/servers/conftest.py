"""The servers, running, for one test each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.running import COLLECTOR, CONFIGS, JAEGER, SHIPPED, Server, running
from tests.servers.states import States


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Server]:
    """A collector that writes down what it takes."""
    with running(Server(COLLECTOR, CONFIGS / "to_file.yaml", tmp_path)) as server:
        yield server


@pytest.fixture(scope="session")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Jaeger as collector-config/jaeger sets it up, for all tests of the process."""
    folder = tmp_path_factory.mktemp("jaeger")
    with running(Server(JAEGER, SHIPPED / "jaeger" / "jaeger.yaml", folder)) as server:
        yield server


def pytest_configure(config: pytest.Config) -> None:
    """Have the run say which configurations it tried."""
    config.pluginmanager.register(States(), "costspan-configurations")
