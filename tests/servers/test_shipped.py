"""What stands in collector-config: valid, of exact versions, and each file with its state."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.build import COLLECTOR as COLLECTOR_VERSION
from tests.servers.running import COLLECTOR, SHIPPED, needs_collector
from tests.servers.states import BEGIN, END, PAGE, REASONS, configurations, loaded

FOLDERS = ("files", "gateway", "jaeger")
ALL_FOLDERS = sorted(file.parent.name for file in SHIPPED.glob("*/compose.yaml"))
JAEGER_IMAGE = "jaegertracing/jaeger:2.13.0"
IMAGES = {f"otel/opentelemetry-collector-contrib:{COLLECTOR_VERSION}", JAEGER_IMAGE}


def valid(config: Path, folder: Path) -> str:
    """What the collector says against a configuration; nothing if it is valid."""
    environ = {"QUEUE_FOLDER": str(folder), "STATE_FOLDER": str(folder)}
    words = [COLLECTOR, "validate", f"--config={config}"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.validates("gateway/collector.yaml")
class TestGateway:
    pytestmark = needs_collector

    def test_it_is_valid(self, tmp_path: Path) -> None:
        assert valid(SHIPPED / "gateway" / "collector.yaml", tmp_path) == ""

    def test_a_misspelled_setting_is_not(self, tmp_path: Path) -> None:
        """The judge judges."""
        text = (SHIPPED / "gateway" / "collector.yaml").read_text()
        (tmp_path / "c.yaml").write_text(text.replace("decision_wait:", "decision_weight:"))

        assert "decision_weight" in valid(tmp_path / "c.yaml", tmp_path)


@pytest.mark.validates("grafana/collector.yaml")
class TestGrafana:
    pytestmark = needs_collector

    def test_it_is_valid(self, tmp_path: Path) -> None:
        assert valid(SHIPPED / "grafana" / "collector.yaml", tmp_path) == ""


@pytest.mark.validates("files/collector.yaml")
class TestFiles:
    pytestmark = needs_collector

    def test_it_is_valid_but_for_the_receiver(self, tmp_path: Path) -> None:
        """The collector that is built here has no otlpjsonfile; with `otlp` the rest is valid."""
        path = SHIPPED / "files" / "collector.yaml"
        assert 'unknown type: "otlpjsonfile"' in valid(path, tmp_path)

        config = loaded("files/collector.yaml")
        config["receivers"] = {"otlp": {"protocols": {"http": {}}}}
        config["service"]["pipelines"]["traces"]["receivers"] = ["otlp"]
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
        assert valid(tmp_path / "c.yaml", tmp_path) == ""


@pytest.mark.parametrize("folder", FOLDERS, ids="in {}".format)
class TestCompose:
    @pytest.fixture
    def services(self, folder: str) -> dict[str, Any]:
        services: dict[str, Any] = loaded(f"{folder}/compose.yaml")["services"]
        return services

    def test_images_are_of_the_versions_that_the_tests_run(self, services: Any) -> None:
        assert {service["image"] for service in services.values()} <= IMAGES

    def test_what_is_mounted_is_there(self, services: Any, folder: str) -> None:
        """Each service reads the file that its command names."""
        for service in services.values():
            mounts = dict(
                volume.removesuffix(":ro").rsplit(":", 1) for volume in service["volumes"]
            )
            inside = {there: here for here, there in mounts.items()}
            (word,) = service["command"]
            assert (SHIPPED / folder / inside[word.removeprefix("--config=")]).is_file()

    def test_ports_are_those_that_the_configuration_listens_on(
        self, services: Any, folder: str
    ) -> None:
        """And they are open to this machine alone."""
        for service in services.values():
            config = service["volumes"][0].partition(":")[0]
            text = (SHIPPED / folder / config).read_text()
            for port in service.get("ports", ()):
                host, outside, inside = port.split(":")
                assert (host, outside) == ("127.0.0.1", inside)
                assert re.search(rf":-(0\.0\.0\.0:)?{inside}\}}", text)


@pytest.mark.parametrize("folder", ALL_FOLDERS, ids="in {}".format)
def test_a_readme_has_the_two_commands_that_start_it(folder: str) -> None:
    """Compose, and what makes the traces; docs/collector.md and the README above lead there."""
    text = (SHIPPED / folder / "README.md").read_text()
    (block,) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)

    assert block.count("$ ") == 2
    assert "docker compose up -d\n" in block
    assert f"]({folder}/README.md)" in (SHIPPED / "README.md").read_text()
    assert f"](../collector-config/{folder}/README.md)" in PAGE.read_text()


def test_the_page_names_every_configuration() -> None:
    """In the table that `make servers WRITE_DOCS=1` writes."""
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]

    assert re.findall(r"^\| `(.*?)`", table, re.MULTILINE) == configurations()
    assert set(REASONS) < set(configurations())
