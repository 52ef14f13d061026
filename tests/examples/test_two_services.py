"""Two services in two processes: one trace, its cost by one query, one limit over both."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from costspan import cli
from tests.examples.test_budget_examples import printed_by, run

SPOKEN = "The local model server answers request "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Where it ran, and what it printed.

    On a machine that is busy with other tests the store may miss its 0.25 seconds, and costspan
    says so: such a run counts for nothing.
    """
    for _ in range(5):
        path = tmp_path_factory.mktemp("two_services")
        done = run("two_services.py", path, OTEL_EXPORTER_OTLP_ENDPOINT="")
        if "the store (sqlite) is down" not in done.stderr:
            break
    return path, sorted(printed_by(done))


def spans_in(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Each span with the service that made it."""
    found = []
    for path in (folder / "logs").glob("otlp_trace_*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                service = told(resource["resource"])["service.name"]
                found += [
                    (service, one) for scope in resource["scopeSpans"] for one in scope["spans"]
                ]
    return found


def told(holder: dict[str, Any]) -> dict[str, Any]:
    """Attributes of OTLP's JSON, each value without its kind."""
    return {one["key"]: next(iter(one["value"].values())) for one in holder.get("attributes", ())}


def test_the_third_question_is_refused_with_402(folder: tuple[Path, list[str]]) -> None:
    """A chat is 8,750 millionths of a dollar, a vector 20: of 30,000 there is room for three chats
    and three vectors, and none for the 7,000 and some that a fourth chat may take.
    """
    alert, trace, third, first, second = folder[1]

    assert alert == f"alert: one trace {trace.removeprefix('trace ')} is blocked"
    assert first.startswith(f"what is a span?  {SPOKEN}")
    assert second.startswith(f"what is a trace?  {SPOKEN}")
    assert third == "what is a metric?  HTTP 402: one trace has used 0.02631 USD"


def test_all_spans_of_both_are_one_trace(folder: tuple[Path, list[str]]) -> None:
    path, printed = folder
    spans = spans_in(path)
    names = sorted(f"{service}: {span['name']}" for service, span in spans)

    assert {span["traceId"] for _, span in spans} == {printed[1].removeprefix("trace ")}
    assert names == sorted(
        ["writer: article", "writer: chat gpt-5.2"]
        + ["writer: POST", "researcher: POST /research"] * 3
        + ["researcher: embeddings text-embedding-3-small", "researcher: search passages"] * 3
        + ["researcher: chat gpt-5.2"] * 3
    )
    parents = {span["spanId"]: (service, span["name"]) for service, span in spans}
    served = [span for _, span in spans if span["name"] == "POST /research"]
    assert {parents[span["parentSpanId"]] for span in served} == {("writer", "POST")}
    assert sorted(int(told(span)["http.response.status_code"]) for span in served) == [
        200,
        200,
        402,
    ]


def test_each_call_says_whose_it_is(folder: tuple[Path, list[str]]) -> None:
    calls = [
        (service, told(span)["gen_ai.agent.name"])
        for service, span in spans_in(folder[0])
        if span["name"].startswith(("chat", "embeddings"))
    ]

    assert set(calls) == {("writer", "writer"), ("researcher", "researcher")}
    assert len(calls) == 7


def test_the_traces_cost_by_one_query(
    folder: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Three chats at 8,750 millionths of a dollar and three vectors at 20; one call was refused."""
    path, printed = folder

    assert cli.main(["report", str(path / "logs"), "--by", "trace", "--json"]) == 0

    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["trace"] == printed[1].removeprefix("trace ")
    assert (row["calls"], row["errors"], row["cost_usd"]) == (7, 1, 0.02631)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_pages_expression_over_jaegers_answer(folder: tuple[Path, list[str]]) -> None:
    """Over the example's spans in the form of Jaeger's query API: `data[].spans[].tags[]`."""
    page = (Path(__file__).parents[2] / "docs" / "services.md").read_text("utf-8")
    (written,) = re.findall(r"\\\| jq '(.+?)'`", page)
    spans = [
        {"tags": [{"key": key, "value": value} for key, value in told(span).items()]}
        for _, span in spans_in(folder[0])
    ]

    done = subprocess.run(
        ["jq", written.replace("\\|", "|")],
        input=json.dumps({"data": [{"spans": spans}]}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert float(done.stdout) == pytest.approx(0.02631, abs=1e-12)


def test_the_page_shows_what_the_example_prints(folder: tuple[Path, list[str]]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "services.md").read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```$", page, re.M | re.S)

    assert sorted(map(lasting, shown.splitlines())) == sorted(map(lasting, folder[1]))


def lasting(line: str) -> str:
    """A line without what is another in each run: ids of requests and of traces."""
    return re.sub(r"\b([0-9a-f]{32}|[0-9a-f]{8})\b", "ID", line)
