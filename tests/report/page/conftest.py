"""The pages of all folders, written once, by the command."""

from pathlib import Path

import pytest

from costspan.cli import main
from tests.report.page.samples import FOLDERS


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders by name."""
    root = tmp_path_factory.mktemp("calls")
    return {name: make(root / name) for name, make in FOLDERS.items()}


@pytest.fixture(scope="session")
def files(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each."""
    root = tmp_path_factory.mktemp("pages")
    found = {name: root / f"{name}.html" for name in folders}
    for name, file in found.items():
        assert main(["report", str(folders[name]), "--html", str(file)]) == 0
    return found
