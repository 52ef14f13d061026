"""One request at a time, tried again as OTLP/HTTP says."""

import ssl
import time
from email.utils import formatdate

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from costspan.errors import ConfigurationError
from costspan.report.replaying import target
from costspan.report.replaying.receiver import Answer, Receiver, Stopped, TooLarge
from tests.report.replaying.standin import Reply, StandIn, partial
from tests.third_party.processes import free_port

BODY = ExportTraceServiceRequest().SerializeToString()


class Slept(list[float]):
    """How long was waited, without waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def slept() -> Slept:
    return Slept()


def receiver(there: StandIn, slept: Slept, **more: object) -> Receiver:
    return Receiver(f"{there.url}/v1/traces", {"X-Team": "search"}, sleep=slept, **more)


def test_a_request_is_protobuf_and_packed(there: StandIn, slept: Slept):
    assert receiver(there, slept).send(BODY) == Answer()
    (post,) = there.posts
    assert post.path == "/v1/traces"
    assert post.headers["Content-Type"] == "application/x-protobuf"
    assert post.headers["Content-Encoding"] == "gzip"
    assert post.headers["X-team".title()] == "search"
    assert slept == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_is_tried_again(there: StandIn, slept: Slept, status: int):
    there.replies = [Reply(status), Reply(status, {"Retry-After": "7"}), Reply(status)]
    receiver(there, slept).send(BODY)
    assert len(there.posts) == 4
    assert 0.5 <= slept[0] <= 1
    assert slept[1] == 7
    assert 2 <= slept[2] <= 4


def test_retry_after_as_a_date(there: StandIn, slept: Slept):
    there.replies = [
        Reply(503, {"Retry-After": formatdate(time.time() + 100, usegmt=True)}),
        Reply(503, {"Retry-After": formatdate(time.time() - 100, usegmt=True)}),
        Reply(503, {"Retry-After": "soon"}),
    ]
    receiver(there, slept).send(BODY)
    assert 90 < slept[0] <= 100
    assert slept[1] == 0
    assert slept[2] > 0


@pytest.mark.parametrize("status", [302, 400, 401, 404, 405, 500])
def test_what_is_not(there: StandIn, slept: Slept, status: int):
    there.reply = lambda post: Reply(
        status, {"Content-Type": "text/plain", "Location": "/else"}, b"no\x1b[31m such\ntoken"
    )
    with pytest.raises(Stopped, match=rf"^HTTP {status}: no \[31m such token$"):
        receiver(there, slept, compressed=False).send(BODY)
    assert len(there.posts) == 1


def test_gzip_is_named_where_it_may_be_the_reason(there: StandIn, slept: Slept):
    there.reply = lambda post: Reply(400)
    with pytest.raises(Stopped, match="HTTP 400; where it takes no gzip, set OTEL_EXPORTER_OTLP_"):
        receiver(there, slept).send(BODY)


def test_what_is_too_large(there: StandIn, slept: Slept):
    there.reply = lambda post: Reply(413)
    with pytest.raises(TooLarge, match="HTTP 413"):
        receiver(there, slept).send(BODY)


def test_patience_ends(there: StandIn, slept: Slept):
    there.reply = lambda post: Reply(503)
    with pytest.raises(Stopped, match=r"^HTTP 503, for \d+ seconds$"):
        receiver(there, slept, patience=60).send(BODY)
    assert 30 < sum(slept) <= 60
    assert len(there.posts) == len(slept) + 1


def test_nobody_listens(slept: Slept):
    one = Receiver(f"http://127.0.0.1:{free_port()}", {}, sleep=slept, patience=3)
    with pytest.raises(Stopped, match="Connection refused, for"):
        one.send(BODY)
    assert slept


def test_why_it_waits_is_told_once_for_each_reason(there: StandIn, slept: Slept):
    there.replies = [Reply(503), Reply(503), Reply(429), Reply(), Reply(503)]
    told: list[str] = []
    one = receiver(there, slept, waiting=told.append)
    one.send(BODY)
    one.send(BODY)
    assert len(there.posts) == 6
    assert told == ["HTTP 503", "HTTP 429"]


def test_partial_success_is_told_and_not_tried_again(there: StandIn, slept: Slept):
    there.replies = [partial(2, "too\nold")]
    assert receiver(there, slept).send(BODY) == Answer(2, "too old")
    assert len(there.posts) == 1


def test_an_answer_that_is_no_protobuf_is_well(there: StandIn, slept: Slept):
    there.replies = [Reply(200, {"Content-Type": "text/html"}, b"<html>fine</html>")]
    assert receiver(there, slept).send(BODY) == Answer()


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for part in ("", "TRACES_"):
        for name in ("ENDPOINT", "HEADERS", "COMPRESSION", "TIMEOUT", "CERTIFICATE"):
            monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{part}{name}", raising=False)
    return monkeypatch


class TestTarget:
    @pytest.mark.parametrize(
        ("written", "url"),
        [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://eu.example/otlp", "https://eu.example/otlp/v1/traces"),
            ("https://eu.example/v1/traces", "https://eu.example/v1/traces"),
            ("https://eu.example?key=s3cret", "https://eu.example/v1/traces?key=s3cret"),
            ("https://eu.example/a/?key=s3/", "https://eu.example/a/v1/traces?key=s3/"),
            ("https://eu.example/v1/traces?k=v#x", "https://eu.example/v1/traces?k=v"),
        ],
    )
    def test_the_path_of_traces_is_added(self, clean, written: str, url: str):
        assert target.endpoint(written) == url

    def test_variables(self, clean: pytest.MonkeyPatch):
        clean.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318")
        assert target.endpoint(None) == "http://all:4318/v1/traces"
        clean.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/as-it-is")
        assert target.endpoint(None) == "http://traces:1/as-it-is"
        assert target.endpoint("http://said:4318") == "http://said:4318/v1/traces"

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            (None, "say where to: --to http://localhost:4318"),
            ("localhost:4318", "give an address such as http://localhost:4318"),
            ("http://", "give an address such as"),
            ("http://[::1", "give an address such as"),
            ("http://localhost:99999", "give an address such as"),
            ("http://localhost:port", "give an address such as"),
            ("http://ann:s3cret@host", "--header 'Authorization=Basic"),
        ],
    )
    def test_a_wrong_one(self, clean, written: str | None, said: str):
        with pytest.raises(ConfigurationError) as fault:
            target.endpoint(written)
        assert said in str(fault.value)
        assert "s3cret" not in str(fault.value)

    def test_headers_of_the_variable_and_of_the_option(
        self, clean: pytest.MonkeyPatch, there: StandIn
    ):
        clean.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc,x-a=1")
        clean.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        target.receiver(there.url, ["x-a=2", "x-b=c=d"]).send(BODY)
        (post,) = there.posts
        headers = {name.lower(): value for name, value in post.headers.items()}
        assert headers["authorization"] == "Basic abc"
        assert (headers["x-a"], headers["x-b"]) == ("2", "c=d")
        assert "content-encoding" not in headers
        assert headers["user-agent"].startswith("costspan/")

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("COMPRESSION", "zstd", "use gzip or none"),
            ("TIMEOUT", "soon", "give seconds"),
            ("TIMEOUT", "-1", "give seconds"),
            ("TIMEOUT", "nan", "give seconds"),
            ("CERTIFICATE", "/no/such/file", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ],
    )
    def test_wrong_variables(self, clean: pytest.MonkeyPatch, name: str, value: str, said: str):
        clean.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
        with pytest.raises(ConfigurationError, match=said):
            target.receiver("http://localhost:4318", [])

    @pytest.mark.parametrize("header", ["a=s3cret\nb: c", "a=s3cret\N{SNOWMAN}", "a b=s3cret"])
    def test_a_header_that_cannot_be_sent_shows_no_value(self, clean, header: str):
        with pytest.raises(ConfigurationError, match="cannot be sent") as fault:
            target.receiver("http://localhost:4318", [header])
        assert "s3cret" not in str(fault.value)

    def test_a_header_without_a_value_is_refused(self, clean):
        with pytest.raises(ConfigurationError, match="write NAME=VALUE"):
            target.receiver("http://localhost:4318", ["Bearer abc"])


def test_tls_is_checked(there: StandIn, slept: Slept):
    """A receiver that does not speak it is not spoken to."""
    url = there.url.replace("http://", "https://")
    one = Receiver(url, {}, tls=ssl.create_default_context(), sleep=slept, patience=0)
    with pytest.raises(Stopped, match="TLS"):
        one.send(BODY)
    assert there.posts == []
