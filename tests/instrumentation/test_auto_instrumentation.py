"""`opentelemetry-instrument python app.py`, really run: costspan as one of its instrumentations."""

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from costspan import ConfigurationError, Instrumentor, guard
from tests.instrumentation.app import Ran, run_app

PROGRAM = Path(sys.executable).with_name("opentelemetry-instrument")
EXPORTERS = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
APP = """
import json
from opentelemetry import trace
from tests.instrumentation import rig

client = rig.openai_client(rig.answer_chat)
client.chat.completions.create(**rig.ASK)
from costspan import Instrumentor

costs = Instrumentor().costs
print(json.dumps([costs and str(costs.summary().cost_usd), Instrumentor().destination]))
"""


def run(**variables: str) -> Ran:
    return run_app(APP, str(PROGRAM), sys.executable, "-W", "error", **EXPORTERS, **variables)


def test_costspan_is_on_before_the_app_starts() -> None:
    """The entry point is found and loaded; the app knows nothing of it."""
    ran = run(OTEL_TRACES_EXPORTER="none")

    assert float(ran.said[0]) == 0.00027


def test_the_environment_sets_it_up(tmp_path: Path) -> None:
    """Settings come from COSTSPAN_* variables."""
    run(OTEL_TRACES_EXPORTER="none", COSTSPAN_LOCAL=str(tmp_path))

    (file,) = tmp_path.iterdir()
    assert file.read_text().count("\n") == 1


def test_a_wrong_setting_keeps_costspan_off_and_the_app_running() -> None:
    """One ERROR line, and the app's call works unseen."""
    ran = run(OTEL_TRACES_EXPORTER="none", COSTSPAN_CAPTURE_CONTENT="sometimes")

    assert ran.said == [None, "nowhere: not instrumented"]
    said = "costspan stays off: COSTSPAN_CAPTURE_CONTENT: capture_content='sometimes'"
    assert ran.stderr.count(said) == 1
    assert "Traceback" not in ran.stderr


BROKEN = {
    "choice": ({"COSTSPAN_CAPTURE_CONTENT": "sometimes"}, "'off' or 'on_error' or 'on'"),
    "provider": ({"COSTSPAN_PROVIDERS": "opnai"}, "use 'openai' and 'anthropic'"),
    "limit": ({"COSTSPAN_CALL_WARN_USD": "5 cents"}, "a number of US dollars above 0"),
    "store": ({"COSTSPAN_STORE": "mysql://there"}, "'memory'"),
    "webhook": ({"COSTSPAN_SLACK_WEBHOOK_URL": "hooks.example"}, "COSTSPAN_SLACK_WEBHOOK_URL"),
    "no file": ({"COSTSPAN_CONFIG": "nowhere.toml"}, "cannot be read"),
    "no TOML": ({"COSTSPAN_CONFIG": __file__}, "is no TOML"),
    "no folder": ({"COSTSPAN_LOCAL": __file__}, "give the name of a folder"),
}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "costspan")
    return caplog


@pytest.mark.parametrize(("variables", "remedy"), BROKEN.values(), ids=BROKEN)
def test_a_broken_setting_is_one_line_that_names_the_remedy(
    variables: dict[str, str],
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    log: pytest.LogCaptureFixture,
) -> None:
    """Nothing is raised, as that would keep the instrumentations that come after from loading."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    Instrumentor().instrument(skip_dep_check=True)

    assert Instrumentor().settings is None
    (said,) = log.records
    assert (said.levelname, said.exc_info) == ("ERROR", None)
    assert said.message.startswith("costspan stays off: ")
    assert remedy in said.message


@pytest.mark.faults
def test_a_fault_of_ours_keeps_nobody_from_loading(
    monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    """Not only a wrong setting: whatever goes wrong, the next instrumentation is loaded."""

    def fail(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr("costspan.instrumentor._prepared", fail)
    before = guard.faults()
    Instrumentor().instrument(skip_dep_check=True)

    assert Instrumentor().settings is None
    assert guard.faults() == before + 1
    assert "costspan failed at switching itself on (OSError)" in log.text


def test_what_was_set_up_first_stands(tmp_path: Path, log: pytest.LogCaptureFixture) -> None:
    """A configuration file instruments before the command loads every instrumentation."""
    Instrumentor().instrument(local=str(tmp_path), capture_content="on_error")
    Instrumentor().instrument(skip_dep_check=True)
    settings = Instrumentor().settings
    Instrumentor().uninstrument()

    assert settings is not None
    assert (settings.local, settings.capture_content) == (str(tmp_path), "on_error")
    assert "replace" not in log.text


def test_what_was_refused_first_stays_off(log: pytest.LogCaptureFixture) -> None:
    """It is not switched on in another way than it was told, and says why."""
    with pytest.raises(ConfigurationError):
        Instrumentor().instrument(capture_content="sometimes")
    Instrumentor().instrument(skip_dep_check=True)

    assert Instrumentor().settings is None
    assert [record.levelname for record in log.records] == ["ERROR"]
    assert "capture_content='sometimes'" in log.text


def test_a_misspelt_argument_keeps_it_off_as_well(log: pytest.LogCaptureFixture) -> None:
    """Else the command would switch it on without what the configuration file asked for."""
    with pytest.raises(TypeError):
        Instrumentor().instrument(capture_contents="off")
    Instrumentor().instrument(skip_dep_check=True)

    assert Instrumentor().settings is None
    (said,) = log.records
    assert said.message.startswith("costspan stays off: instrument() got an unexpected keyword")
    assert "'capture_contents': use tracer_provider" in said.message
