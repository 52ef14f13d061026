"""Nothing is lost and little is sent again, whatever ends a replay and whenever."""

import gzip
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from costspan import JsonlSpanExporter
from costspan.cli import main
from costspan.report.replaying import replay
from costspan.report.replaying.spans import resource_spans_of, spans_in
from tests.report.folders import GAP, line, write
from tests.report.replaying.standin import Reply, StandIn, partial

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def known(number: int, **fields: Any) -> str:
    return line(trace_id=TRACE, span_id=f"{number + 1:016x}", **fields)


def ids(*numbers: int) -> list[str]:
    return [f"{number + 1:016x}" for number in numbers]


def run(there: StandIn, *arguments: object) -> int:
    return main(["replay", *map(str, arguments), "--to", there.url])


def process(there: StandIn, folder: Path, batch: int) -> "subprocess.Popen[bytes]":
    code = (
        "import sys; from costspan.cli import main; from costspan.report.replaying import replay;"
        f"replay.BATCH = {batch}; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "replay", str(folder), "--to", there.url]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("after", [1, 4])
def test_killed_and_run_again(there: StandIn, tmp_path: Path, after: int):
    """kill -9 while a batch is under way: after the receiver took it, before it is noted."""
    count, batch = 60, 7
    folder = write(tmp_path / "logs", *(known(n) for n in range(count // 2)))
    write(folder, *(known(n) for n in range(30, count)), name="llm_trace_2026-11-22.jsonl")
    victims: list[subprocess.Popen[bytes]] = []

    def reply(post: Any) -> Reply:
        if victims and len(there.posts) == after:
            victims[0].send_signal(signal.SIGKILL)
            victims.pop().wait(60)
        return Reply()

    there.reply = reply
    victims.append(one := process(there, folder, batch))
    assert one.wait(60) == -signal.SIGKILL
    assert process(there, folder, batch).wait(60) == 0
    often = Counter(there.taken)
    assert set(often) == set(ids(*range(count)))
    assert sum(often.values()) == count + batch


def test_a_state_that_is_torn_anywhere(there: StandIn, tmp_path: Path, monkeypatch):
    """As a kill may cut it: nothing is lost."""
    monkeypatch.setattr(replay, "BATCH", 2)
    folder = write(tmp_path / "logs", *(known(n) for n in range(6)))
    state = tmp_path / "state"
    assert run(there, folder, "--state", state) == 0
    whole = state.read_bytes()
    assert len(whole.splitlines()) == 4
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for length in sorted(
        {0, 1, 9, 50, *ends[:-1], *(end - 1 for end in ends), *range(120, 400, 41)}
    ):
        state.write_bytes(whole[:length])
        there.taken.clear()
        assert run(there, folder, "--state", state) == 0
        done = 2 * whole[:length].count(b"}}")
        assert there.taken == ids(*range(done, 6))
        assert run(there, folder, "--state", state) == 0
        assert there.taken == ids(*range(done, 6))


def test_what_comes_later_is_sent_later(there: StandIn, tmp_path: Path):
    """More lines, a torn one that gets its end, files that are packed, a folder that moves."""
    folder = write(tmp_path / "logs", known(0), known(1)[:80], end="")
    assert run(there, folder) == 0
    assert there.taken == ids(0)
    write(folder, known(0), known(1), known(2), end="")
    run(there, folder)
    assert there.taken == ids(0, 1, 2)
    plain = folder / "llm_trace_2026-11-21.jsonl"
    packed = gzip.compress(plain.read_bytes() + f"\n{known(3)}\n".encode())
    plain.with_name(f"{plain.name}.gz").write_bytes(packed)
    plain.unlink()
    run(there, folder)
    moved = folder.rename(tmp_path / "archive")
    write(moved, known(4), name="llm_trace_2026-11-22.jsonl")
    run(there, moved)
    assert there.taken == ids(0, 1, 2, 3, 4)


def test_another_file_under_the_same_name_is_sent(there: StandIn, tmp_path: Path):
    folder = write(tmp_path / "logs", known(0), known(1))
    run(there, folder)
    write(folder, known(7))
    run(there, folder)
    assert there.taken == ids(0, 1, 7)


def test_lines_without_ids_have_the_same_ones_each_time(there: StandIn, tmp_path: Path):
    folder = write(tmp_path / "logs", line(), line(), line(trace_id=TRACE))
    run(there, folder, "--state", tmp_path / "one")
    first, there.taken = there.taken, []
    run(there, folder, "--state", tmp_path / "other")
    assert there.taken == first
    assert len(set(first)) == 3
    spans = there.posts[0].spans
    assert spans[2].trace_id.hex() == TRACE
    assert all(span.parent_span_id == b"" for span in spans)


def test_a_receiver_that_gives_up_and_comes_back(
    there: StandIn, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(replay, "BATCH", 2)
    folder = write(tmp_path / "logs", *(known(n) for n in range(5)))
    there.replies = [Reply(), Reply(503, {"Retry-After": "0"}), Reply(), Reply(401)]
    assert run(there, folder) == 1
    out, err = capsys.readouterr()
    assert out == "4 spans of 1 file sent in 2 requests\n"
    assert err.splitlines()[1:] == ["not all was sent (HTTP 401): run the same again to go on"]
    assert run(there, folder) == 0
    assert there.taken == ids(0, 1, 2, 3, 4)


def test_what_is_too_large_is_cut(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path / "logs", *(known(n) for n in range(9)))
    there.reply = lambda post: Reply(413 if len(post.spans) > 2 or ids(3)[0] in said(post) else 200)
    assert run(there, folder) == 1
    assert there.taken == ids(0, 1, 2, 4, 5, 6, 7, 8)
    assert capsys.readouterr().err == "1 span the receiver did not want: HTTP 413\n"


def said(post: Any) -> list[str]:
    return [span.span_id.hex() for span in post.spans]


def test_partial_success(there: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write(tmp_path / "logs", known(0), known(1))
    there.replies = [partial(1, "too old")]
    assert run(there, folder) == 1
    assert capsys.readouterr().err == "1 span the receiver did not want: too old\n"
    assert run(there, folder) == 0
    assert len(there.posts) == 1


def test_since_and_until(there: StandIn, tmp_path: Path):
    times = ("2026-11-20T23:59:59.999999Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")
    folder = write(tmp_path / "logs", *(known(n, timestamp=at) for n, at in enumerate(times)))
    assert run(there, folder, "--since", "2026-11-21", "--until", "2026-11-22") == 0
    assert there.taken == ids(1)


def test_a_time_that_ends_before_it_begins(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path, known(0))
    assert run(there, folder, "--since", "2026-11-22", "--until", "2026-11-21") == 2
    assert capsys.readouterr().err == "--since 2026-11-22 is not before --until 2026-11-21\n"
    assert there.posts == []


def test_a_state_serves_one_replay(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path / "logs", known(0))
    state = ("--state", tmp_path / "state")
    assert run(there, folder, *state, "--since", "7d") == 0
    assert run(there, folder, *state) == 2
    assert "is of a replay --since 7d, not without --since" in capsys.readouterr().err
    assert main(["replay", str(folder), "--to", "http://other:1", *map(str, state)]) == 2
    assert "is of a replay to http://127.0.0.1" in capsys.readouterr().err
    mine = tmp_path / "notes"
    mine.write_text("mine")
    assert run(there, folder, "--state", mine) == 2
    assert "is no state of a replay" in capsys.readouterr().err
    assert mine.read_text() == "mine"


def test_times_that_otlp_cannot_hold_are_named(there: StandIn, tmp_path: Path, capsys):
    times = ("9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2554-01-01T00:00:00Z")
    folder = write(tmp_path / "logs", *(known(n, timestamp=at) for n, at in enumerate(times)))
    write(folder, known(3, runtime_seconds=9e11), name="llm_trace_2026-11-22.jsonl")
    assert run(there, folder) == 0
    assert there.taken == ids(2, 3)
    assert there.posts[0].spans[1].start_time_unix_nano == 0
    said = "before 1970 or after 2554, where OTLP has no time"
    assert [said in one for one in capsys.readouterr().err.splitlines()] == [False, True, True]


def test_a_key_in_the_address_is_sent_and_not_kept(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path / "logs", known(0))
    to = ["replay", str(folder), "--to", f"{there.url}/otlp?key=s3cret"]
    assert main(to) == 0
    assert [post.path for post in there.posts] == ["/otlp/v1/traces?key=s3cret"]
    (state,) = folder.glob("*.state")
    assert b"s3cret" not in state.read_bytes()
    assert main(to) == 0
    assert len(there.posts) == 1
    assert main(["replay", str(folder), "--to", f"{there.url}/otlp?key=other"]) == 0
    assert len(there.posts) == 2  # another key may lead to another place
    assert main([*to[:-1], f"{there.url}/otlp?key=n3w", "--state", str(state)]) == 2
    err = capsys.readouterr().err
    assert "is of a replay to" in err
    assert not any(key in err for key in ("s3cret", "n3w"))


def test_what_is_waited_for_is_said_once(there: StandIn, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    there.replies = [Reply(503, {"Retry-After": "0"})] * 3
    folder = write(tmp_path / "logs", known(0))
    assert run(there, folder, "--state", tmp_path / "state") == 0
    host = there.url.removeprefix("http://")
    assert capsys.readouterr().err == (
        f"waiting for {host} (HTTP 503): each request is tried again for 5 minutes; Ctrl-C stops, "
        "and the same command goes on\n"
    )


def test_relative_moments_stay_those_of_the_first_run(there: StandIn, tmp_path: Path):
    folder = write(tmp_path / "logs", known(0, timestamp="2020-01-01T00:00:00Z"))
    state = tmp_path / "state"
    assert run(there, folder, "--state", state, "--since", "1d") == 0
    head = json.loads(state.read_bytes().splitlines()[0])
    head["from_moment"] = "2019-01-01T00:00:00.000000Z"
    state.write_text(json.dumps(head).replace(" ", "") + "\n")
    assert run(there, folder, "--state", state, "--since", "1d") == 0
    assert there.taken == ids(0)


def test_two_at_once_are_one_too_many(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path / "logs", known(0))
    codes: list[int] = []

    def reply(post: Any) -> Reply:
        codes.append(run(there, folder))
        return Reply()

    there.reply = reply
    assert run(there, folder) == 0
    assert codes == [2]
    assert there.taken == ids(0)


def test_a_dry_run_sends_and_keeps_nothing(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path / "logs", known(0), known(1))
    assert run(there, folder, "--dry-run") == 0
    assert capsys.readouterr().out == "2 spans of 1 file would be sent\n"
    assert there.posts == []
    assert [path.name for path in folder.iterdir()] == ["llm_trace_2026-11-21.jsonl"]


def test_what_is_no_call_is_named(there: StandIn, tmp_path: Path, capsys):
    folder = write(tmp_path / "logs", known(0), "torn", GAP, '{"a":1}', known(1))
    path = folder / "llm_trace_2026-11-21.jsonl"
    assert run(there, folder, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["passed_over"]["gaps"] == 1
    assert err.splitlines() == [
        "3 calls could not be written to the files when they were made",
        "passed over: 2 lines",
        f"  {path}:2: torn",
        f"  {path}:4: foreign",
    ]
    assert there.taken == ids(0, 1)


def test_the_service_is_the_one_that_is_named(there: StandIn, tmp_path: Path, monkeypatch):
    folder = write(tmp_path / "logs", known(0))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-env")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod")
    for number, more in enumerate(((), ("--service", "shop"))):
        run(there, folder, "--state", tmp_path / str(number), *more)
    found = [
        {
            one.key: one.value.string_value
            for one in post.request.resource_spans[0].resource.attributes
        }
        for post in there.posts
    ]
    assert [one["service.name"] for one in found] == ["from-env", "shop"]
    assert found[0]["deployment.environment.name"] == "prod"
    assert "service.instance.id" not in found[0]
    scope = there.posts[0].request.resource_spans[0].scope_spans[0].scope
    assert scope.name == "costspan"


def test_the_rate_is_kept(there: StandIn, tmp_path: Path, monkeypatch):
    """Without waiting: at 2 a second the tenth span may be sent five seconds after the first."""
    monkeypatch.setattr(replay, "BATCH", 5)
    slept: list[float] = []
    clock = SimpleNamespace(sleep=slept.append, monotonic=lambda: 100.0)
    monkeypatch.setattr(replay, "time", clock)  # not the module's own: other threads sleep, too
    folder = write(tmp_path / "logs", *(known(n) for n in range(10)))
    assert run(there, folder, "--rate", "2") == 0
    assert slept == [2.5, 5.0]


class TestSpans:
    """Files of spans go as they are: all spans, parents, resources and scopes."""

    def folder(self, tmp_path: Path) -> Path:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(JsonlSpanExporter(tmp_path / "logs")))
        tracer = provider.get_tracer("app", "2", attributes={"scope": "yes"})
        with tracer.start_as_current_span("outer") as outer:
            outer.add_event("told", {"list": [1, 2]}, timestamp=5)
            with tracer.start_as_current_span("inner", attributes={"f": 0.5, "b": True}) as inner:
                inner.record_exception(ValueError("no"))
                inner.add_link(outer.get_span_context(), {"why": "so"})
        provider.shutdown()
        return tmp_path / "logs"

    def test_they_arrive_as_they_are(self, there: StandIn, tmp_path: Path):
        folder = self.folder(tmp_path)
        assert run(there, folder) == 0
        inner, outer = there.posts[0].spans
        assert (inner.name, outer.name) == ("inner", "outer")
        assert inner.trace_id == outer.trace_id
        assert inner.parent_span_id == outer.span_id
        assert {one.key for one in inner.attributes} == {"f", "b"}
        assert outer.events[0].time_unix_nano == 5
        assert inner.links[0].span_id == outer.span_id
        group = there.posts[0].request.resource_spans[0]
        assert {one.key for one in group.resource.attributes} >= {"service.name"}
        assert (group.scope_spans[0].scope.name, group.scope_spans[0].scope.version) == ("app", "2")
        there.taken.clear()
        assert run(there, folder) == 0
        assert there.taken == []

    def test_both_kinds_need_a_word(self, there: StandIn, tmp_path: Path, capsys):
        folder = self.folder(tmp_path)
        write(folder, known(0))
        assert run(there, folder) == 2
        assert "say --from calls or --from spans" in capsys.readouterr().err
        assert run(there, folder, "--from", "spans") == 0
        assert len(there.taken) == 2
        assert run(there, folder, "--from", "calls") == 0
        assert len(there.taken) == 3

    def test_a_time_is_that_of_each_span(self, tmp_path: Path):
        (path,) = self.folder(tmp_path).iterdir()
        ends = []
        for text in path.read_bytes().splitlines():
            (group,) = resource_spans_of(text, 0, 2**63)
            ends += [span.end_time_unix_nano for span in group.scope_spans[0].spans]
            assert spans_in(resource_spans_of(text, ends[-1], ends[-1] + 1)) == 1
            assert spans_in(resource_spans_of(text, ends[-1] + 1, 2**63)) == 0
            assert spans_in(resource_spans_of(text, 0, ends[-1])) == 0
        assert len(ends) == 2

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            (b"torn", "torn"),
            (b"[]", "foreign"),
            (b'{"a":1}', "foreign"),
            (b'{"resourceSpans":5}', "foreign"),
            (b'{"resourceSpans":[5]}', "foreign"),
            (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"xyz"}]}]}]}', "foreign"),
            (b'{"resourceSpans":[],"kind":"gap"}', "record"),
        ],
    )
    def test_other_lines(self, text: bytes, what: str):
        assert resource_spans_of(text, 0, 2**63) == what


def test_memory_does_not_grow_while_nothing_is_sent(tmp_path: Path, monkeypatch):
    """Lines out of the time are noted in batches too."""
    monkeypatch.setattr(replay, "_BATCH_LINES", 3)
    folder = write(tmp_path / "logs", *(known(n) for n in range(10)))
    state = tmp_path / "state"
    arguments = ["replay", str(folder), "--to", "http://127.0.0.1:1", "--since", "2026-11-22"]
    assert main([*arguments, "--state", str(state)]) == 0
    assert len(state.read_bytes().splitlines()) == 1 + 4
