"""The three queries of collector-config/influxdb, as its README asks them, in a real InfluxDB 2.

`make parts PARTS=influxd` builds one, and COSTSPAN_INFLUXDB2 names it. The points are those of
test_influxdb.py; the spans are written as the exporter's converter does: a row a span, its
attributes as JSON in one field.
"""

import csv
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from tests.databases.calls import calling
from tests.databases.test_influxdb import lines, spent
from tests.servers.running import SHIPPED
from tests.third_party.processes import free_port, serving

INFLUXD = os.environ.get("COSTSPAN_INFLUXDB2", "")
FOLDER = SHIPPED / "influxdb"
TOKEN = "change-me"
"""As the README's commands have it."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        not Path(INFLUXD).is_file(),
        reason="COSTSPAN_INFLUXDB2 names no InfluxDB 2: make parts PARTS=influxd",
    ),
]


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that holds the points and the spans."""
    folder, port = tmp_path_factory.mktemp("influxdb2"), free_port()
    words = {
        "bolt-path": folder / "bolt",
        "sqlite-path": folder / "sqlite",
        "engine-path": folder / "engine",
        "http-bind-address": f"127.0.0.1:{port}",
    }
    program = [
        INFLUXD,
        "--reporting-disabled",
        *(f"--{name}={word}" for name, word in words.items()),
    ]
    with serving(program, port, folder / "log", patience=120):
        url = f"http://127.0.0.1:{port}"
        names = {"username": "costspan", "org": "costspan", "bucket": "costspan"}
        posted(
            f"{url}/api/v2/setup", json.dumps({**names, "password": "passwords", "token": TOKEN})
        )
        write = f"{url}/api/v2/write?org=costspan&bucket=costspan"
        posted(f"{write}&precision=s", lines(spent()))
        with calling() as spans:
            posted(f"{write}&precision=ns", "\n".join(map(line, spans)))
        yield url


def posted(url: str, body: str) -> None:
    headers = {"Authorization": f"Token {TOKEN}"}
    urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=60).close()


def line(span: ReadableSpan) -> str:
    """A span in line protocol."""
    attributes = json.dumps(json.dumps(dict(span.attributes or {})))
    tags = f"trace_id={span.context.trace_id:032x},span_id={span.context.span_id:016x}"
    return f'spans,{tags} attributes={attributes},span.name="chat" {span.start_time}'


def answered(url: str, query: str) -> str:
    """What the README's command for a query prints, in a shell in its folder."""
    commands = re.findall(r"^curl (?:.*\\\n)*.*$", (FOLDER / "README.md").read_text("utf-8"), re.M)
    (command,) = (one for one in commands if f"queries/{query}" in one)
    here = command.replace("http://localhost:8086", url)
    done = subprocess.run(here, shell=True, cwd=FOLDER, capture_output=True, text=True, check=True)
    return done.stdout


def test_spend_by_day(influxdb: str) -> None:
    """9,765.14 millionths on each of two days."""
    found = json.loads(answered(influxdb, "spend_by_day.influxql"))["results"]

    sums = [one["series"][0]["values"][0][1] for one in found]
    assert sums == [pytest.approx(days * 0.00976514, abs=1e-12) for days in (1, 2)]


def test_spend_by_endpoint(influxdb: str) -> None:
    (found,) = json.loads(answered(influxdb, "spend_by_endpoint.influxql"))["results"]

    series = {one["tags"]["costspan.endpoint"]: one["values"][0][1] for one in found["series"]}
    assert series == {
        "review": pytest.approx(2 * 0.00945, abs=1e-12),
        "answer": pytest.approx(2 * 0.00031514, abs=1e-12),
    }


def test_dearest_calls(influxdb: str) -> None:
    found = list(csv.DictReader(answered(influxdb, "dearest_calls.flux").splitlines()))

    assert [(one["model"], float(one["usd"])) for one in found] == [
        ("gpt-5.2", 0.0063),
        ("gpt-5.2", 0.00315),
        ("gpt-5.2", 0.000315),
        ("tiny", 1.4e-07),
        ("gpt-5.2", 0),
    ]
    assert {len(one["trace_id"]) for one in found} == {32}
