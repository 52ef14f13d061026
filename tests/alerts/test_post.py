"""Posting: what a failure is called, whether another try may help, and what is not done."""

import socket
import threading

import pytest

from costspan.alerts import post as module
from costspan.alerts.faults import NotTaken
from costspan.alerts.post import post
from tests.alerts.standin import StandIn

JSON = {"Content-Type": "application/json"}


def refused(url: str, words=()) -> NotTaken:
    with pytest.raises(NotTaken) as found:
        post(url, b"{}", JSON, words)
    assert found.value.__suppress_context__
    return found.value


@pytest.mark.parametrize(
    ("command", "said", "again", "retry_after"),
    [
        ("400", "HTTP 400", False, None),
        ("403", "HTTP 403", False, None),
        ("404 no_service", "HTTP 404: no_service", False, None),
        ("404 something_else", "HTTP 404", False, None),
        ("408", "HTTP 408", True, None),
        ("429", "HTTP 429", True, None),
        ("429 7", "HTTP 429", True, 7.0),
        ("429 86400", "HTTP 429", True, 300.0),
        ("500", "HTTP 500", True, None),
        ("500 7", "HTTP 500", True, None),
        ("503 30", "HTTP 503", True, 30.0),
        ("redirect", "HTTP 302: give the address that it redirects to", False, None),
        ("reset", "the connection was closed without an answer", True, None),
    ],
)
def test_a_failure_says_what_to_do(stand_in: StandIn, command, said, again, retry_after):
    stand_in.misbehave(command)
    fault = refused(stand_in.hook_url, {"no_service"})
    assert (str(fault), fault.again, fault.retry_after) == (said, again, retry_after)
    assert len(stand_in.got) == 1, "a redirect is not followed"


def test_a_receiver_that_hangs_is_given_up(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.05)
    stand_in.misbehave("hang")
    fault = refused(stand_in.hook_url)
    assert (str(fault), fault.again) == ("no answer in 0.05 seconds", True)


def test_an_answer_whose_body_never_ends_is_an_answer(stand_in: StandIn):
    stand_in.misbehave("slow")
    post(stand_in.hook_url, b"{}", JSON)


def test_a_port_where_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert str(refused(f"http://127.0.0.1:{bound.getsockname()[1]}/")) == "connection refused"


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch):
    def failing(*args: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    monkeypatch.setenv("no_proxy", "*")
    assert str(refused("https://hooks.invalid/x")) == "its name does not resolve"


def test_a_server_that_speaks_no_tls(stand_in: StandIn):
    fault = refused(stand_in.hook_url.replace("http:", "https:"))
    assert (str(fault), fault.again) == ("TLS: WRONG_VERSION_NUMBER", True)


def test_a_server_that_speaks_no_http():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"s3cret nonsense\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        assert str(refused(f"http://127.0.0.1:{server.getsockname()[1]}/")) == "BadStatusLine"
        thread.join()


def test_the_proxy_of_the_environment_is_used(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", f"http://{stand_in.address}")
    monkeypatch.setenv("no_proxy", "")
    post("http://receiver.test/hook", b"{}", JSON)
    assert stand_in.got[0].path == "http://receiver.test/hook"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("Sun, 22 Nov 2026 11:05:45 GMT", 100),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 0),
        ("Sun, 22 Nov 2027 11:04:05 GMT", 300),
    ],
)
def test_retry_after_is_seconds_or_a_date(
    value: str, seconds: float, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module.time, "time", lambda: 1_795_345_445.0)  # 11:04:05
    assert module._seconds(value) == seconds


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", ""])
def test_any_other_retry_after_says_nothing(value: str):
    assert module._seconds(value) is None
