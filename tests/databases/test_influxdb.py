"""The InfluxQL of collector-config/influxdb gives the right dollars, in a real InfluxDB 1.

The points are those of real metrics of ours, written as the schema telegraf-prometheus-v1 of the
collector's exporter has them: a measurement a metric, labels as tags, the sum so far in `counter`.
"""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.databases.calls import calling
from tests.third_party.processes import free_port, serving

QUERIES = Path(__file__).parents[2] / "collector-config" / "influxdb" / "queries"
INFLUXD = shutil.which("influxd")
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
"""
# When each process told its sums, in seconds: the first on two days, the second on the second.
FIRST_DAY, SECOND_DAY = 1_794_916_800, 1_795_003_200  # noon of 2026-11-17 and of 2026-11-18
TOLD = {"first": (FIRST_DAY, FIRST_DAY + 3600, SECOND_DAY), "second": (SECOND_DAY,)}

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        INFLUXD is None, reason="influxd is not installed: apt-get install influxdb"
    ),
]


def spent() -> list[tuple[dict[str, Any], float]]:
    """The labels and the dollars of each series of `costspan.cost` after real calls."""
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    with calling(meter_provider=meters):
        data: Any = reader.get_metrics_data()
    meters.shutdown()
    return [
        (dict(point.attributes), point.value)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "costspan.cost"
        for point in metric.data.data_points
    ]


def lines(series: list[tuple[dict[str, Any], float]]) -> str:
    """Line protocol."""
    written = []
    for process, moments in TOLD.items():
        for labels, dollars in series:
            tags = {**labels, "service.instance.id": process}
            told = "".join(f",{name}={escaped(str(value))}" for name, value in tags.items())
            written += [f"costspan.cost{told} counter={dollars!r} {at}" for at in moments]
    return "\n".join(written)


def escaped(tag: str) -> str:
    return tag.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that holds the points."""
    folder, port = tmp_path_factory.mktemp("influxdb"), free_port()
    config = folder / "influxdb.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, rpc=free_port()))
    program = [str(INFLUXD), "-config", str(config)]
    with serving(program, port, folder / "log", patience=120):
        url = f"http://127.0.0.1:{port}"
        asked(url, "CREATE DATABASE costspan")
        body = lines(spent()).encode()
        write = f"{url}/write?db=costspan&precision=s"
        urllib.request.urlopen(urllib.request.Request(write, body), timeout=60).close()
        yield url


def asked(url: str, query: str) -> list[list[dict[str, Any]]]:
    """The series that each statement gives."""
    body = urllib.parse.urlencode({"db": "costspan", "q": query}).encode()
    with urllib.request.urlopen(f"{url}/query", body, timeout=60) as answer:
        results = json.load(answer)["results"]
    assert [one["error"] for one in results if "error" in one] == []
    return [one.get("series", []) for one in results]


def test_spend_by_day(influxdb: str) -> None:
    """9,765.14 millionths on each day; on the second by the process that began then."""
    before, after = asked(influxdb, (QUERIES / "spend_by_day.influxql").read_text("utf-8"))

    (((_, at_its_start),), ((_, at_its_end),)) = before[0]["values"], after[0]["values"]
    assert at_its_start == pytest.approx(0.00976514, abs=1e-12)
    assert at_its_end - at_its_start == pytest.approx(0.00976514, abs=1e-12)


def test_spend_by_endpoint(influxdb: str) -> None:
    (series,) = asked(influxdb, (QUERIES / "spend_by_endpoint.influxql").read_text("utf-8"))

    found = {one["tags"]["costspan.endpoint"]: one["values"][0][1] for one in series}
    assert found == {
        "review": pytest.approx(2 * 0.00945, abs=1e-12),
        "answer": pytest.approx(2 * 0.00031514, abs=1e-12),
    }


def test_the_server_was_not_asked_for_more_than_it_runs() -> None:
    """Flux is not in InfluxDB 1.6: test_influxdb2.py asks that query."""
    done = subprocess.run([str(INFLUXD), "version"], capture_output=True, text=True, check=True)

    assert "InfluxDB v1." in done.stdout
