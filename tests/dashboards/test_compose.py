"""The files that start the servers fit each other. Docker cannot be run where these tests are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.made import PAGES
from tests.dashboards.servers import GRAFANA
from tests.servers.running import COLLECTOR, needs_collector


def read(file: str) -> Any:
    """A YAML file as Python has it."""
    return yaml.safe_load((GRAFANA / file).read_text("utf-8"))


SERVICES = read("compose.yaml")["services"]
EACH_SERVICE = pytest.mark.parametrize("service", SERVICES, ids="of {}".format)
"""Whose bare names are those of markers, by which tests are counted."""

SOURCES = {
    one["type"]: one for one in read("provisioning/datasources/datasources.yaml")["datasources"]
}
SCRAPED = read("prometheus.yaml")["global"]["scrape_interval"]


@EACH_SERVICE
def test_an_image_has_an_exact_version(service: str) -> None:
    assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+(-slim)?", SERVICES[service]["image"])


@EACH_SERVICE
def test_what_is_mounted_is_there(service: str) -> None:
    volumes = [volume.split(":")[0] for volume in SERVICES[service].get("volumes", [])]

    assert [one for one in volumes if one.startswith("./") and not (GRAFANA / one).exists()] == []


@EACH_SERVICE
def test_only_this_machine_reaches_it(service: str) -> None:
    """Grafana lets everybody in, and OTLP takes what it is given."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_the_hosts_that_the_files_name_are_services() -> None:
    files = [
        "collector.yaml",
        "prometheus.yaml",
        "alertmanager.yaml",
        "provisioning/datasources/datasources.yaml",
    ]
    text = "\n".join((GRAFANA / file).read_text("utf-8") for file in files)
    hosts = set(re.findall(r"\b([a-z]+):\d{4}\b", text))

    assert hosts == {"tempo", "collector", "alertmanager", "receiver", "prometheus"}
    assert hosts <= set(SERVICES)


def test_a_dot_and_a_panel_find_their_data_sources() -> None:
    (exemplar,) = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    asked = {
        variable["query"]
        for page in PAGES.values()
        for variable in page["templating"]["list"]
        if variable["type"] == "datasource"
    }

    assert (exemplar["name"], exemplar["datasourceUid"]) == ("trace_id", SOURCES["tempo"]["uid"])
    assert asked <= SOURCES.keys()


def test_prometheus_keeps_what_the_month_needs_and_scrapes_as_grafana_is_told() -> None:
    command = " ".join(SERVICES["prometheus"]["command"])
    (days,) = re.findall(r"retention\.time=(\d+)d", command)

    assert int(days) > 31
    assert "--enable-feature=exemplar-storage" in command
    assert SOURCES["prometheus"]["jsonData"]["timeInterval"] == SCRAPED


def test_prometheus_finds_a_program_that_ended() -> None:
    """Long before the collector forgets it."""
    keeps = read("collector.yaml")["exporters"]["prometheus"]["metric_expiration"]

    assert (keeps, SCRAPED) == ("5m", "15s")


class TestWithACollector:
    """With a real one."""

    pytestmark = needs_collector

    def test_it_takes_its_configuration(self) -> None:
        config: Path = GRAFANA / "collector.yaml"
        done = subprocess.run(
            [COLLECTOR, "validate", "--config", str(config)], capture_output=True, text=True
        )

        assert (done.returncode, done.stderr) == (0, "")
