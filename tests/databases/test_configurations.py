"""The collector and compose files of the databases say nothing that is not defined in them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.running import COLLECTOR, SHIPPED, needs_collector

FOLDERS = [SHIPPED / name for name in ("clickhouse", "influxdb")]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return request.param


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def test_pipelines_name_what_is_defined(folder: Path) -> None:
    collector = read(folder / "collector.yaml")
    pipelines = collector["service"]["pipelines"]

    for kind in ("receivers", "processors", "exporters"):
        used = {name for one in pipelines.values() for name in one.get(kind, ())}
        assert used == set(collector.get(kind, ())), kind


def test_compose_has_exact_images_and_files_that_are_there(folder: Path) -> None:
    services = read(folder / "compose.yaml")["services"]

    for service in services.values():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?", service["image"])
        mounted = [one.split(":")[0] for one in service["volumes"] if one.startswith("./")]
        assert [one for one in mounted if not (folder / one).exists()] == []


def test_secrets_are_asked_for(folder: Path) -> None:
    """No password stands in a file; a variable that is not set is a fault, and not an empty one."""
    text = (folder / "compose.yaml").read_text("utf-8")
    secrets = set(re.findall(r"\$\{(\w+(?:PASSWORD|TOKEN))", text))

    assert secrets
    assert secrets == set(re.findall(r"\$\{(\w+):\?set one\}", text))


def test_the_readme_names_each_query(folder: Path) -> None:
    queries = {f"queries/{path.name}" for path in (folder / "queries").iterdir()}
    named = set(re.findall(r"`(queries/[\w.]+)`", (folder / "README.md").read_text("utf-8")))

    assert len(queries) == 3
    assert queries == named


class TestInACollector:
    """A real one takes them; it has no InfluxDB exporter, and all but that is held to it."""

    pytestmark = needs_collector

    @pytest.mark.validates("clickhouse/collector.yaml")
    def test_clickhouse_is_valid(self, tmp_path: Path) -> None:
        assert complaint(SHIPPED / "clickhouse" / "collector.yaml", tmp_path) == ""

    @pytest.mark.validates("influxdb/collector.yaml")
    def test_influxdb_is_valid_but_for_the_exporter(self, tmp_path: Path) -> None:
        path = SHIPPED / "influxdb" / "collector.yaml"
        assert 'unknown type: "influxdb"' in complaint(path, tmp_path)

        config = read(path)
        config["exporters"] = {"debug": {}}
        for pipeline in config["service"]["pipelines"].values():
            pipeline["exporters"] = ["debug"]
        (tmp_path / "collector.yaml").write_text(yaml.safe_dump(config))
        assert complaint(tmp_path / "collector.yaml", tmp_path) == ""


def complaint(config: Path, folder: Path) -> str:
    """What the collector says against a configuration; nothing if it is valid."""
    words = [COLLECTOR, "validate", f"--config={config}"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr
