"""A receiver that refuses or is slow: calls are unharmed, and the spans arrive once it takes them.

The receivers are scripted, so these run everywhere; the exporters are the SDK's own.
"""

import subprocess

import pytest

from costspan.testing import LLMServer
from tests.servers.exporters import PROTOCOLS
from tests.servers.programs import IN_STEPS, calls, ended, started
from tests.servers.scripted import Received, receiving

pytestmark = pytest.mark.parametrize("protocol", PROTOCOLS)


def exporting_to(
    address: str, protocol: str, server: LLMServer, **variables: str
) -> subprocess.Popen[str]:
    """A program of `IN_STEPS` that exports soon, compressed, and tries again for a minute."""
    return started(
        IN_STEPS,
        server.openai_url,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{address}",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc" if protocol == "grpc" else "http/protobuf",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_TIMEOUT="60",
        OTEL_BSP_SCHEDULE_DELAY="100",
        **variables,
    )


@pytest.mark.parametrize("refusals", [[503], [429], [503, 429]], ids=str)
def test_what_was_refused_is_sent_again(
    protocol: str, refusals: list[int], server: LLMServer
) -> None:
    """Each span arrives, and once."""
    received = Received(refusals)
    with receiving(protocol, received) as address:
        program = exporting_to(address, protocol, server)
        made = calls(program, 5)
        came = received.wait_for(5)
        ended(program)

    assert received.refused == refusals
    assert sorted(came) == sorted(made)


def test_calls_do_not_wait_for_a_slow_receiver(protocol: str, server: LLMServer) -> None:
    """The receiver answers nothing until twenty more calls have returned."""
    received = Received()
    received.answering.clear()
    with receiving(protocol, received) as address:
        program = exporting_to(address, protocol, server)
        calls(program, 1)
        assert received.arrived.wait(20)
        made = calls(program, 20)
        assert received.span_ids == []
        received.answering.set()
        came = received.wait_for(21)
        ended(program)

    assert sorted(came) == sorted(made)


def test_a_receiver_that_never_answers_costs_the_spans_alone(
    protocol: str, server: LLMServer
) -> None:
    """Given up after the exporter's own time, and said by the SDK; every call is counted."""
    received = Received()
    received.answering.clear()
    with receiving(protocol, received) as address:
        program = exporting_to(address, protocol, server, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT="1")
        made = calls(program, 5)
        assert received.arrived.wait(20)
        _, logged = ended(program)
        received.answering.set()

    assert len(made) == 5
    assert "Failed to export" in logged
    assert "costspan failed" not in logged
