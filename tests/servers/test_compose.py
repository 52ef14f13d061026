"""Docker Compose itself reads each compose file of collector-config; nothing is started.

The program comes as a wheel: `make servers` sets COSTSPAN_COMPOSE.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.servers.running import SHIPPED

COMPOSE = os.environ.get("COSTSPAN_COMPOSE", "")
FOLDERS = sorted(file.parent.name for file in SHIPPED.glob("*/compose.yaml"))
SECRETS = {"CLICKHOUSE_PASSWORD": "one", "INFLUXDB_PASSWORD": "two", "INFLUXDB_TOKEN": "three"}

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        not Path(COMPOSE).is_file(), reason="COSTSPAN_COMPOSE names no Docker Compose: make servers"
    ),
]


def read(file: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What `docker compose config` makes of a file."""
    words = [COMPOSE, "-f", str(file), "config", "--format", "json"]
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(
    params=[
        pytest.param(
            folder, marks=pytest.mark.validates(f"{folder}/compose.yaml"), id=f"in {folder}"
        )
        for folder in FOLDERS
    ]
)
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The services of one file, everything filled in."""
    done = read(SHIPPED / request.param / "compose.yaml", SECRETS)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def test_it_is_valid_and_what_it_mounts_is_there(services: dict[str, Any]) -> None:
    """Of what Compose would make a folder for if it were missing."""
    mounts = [one for service in services.values() for one in service.get("volumes", ())]
    here = [Path(one["source"]) for one in mounts if one["type"] == "bind"]

    assert here
    assert [path for path in here if not path.exists() and path.name != "logs"] == []


def test_nobody_else_reaches_a_port(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]

    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_that_is_not_set_is_said(name: str) -> None:
    folder = name.partition("_")[0].lower()
    others = {key: value for key, value in SECRETS.items() if key != name}

    assert (
        f"required variable {name} is missing"
        in read(SHIPPED / folder / "compose.yaml", others).stderr
    )


def test_a_misspelled_word_is_refused(tmp_path: Path) -> None:
    """The judge judges."""
    text = (SHIPPED / "jaeger" / "compose.yaml").read_text("utf-8")
    (tmp_path / "compose.yaml").write_text(text.replace("command:", "comand:"))

    assert "comand" in read(tmp_path / "compose.yaml", {}).stderr
