"""JsonlSpanExporter: spans of a real SDK in files, and what becomes of the batches of the SDK."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import ConfigurationError, JsonlSpanExporter, LocalFiles
from costspan.declarative import JsonlFiles
from tests.export.otlp_lines import official, parsed, spans_of
from tests.export_otlp.arrived import spans_of_real_calls


def written(folder: Path) -> list[bytes]:
    return [
        line
        for path in sorted(folder.glob("otlp_trace_*.jsonl"))
        for line in path.read_bytes().splitlines(keepends=True)
    ]


def names(folder: Path) -> list[str]:
    """Of all spans; who opens a file while another writes may begin with a blank line."""
    lines = [line for line in written(folder) if line != b"\n"]
    return [span.name for line in lines for span in spans_of(parsed(line))]


@pytest.fixture
def made() -> Iterator[list[ReadableSpan]]:
    """Three ended spans."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for name in ("one", "two", "three"):
        provider.get_tracer("app").start_span(name, attributes={"n": 1}).end()
    yield list(kept.get_finished_spans())
    provider.shutdown()


def test_real_calls_arrive_whole(tmp_path: Path):
    """Spans of both SDKs, with content, read back as the official encoder writes them."""
    ended = spans_of_real_calls(JsonlSpanExporter(tmp_path))
    lines = [parsed(line) for line in written(tmp_path)]
    found = {span.span_id.hex(): span for line in lines for span in spans_of(line)}
    assert found.keys() == ended.keys()
    assert [repr(found[i]) for i in ended] == [
        repr(span) for one in ended.values() for span in spans_of(official([one]))
    ]


def test_a_folder_or_local_files(tmp_path: Path, made: list[ReadableSpan]):
    for files in (str(tmp_path / "a" / "b"), tmp_path / "c", LocalFiles(tmp_path / "d")):
        exporter = JsonlSpanExporter(files)
        assert exporter.export(made) is SpanExportResult.SUCCESS
        exporter.shutdown()
        assert names(exporter.files.directory) == ["one", "two", "three"]
    (path,) = (tmp_path / "c").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_folder_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="give the name of a folder"):
        JsonlSpanExporter(tmp_path / "file")


def test_after_shutdown_nothing_is_written(tmp_path: Path, made: list[ReadableSpan]):
    exporter = JsonlSpanExporter(tmp_path)
    exporter.shutdown()
    assert exporter.export(made) is SpanExportResult.FAILURE
    assert list(tmp_path.iterdir()) == []
    exporter.shutdown()


def test_no_spans_are_no_line(tmp_path: Path):
    exporter = JsonlSpanExporter(tmp_path)
    assert exporter.export([]) is SpanExportResult.SUCCESS
    assert exporter.force_flush()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_a_failure(
    tmp_path: Path, made: list[ReadableSpan], caplog: pytest.LogCaptureFixture
):
    """Where the folder should be there is a file, put there after the exporter was made."""
    exporter = JsonlSpanExporter(tmp_path / "logs")
    (tmp_path / "logs").touch()
    assert exporter.export(made) is SpanExportResult.FAILURE
    assert exporter.lost == 1
    assert "costspan could not write" in caplog.text
    (tmp_path / "logs").unlink()
    assert exporter.export(made) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert names(tmp_path / "logs") == ["one", "two", "three"]
    gap, _ = map(json.loads, written(tmp_path / "logs"))
    assert (gap["resourceSpans"], gap["kind"], gap["lost"]) == ([], "gap", 1)


@pytest.mark.faults
def test_a_malformed_span_costs_only_itself(
    tmp_path: Path, made: list[ReadableSpan], caplog: pytest.LogCaptureFixture
):
    exporter = JsonlSpanExporter(tmp_path)
    batch = [made[0], ReadableSpan("no context"), made[1]]
    assert exporter.export(batch) is SpanExportResult.FAILURE
    exporter.shutdown()
    assert names(tmp_path) == ["one", "two"]
    assert "the OTLP line of a span (ValueError)" in caplog.text


class TestConfigured:
    """`costspan_jsonl`, as OpenTelemetry's own configuration makes it."""

    @pytest.fixture(autouse=True)
    def nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("COSTSPAN_LOCAL", raising=False)

    @pytest.mark.parametrize(
        ("local", "directory", "folder"),
        [(None, None, "logs"), ("mine", None, "mine"), ("mine", "given", "given")],
    )
    def test_its_folder(
        self,
        tmp_path: Path,
        made: list[ReadableSpan],
        monkeypatch: pytest.MonkeyPatch,
        local: str | None,
        directory: str | None,
        folder: str,
    ):
        if local is not None:
            monkeypatch.setenv("COSTSPAN_LOCAL", local)
        exporter = JsonlFiles(directory)
        assert exporter.export(made) is SpanExportResult.SUCCESS
        assert exporter.force_flush()
        exporter.shutdown()
        assert names(tmp_path / folder) == ["one", "two", "three"]

    @pytest.mark.parametrize("wrong", [{"directory": "file"}, {"unknown": 1}])
    def test_a_wrong_setting_leaves_the_app_its_telemetry(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: dict
    ):
        (tmp_path / "file").touch()
        exporter = JsonlFiles(**wrong)
        (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert "costspan writes no spans to files" in record.getMessage()
        assert exporter.export([]) is SpanExportResult.FAILURE
        assert exporter.force_flush()
        exporter.shutdown()

    def test_the_sdk_finds_it_by_its_name(self, tmp_path: Path):
        """OTEL_TRACES_EXPORTER=costspan_jsonl, with the SDK's own start-up."""
        script = (
            "from opentelemetry.sdk._configuration import _initialize_components\n"
            "from opentelemetry import trace\n"
            "_initialize_components(trace_exporter_names=['costspan_jsonl'])\n"
            "trace.get_tracer('app').start_span('by name').end()\n"
        )
        run(script, tmp_path, COSTSPAN_LOCAL="files")
        assert names(tmp_path / "files") == ["by name"]


SETUP = """
import multiprocessing, os, signal, sys, time
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from costspan import JsonlSpanExporter

def work(name="child"):
    trace.get_tracer("app").start_span(name).end()

def setup():
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(JsonlSpanExporter("logs")))
    trace.set_tracer_provider(provider)
"""


CELERY_APP = """
from celery import Celery

app = Celery("app", broker="filesystem://")
app.conf.broker_transport_options = {f"data_folder_{way}": "queue" for way in ("in", "out")}
setup()

@app.task
def task():
    work()
    open("done", "w").close()

if __name__ == "__main__":
    app.signature("app.task").delay()
"""


def run(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


class TestEndings:
    """What the SDK still holds in its batch, when a process ends in one way or another."""

    def test_a_program_that_ends(self, tmp_path: Path):
        done = run(SETUP + "setup()\nwork()\n", tmp_path)
        assert (done.returncode, names(tmp_path / "logs")) == (0, ["child"])

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_a_child_of_multiprocessing_that_ends(self, tmp_path: Path, method: str):
        """With fork it inherits the provider; with the others its own module makes one."""
        (tmp_path / "app.py").write_text(
            SETUP
            + "if __name__ == '__mp_main__':\n    setup()\n"
            + "if __name__ == '__main__':\n"
            + ("    setup()\n    work('parent')\n" if method == "fork" else "")
            + f"    context = multiprocessing.get_context('{method}')\n"
            + "    child = context.Process(target=work)\n"
            + "    child.start(); child.join()\n"
        )
        subprocess.run([sys.executable, "app.py"], cwd=tmp_path, check=True, timeout=60)
        expected = ["child", "parent"] if method == "fork" else ["child"]
        assert sorted(names(tmp_path / "logs")) == expected

    def test_a_fork_that_leaves_by_sys_exit(self, tmp_path: Path):
        script = "setup()\nif os.fork() == 0:\n    work()\n    sys.exit()\nos.wait()\n"
        assert run(SETUP + script, tmp_path).returncode == 0
        assert names(tmp_path / "logs") == ["child"]

    def test_a_process_that_is_killed_loses_its_batch(self, tmp_path: Path):
        """As the page says; what was flushed before stays."""
        script = (
            "setup()\nwork('flushed')\ntrace.get_tracer_provider().force_flush()\n"
            "work('lost')\nos.kill(os.getpid(), signal.SIGKILL)\n"
        )
        assert run(SETUP + script, tmp_path).returncode == -signal.SIGKILL
        assert names(tmp_path / "logs") == ["flushed"]

    def test_a_worker_of_celery_that_is_told_to_end(self, tmp_path: Path):
        pytest.importorskip("celery")
        (tmp_path / "queue").mkdir()
        (tmp_path / "app.py").write_text(SETUP + CELERY_APP)
        python = [sys.executable, "-W", "ignore", "-m"]
        environ = {**os.environ, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
        place = {"cwd": tmp_path, "env": environ, "stdout": subprocess.DEVNULL}
        subprocess.run([*python, "app"], check=True, timeout=60, **place)
        worker = subprocess.Popen(
            [*python, "celery", "-A", "app", "worker", "-c", "1", "-l", "error"], **place
        )
        try:
            while not (tmp_path / "done").exists():
                assert worker.poll() is None, "the worker ended"
                time.sleep(0.05)
            worker.terminate()
            worker.wait(60)
        finally:
            worker.kill()
            worker.wait()
        assert names(tmp_path / "logs") == ["child"]

    def test_the_child_writes_beside_its_parent(self, tmp_path: Path):
        """Both hold the exporter, and each line stands whole."""
        script = (
            "setup()\npids = []\n"
            "for n in range(4):\n"
            "    pid = os.fork()\n"
            "    if not pid:\n"
            "        for m in range(50):\n"
            "            work(f'{n} {m}'); trace.get_tracer_provider().force_flush()\n"
            "        sys.exit()\n"
            "    pids.append(pid)\n"
            "for pid in pids: os.waitpid(pid, 0)\n"
        )
        assert run(SETUP + script, tmp_path).returncode == 0
        assert sorted(names(tmp_path / "logs")) == sorted(
            f"{n} {m}" for n in range(4) for m in range(50)
        )


def test_content_stands_in_the_file_only_where_it_was_switched_on(tmp_path: Path):
    """The exporter writes what spans hold: the gate is before them."""
    from tests.instrumentation import rig

    for mode, found in (("off", False), ("on", True)):
        kept = rig.Spans()
        provider = rig.provider_into(kept)
        exporter = JsonlSpanExporter(tmp_path / mode)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        with (
            rig.watched(tracer_provider=provider, capture_content=mode),
            rig.openai_client(rig.answer_chat) as client,
        ):
            client.chat.completions.create(**rig.ASK)
        provider.shutdown()
        (line,) = written(tmp_path / mode)
        content = json.dumps(rig.ASK["messages"][0]["content"])[1:-1]
        assert (content in line.decode()) is found
