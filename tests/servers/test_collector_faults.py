"""A collector that is down, is killed, or shows another's certificate, over HTTP and gRPC."""

import datetime
import ipaddress
import json
from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.servers.arrived import awaited_spans, spans_in
from tests.servers.programs import IN_STEPS, calls, ended, started
from tests.servers.running import COLLECTOR, CONFIGS, Server, needs_collector, running

pytestmark = [*needs_collector, pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])]


def variables(collector: Server, protocol: str, scheme: str = "http") -> dict[str, str]:
    """What a program needs to export there soon, and to try again for half a minute."""
    address = collector.at["OTLP_GRPC" if protocol == "grpc" else "OTLP_HTTP"]
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{address}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "30",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


@pytest.fixture
def stopped(tmp_path: Path) -> Server:
    """A collector that does not run yet."""
    return Server(COLLECTOR, CONFIGS / "to_file.yaml", tmp_path)


def test_spans_made_before_it_starts_arrive(
    stopped: Server, protocol: str, server: LLMServer
) -> None:
    program = started(IN_STEPS, server.openai_url, **variables(stopped, protocol))
    made = calls(program, 10)
    with running(stopped):
        came = awaited_spans(stopped.spans_path, 10)
        ended(program)

    assert {span.span_id for span in came} == made


def test_spans_made_while_it_is_dead_arrive(
    stopped: Server, protocol: str, server: LLMServer
) -> None:
    """Killed between two batches, with ten calls while it is away."""
    with running(stopped):
        program = started(IN_STEPS, server.openai_url, **variables(stopped, protocol))
        before = calls(program, 10)
        awaited_spans(stopped.spans_path, 10)
        stopped.kill()
        made = calls(program, 10)
        stopped.start()
        awaited_spans(stopped.spans_path, 20)
        ended(program)

    assert len(made - before) == 10
    assert {span.span_id for span in spans_in(stopped.spans_path)} == made


BUDGETED = """
import json
from costspan import Budget, BudgetExceeded, CostTracker

Instrumentor().uninstrument()
limit = Budget("the run", usd=0.0009, action="block", reserve="max")
Instrumentor().instrument(costs=CostTracker(budgets=[limit]))
blocked = 0
for _ in range(10):
    try:
        call(max_tokens=200)
    except BudgetExceeded:
        blocked += 1
spent = Instrumentor().costs.summary()
print(json.dumps([spent.calls - blocked, blocked, str(spent.cost_usd)]))
"""


def test_a_budget_counts_and_blocks_without_a_collector(
    stopped: Server, protocol: str, server: LLMServer
) -> None:
    """Three calls of 0.00027 USD fit into 0.0009; the other seven are not sent."""
    gone = {**variables(stopped, protocol), "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    out, logged = ended(started(BUDGETED, server.openai_url, **gone))

    passed, blocked, dollars = json.loads(out)
    assert (passed, blocked, float(dollars)) == (3, 7, 0.00081)
    assert "costspan failed" not in logged


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key, each as a PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.parametrize("trusted", ["its own", "another"])
def test_only_a_certificate_that_is_trusted_gets_spans(
    tmp_path: Path, protocol: str, trusted: str, server: LLMServer
) -> None:
    """With another's certificate nothing leaves, the SDK says so, and every call is counted."""
    own, key = certificate(tmp_path, "collector")
    another, _ = certificate(tmp_path, "another")
    environ = {"CERTIFICATE": str(own), "CERTIFICATE_KEY": str(key)}
    collector = Server(COLLECTOR, CONFIGS / "tls.yaml", tmp_path, environ)
    asked = {
        **variables(collector, protocol, "https"),
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(own if trusted == "its own" else another),
        "OTEL_EXPORTER_OTLP_TIMEOUT": "30" if trusted == "its own" else "3",
    }
    with running(collector):
        program = started(IN_STEPS, server.openai_url, **asked)
        made = calls(program, 3)
        _, logged = ended(program)
        if trusted == "its own":
            awaited_spans(collector.spans_path, 3)

    assert len(made) == 3
    assert "costspan failed" not in logged
    came = {span.span_id for span in spans_in(collector.spans_path)}
    assert came == (made if trusted == "its own" else set())
    assert ("Failed to export" in logged) is (trusted == "another")
