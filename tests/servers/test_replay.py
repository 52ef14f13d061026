"""A folder of calls, replayed to a real collector and a real Jaeger."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from costspan.cli import main
from tests.report.folders import line, write
from tests.servers.arrived import awaited_spans, spans_in
from tests.servers.running import (
    COLLECTOR,
    CONFIGS,
    Server,
    awaited,
    needs_collector,
    needs_jaeger,
    running,
)
from tests.servers.test_collector_faults import certificate
from tests.servers.test_jaeger import asked, tags_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def known(number: int, **fields: Any) -> str:
    return line(trace_id=TRACE, span_id=f"{number + 1:016x}", cost_usd="0.25", **fields)


def ids(count: int) -> set[str]:
    return {f"{number + 1:016x}" for number in range(count)}


class TestCollector:
    pytestmark = needs_collector

    def test_one_that_comes_up_later_and_one_that_goes_for_a_while(self, tmp_path: Path):
        """Nobody listens when the replay begins; later it goes on, and every span is there."""
        folder = write(tmp_path / "logs", *(known(n) for n in range(40)))
        collector = Server(COLLECTOR, CONFIGS / "to_file.yaml", tmp_path)
        code = (
            "import sys; from costspan.cli import main;"
            "from costspan.report.replaying import replay;"
            "replay.BATCH = 5; sys.exit(main(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", code, "replay", str(folder), "--to", collector.http]
        waiting = subprocess.Popen([*command, "--rate", "10"], stdout=subprocess.PIPE, text=True)
        with running(collector):
            awaited_spans(collector.spans_path, 5)
            collector.stop()  # killed, it would lose what it took and had not written yet
            collector.start()
            said, _ = waiting.communicate(timeout=60)
            assert waiting.returncode == 0
            assert said.startswith("40 spans of 1 file sent in ")
            awaited(lambda: ids(40) <= arrived(collector), "40 spans")
        assert arrived(collector) == ids(40)

    def test_what_a_killed_replay_left(self, tmp_path: Path):
        folder = write(tmp_path / "logs", *(known(n) for n in range(7)))
        with running(Server(COLLECTOR, CONFIGS / "to_file.yaml", tmp_path)) as collector:
            arguments = ["replay", str(folder), "--to", collector.http]
            assert main([*arguments, "--until", "2026-11-22"]) == 0
            awaited_spans(collector.spans_path, 7)
            (state,) = folder.glob("*.state")
            head, *_ = state.read_bytes().splitlines(keepends=True)
            state.write_bytes(head)  # as if it had been killed before the batch was noted
            assert main([*arguments, "--until", "2026-11-22"]) == 0
            spans = awaited_spans(collector.spans_path, 14)
        assert {span.span_id for span in spans} == ids(7)
        first = spans[0]
        assert (first.trace_id, first.name, first.kind) == (TRACE, "chat gpt-4o-mini", 3)
        assert first.attributes["costspan.cost.total"] == 0.25
        assert first.end == 1_795_255_200 * 10**9  # 2026-11-21T10:00:00Z
        assert first.start == first.end - 10**9

    @pytest.mark.parametrize("trusted", ["its own", "another"])
    def test_only_a_certificate_that_is_trusted_gets_spans(
        self, tmp_path: Path, trusted: str, monkeypatch: pytest.MonkeyPatch, capsys
    ):
        own, key = certificate(tmp_path, "collector")
        another, _ = certificate(tmp_path, "another")
        named = str(own if trusted == "its own" else another)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", named)
        monkeypatch.setattr("costspan.report.replaying.receiver.PATIENCE", 0)
        folder = write(tmp_path / "logs", known(0))
        environ = {"CERTIFICATE": str(own), "CERTIFICATE_KEY": str(key)}
        collector = Server(COLLECTOR, CONFIGS / "tls.yaml", tmp_path, environ)
        with running(collector):
            url = collector.http.replace("http://", "https://")
            code = main(["replay", str(folder), "--to", url])
            if trusted == "its own":
                awaited_spans(collector.spans_path, 1)
        assert code == (0 if trusted == "its own" else 1)
        assert arrived(collector) == (ids(1) if trusted == "its own" else set())
        assert ("CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err) is (trusted == "another")


def arrived(collector: Server) -> set[str]:
    return {span.span_id for span in spans_in(collector.spans_path)}


@pytest.mark.usefixtures("jaeger")
class TestJaeger:
    pytestmark = needs_jaeger

    def test_history_is_found_by_its_attributes(self, jaeger: Server, tmp_path: Path):
        folder = write(
            tmp_path / "logs",
            known(0, agent="reviewer", tags={"team": "search"}, error="openai.RateLimitError"),
            known(1, agent="planner"),
        )
        arguments = ["replay", str(folder), "--to", jaeger.http, "--service", "history"]
        assert main(arguments) == 0
        asking = {"service": "history", "tags": json.dumps({"costspan.tag.team": "search"})}
        day = {"start": "1795219200000000", "end": "1795305600000000"}  # 2026-11-21

        def both() -> list[dict[str, Any]] | None:
            """Jaeger may show the trace with the first of its spans alone."""
            found = asked(jaeger, "traces", **asking, **day)
            return found[0]["spans"] if found and len(found[0]["spans"]) == 2 else None

        spans = awaited(both, "trace of two spans")
        span = next(one for one in spans if one["spanID"] == f"{1:016x}")
        tags = tags_of(span)
        assert span["traceID"] == TRACE
        assert span["duration"] == 1_000_000
        assert tags["gen_ai.agent.name"] == ("string", "reviewer")
        assert tags["costspan.cost.total"] == ("float64", 0.25)
        assert tags["error"] == ("bool", True)
