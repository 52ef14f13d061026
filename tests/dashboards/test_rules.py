"""The rules: Prometheus's own tool checks them, and plays through when each alert fires."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.dashboards.servers import GRAFANA

PROMTOOL, AMTOOL = shutil.which("promtool"), shutil.which("amtool")
CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
RULES = sorted((GRAFANA / "rules").glob("*.yaml"))
ALERTS = (GRAFANA / "rules" / "alerts.yaml").read_text("utf-8")
RECORDING = (GRAFANA / "rules" / "recording.yaml").read_text("utf-8")

needs_promtool = [
    pytest.mark.system,
    pytest.mark.prometheus,
    pytest.mark.skipif(
        PROMTOOL is None, reason="Prometheus is not installed: apt-get install prometheus"
    ),
]


def ran(*command: str | Path | None) -> str:
    """What a program prints; a failure of it is one of the test."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class TestWithPromtool:
    """With what Prometheus brings."""

    pytestmark = needs_promtool

    def test_the_rules_are_valid(self) -> None:
        assert (
            ran(PROMTOOL, "check", "rules", "--lint=all", "--lint-fatal", *RULES).count("SUCCESS")
            == 2
        )

    def test_the_configuration_is_valid(self) -> None:
        ran(PROMTOOL, "check", "config", "--syntax-only", GRAFANA / "prometheus.yaml")

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
    def test_each_rule_fires_where_it_should_and_nowhere_else(self, case: Path) -> None:
        ran(PROMTOOL, "test", "rules", case)


@pytest.mark.system
@pytest.mark.prometheus
@pytest.mark.skipif(
    AMTOOL is None, reason="amtool is not installed: apt-get install prometheus-alertmanager"
)
def test_the_configuration_of_alertmanager_is_valid() -> None:
    assert "SUCCESS" in ran(AMTOOL, "check-config", GRAFANA / "alertmanager.yaml")


def test_every_alert_is_played_through() -> None:
    """Each has a case in which it fires, beside series for which it must not."""
    cases = (Path(__file__).parent / "rules" / "alerts.yaml").read_text("utf-8")
    played = re.findall(r"- alertname: (\w+)\n\s+eval_time: .+\n\s+exp_alerts:( \[\])?", cases)
    fires = {name for name, nothing in played if not nothing}

    assert fires == set(re.findall(r"- alert: (\w+)", ALERTS))


@pytest.mark.parametrize(
    "alert", re.split(r"\n      - alert: ", ALERTS)[1:], ids=lambda text: text.split()[0]
)
def test_an_alert_says_its_unit_its_reason_and_whom_it_wakes(alert: str) -> None:
    assert re.search(r"^          severity: (page|ticket)$", alert, re.M)
    for word in ("unit", "reason", "summary"):
        assert re.search(rf"^          {word}: \S", alert, re.M), word


def test_alerts_read_what_is_recorded() -> None:
    recorded = set(re.findall(r"- record: (\S+)", RECORDING))

    assert set(re.findall(r"costspan:[\w:]+", ALERTS)) <= recorded
    assert "increase(" not in ALERTS
