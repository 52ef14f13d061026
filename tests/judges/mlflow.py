"""MLflow's tracking server: OTLP over HTTP with the experiment in a header, and its REST API."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.judges.asking import asked
from tests.judges.seen import Seen, Verdict
from tests.third_party.processes import free_port, serving

NAME = "mlflow"
PATIENCE = 240.0


@contextmanager
def running(environment: Path, folder: Path) -> Iterator[str]:
    """The server, on a free port, with a database of its own; gives its address."""
    port = free_port()
    program = [
        *(str(environment / "bin" / "mlflow"), "server", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--default-artifact-root", str(folder / "artifacts")),
    ]
    environ = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with serving(program, port, folder / "mlflow.log", environ, PATIENCE):
        yield f"http://127.0.0.1:{port}"


def variables(address: str) -> dict[str, str]:
    """What a user sets, as MLflow's page on OpenTelemetry says."""
    return {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{address}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-mlflow-experiment-id=0",
    }


def verdict(address: str, trace_id: str, count: int) -> Verdict | None:
    """What it says of a trace; None while it does not have all its spans."""
    found = asked(f"{address}/api/3.0/mlflow/traces/get?trace_id=tr-{trace_id}")
    trace = {} if found is None else found.get("trace", {})
    if len(trace.get("spans", ())) < count:
        return None
    told = trace["trace_info"]["trace_metadata"]
    tokens = json.loads(told.get("mlflow.trace.tokenUsage", "{}"))
    return Verdict(
        spans={base64.b64decode(one["span_id"]).hex(): _seen(one) for one in trace["spans"]},
        total_cost=json.loads(told.get("mlflow.trace.cost", "{}")).get("total_cost"),
        total_input_tokens=tokens.get("input_tokens"),
        session=told.get("mlflow.trace.session"),
        user=told.get("mlflow.trace.user"),
    )


def _seen(span: dict[str, Any]) -> Seen:
    told = {one["key"]: _plain(one["value"]) for one in span["attributes"]}
    tokens = told.get("mlflow.chat.tokenUsage", {})
    return Seen(
        kind=told.get("mlflow.spanType"),
        model=told.get("mlflow.llm.model"),
        input_tokens=tokens.get("input_tokens"),
        output_tokens=tokens.get("output_tokens"),
        cache_read_tokens=tokens.get("cache_read_input_tokens"),
        asked=_texts(told.get("mlflow.spanInputs")),
        answered=_texts(told.get("mlflow.spanOutputs")),
        their_cost=told.get("mlflow.llm.cost", {}).get("total_cost"),
        failed=span.get("status", {}).get("code") == "STATUS_CODE_ERROR",
        attributes={name: value for name, value in told.items() if not name.startswith("mlflow.")},
    )


def _texts(messages: Any) -> list[str]:
    parts = [part for message in messages or () for part in message.get("parts", ())]
    return [part["content"] if part["type"] == "text" else part["name"] for part in parts]


def _plain(value: dict[str, Any]) -> Any:
    """A value of OTLP's JSON."""
    ((kind, held),) = value.items()
    if kind == "array_value":
        return [_plain(one) for one in held.get("values", ())]
    if kind == "kvlist_value":
        return {one["key"]: _plain(one["value"]) for one in held.get("values", ())}
    return held
