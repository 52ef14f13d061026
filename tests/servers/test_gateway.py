"""collector-config/gateway as it stands: what it keeps, what it takes away, what it counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.servers.arrived import awaited_spans, spans_in
from tests.servers.programs import IN_STEPS, calls, ended, started
from tests.servers.prometheus_text import scraped, total
from tests.servers.running import COLLECTOR, CONFIGS, SHIPPED, Server, awaited, needs_collector
from tests.servers.running import running as run

pytestmark = [*needs_collector, pytest.mark.runs("gateway/collector.yaml")]

GATEWAY = SHIPPED / "gateway" / "collector.yaml"


@pytest.fixture
def backend(tmp_path: Path) -> Server:
    """Where the gateway sends to; not started."""
    (tmp_path / "backend").mkdir()
    return Server(COLLECTOR, CONFIGS / "to_file.yaml", tmp_path / "backend")


@pytest.fixture
def gateway(tmp_path: Path, backend: Server) -> Server:
    """The gateway; not started. Decides soon, and keeps no trace by chance."""
    return gateway_to(backend, tmp_path, SAMPLE_PERCENT="0")


def gateway_to(backend: Server, folder: Path, **environ: str) -> Server:
    (folder / "gateway").mkdir()
    defaults = {"SEND_TO": backend.at["OTLP_GRPC"], "DECISION_WAIT": "1s", "RETRY_MOST": "1s"}
    return Server(COLLECTOR, GATEWAY, folder / "gateway", {**defaults, **environ})


@contextmanager
def both(gateway: Server, backend: Server) -> Iterator[None]:
    with run(backend), run(gateway):
        yield


def say(server: LLMServer, gateway: Server, source: str, **variables: str) -> str:
    """Run a program that sends its spans to the gateway; what it printed."""
    out, _ = ended(
        started(
            source,
            server.openai_url,
            OTEL_EXPORTER_OTLP_ENDPOINT=gateway.http,
            OTEL_SERVICE_NAME="shop",
            **variables,
        )
    )
    return out


def test_what_is_dear_failed_or_unpriced_is_kept(
    gateway: Server, backend: Server, server: LLMServer
) -> None:
    """Three of seven; 400,000 tokens of gpt-4o-mini in are 0.06 USD, 300,000 are 0.045."""
    source = """
        for _ in range(3):
            call()
        call("tokens=300000/0", agent="below")
        call("tokens=400000/0", agent="dear")
        call("status=500", agent="failed")
        call(model="a-model-of-our-own", agent="unpriced")
    """
    with both(gateway, backend):
        say(server, gateway, source)
        awaited_spans(backend.spans_path, 3)
        gateway.stop()  # which decides on what it still holds, and sends it

    kept = {span.attributes.get("gen_ai.agent.name") for span in spans_in(backend.spans_path)}
    assert kept == {"dear", "failed", "unpriced"}


def test_a_share_of_the_others_is_kept(tmp_path: Path, backend: Server, server: LLMServer) -> None:
    """Half of a hundred; less than ten or more than ninety is one chance in 10^16."""
    gateway = gateway_to(backend, tmp_path, SAMPLE_PERCENT="50")
    with both(gateway, backend):
        say(server, gateway, "for _ in range(100): call()")
        awaited_spans(backend.spans_path, 10)
        gateway.stop()

    assert 10 <= len(spans_in(backend.spans_path)) <= 90


def test_content_keys_and_persons_go_no_further(
    tmp_path: Path, backend: Server, server: LLMServer
) -> None:
    """The app captures content; the rest of the span arrives as it was."""
    gateway = gateway_to(backend, tmp_path, SAMPLE_PERCENT="100")
    source = """
        tags = {"key": "sk-abcdefghijklmnopqrstuvwx", "team": "search", "mail": "ada@example.org"}
        with attribution(user="ada", tags=tags):
            call(agent="code_reviewer")
    """
    with both(gateway, backend):
        say(server, gateway, source, COSTSPAN_CAPTURE_CONTENT="on")
        (span,) = awaited_spans(backend.spans_path, 1)

    assert not any("messages" in name for name in span.attributes)
    assert "Hello" not in str(span)
    assert span.attributes["costspan.tag.key"] == "****"
    assert span.attributes["costspan.tag.mail"] == "****"
    assert span.attributes["costspan.tag.team"] == "search"
    assert len(span.attributes["user.id"]) == 64  # SHA-256, in hex
    assert span.attributes["gen_ai.agent.name"] == "code_reviewer"
    assert span.attributes["costspan.cost.total"] == 0.00027


def test_what_was_kept_outlives_a_crash(tmp_path: Path, backend: Server, server: LLMServer) -> None:
    """The backend is down, the gateway is killed with the spans in its queue on disk."""
    gateway = gateway_to(backend, tmp_path, SAMPLE_PERCENT="100")

    def queued() -> bool:
        return total(scraped(gateway.own_metrics), "otelcol_exporter_queue_size") == 20

    with run(gateway):
        say(server, gateway, "for _ in range(20): call()")
        awaited(queued, "queue of 20 traces")
        gateway.kill()

    with both(gateway, backend):
        assert len(awaited_spans(backend.spans_path, 20)) == 20


def test_out_of_memory_it_refuses_and_the_spans_come_later(
    tmp_path: Path, backend: Server, server: LLMServer
) -> None:
    """With a limit that no collector fits into; then it is started again with the usual one."""
    gateway = gateway_to(backend, tmp_path, SAMPLE_PERCENT="100")
    usual = dict(gateway.environ)
    gateway.environ |= {"MEMORY_MIB": "2", "MEMORY_SPIKE_MIB": "1"}

    def refused() -> bool:
        return total(scraped(gateway.own_metrics), "otelcol_receiver_refused_spans") >= 3

    with both(gateway, backend):
        program = started(
            IN_STEPS,
            server.openai_url,
            OTEL_EXPORTER_OTLP_ENDPOINT=gateway.http,
            OTEL_EXPORTER_OTLP_TIMEOUT="60",
            OTEL_BSP_SCHEDULE_DELAY="100",
        )
        made = calls(program, 3)
        awaited(refused, "three refused spans")
        gateway.stop()
        gateway.environ = usual
        gateway.start()
        came = awaited_spans(backend.spans_path, 3)
        ended(program)

    assert {span.span_id for span in came} == made
