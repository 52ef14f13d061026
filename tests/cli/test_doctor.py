"""`costspan doctor` prints findings with their remedies, as text and as JSON, and exits by them."""

import json

import pytest

from costspan import cli
from tests.third_party.processes import free_port


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that asks for nothing."""
    for name in (
        "COSTSPAN_CONFIG",
        "COSTSPAN_STORE",
        "COSTSPAN_LOCAL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_TRACES_EXPORTER",
    ):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--strict"]) == 0

    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    none = lines.index(next(line for line in lines if line.startswith("calls file")))
    assert lines[none].split()[2:] == ["none"]
    assert lines[none + 1].strip() == "-> set COSTSPAN_LOCAL=logs, or instrument(local='logs')"
    assert "setting        store = memory (default)" in lines


def test_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")

    assert cli.main(["doctor"]) == 1

    out, _ = capsys.readouterr()
    said = f"ERROR: http://127.0.0.1:{port}/v1/traces does not answer (ConnectionRefusedError)\n"
    assert said in out


@pytest.mark.parametrize(("arguments", "code"), [(["doctor"], 0), (["doctor", "--strict"], 1)])
def test_a_warning(
    arguments: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COSTSPAN_STROE", "memory")

    assert cli.main(arguments) == code

    assert "WARNING: COSTSPAN_STROE is no variable of costspan\n" in capsys.readouterr().out


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COSTSPAN_STORE", f"redis://:canary@127.0.0.1:{free_port()}/0")

    assert cli.main(["doctor", "--json"]) == 1

    text = capsys.readouterr().out
    body = json.loads(text)
    assert "canary" not in text
    assert list(body) == ["counts", "findings", "settings"]
    assert list(body["counts"]) == ["error", "warning", "note", "ok"]
    assert body["counts"]["error"] == 1
    assert sum(body["counts"].values()) == len(body["findings"])
    (store,) = [one for one in body["findings"] if one["topic"] == "store"]
    assert store["severity"] == "error"
    assert store["text"] == "redis, which does NOT answer (ConnectionError)"
    assert store["remedy"]
    settings = {one["name"]: one for one in body["settings"]}
    assert settings["store"]["value"].startswith("redis://***@127.0.0.1:")
    assert settings["store"]["source"] == "variable COSTSPAN_STORE"
    assert list(settings["store"]) == ["name", "value", "source"]


def test_a_configuration_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COSTSPAN_STORE", "oracle://host")

    assert cli.main(["doctor"]) == 1

    assert "configuration  ERROR: store='oracle:...': use one of" in capsys.readouterr().out
