"""Phoenix: OTLP over HTTP on the address of its pages; REST for spans, GraphQL for its costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.judges.asking import asked
from tests.judges.seen import Seen, Verdict
from tests.third_party.processes import free_port, serving

NAME = "phoenix"
PATIENCE = 420.0

_COSTS = """{ projects { edges { node { name spans(first: 100) { edges { node {
    spanId costSummary { total { cost } } } } } costSummary { total { cost } } } } } }"""


@contextmanager
def running(environment: Path, folder: Path) -> Iterator[str]:
    """The server, on free ports, with a folder of its own; gives its address."""
    port = free_port()
    environ = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    program = [str(environment / "bin" / "phoenix"), "serve"]
    with serving(program, port, folder / "phoenix.log", environ, PATIENCE):
        yield f"http://127.0.0.1:{port}"


def variables(address: str) -> dict[str, str]:
    """What a user sets, as Phoenix's page on its endpoints says."""
    return {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{address}/v1/traces"}


def verdict(address: str, trace_id: str, count: int) -> Verdict | None:
    """What it says of a trace; None while it does not have all its spans."""
    found = asked(f"{address}/v1/projects/default/spans?limit=100")
    rows = [] if found is None else found["data"]
    spans = [one for one in rows if one["context"]["trace_id"] == trace_id]
    costs, total = _costs(address) if len(spans) >= count else ({}, None)
    if total is None:
        return None
    attributes = [one["attributes"] for one in spans]
    prompts = [told.get("llm.token_count.prompt") for told in attributes]
    return Verdict(
        spans={one["context"]["span_id"]: _seen(one, costs) for one in spans},
        total_cost=total,
        total_input_tokens=sum(number or 0 for number in prompts),
        session=next((told["session.id"] for told in attributes if "session.id" in told), None),
        user=next((told["user.id"] for told in attributes if "user.id" in told), None),
    )


def _costs(address: str) -> tuple[dict[str, float | None], float | None]:
    """What it worked out for each span, and for all together; it does so after it took them."""
    answer = asked(f"{address}/graphql", {"query": _COSTS})
    projects = [] if answer is None else answer["data"]["projects"]["edges"]
    for project in (one["node"] for one in projects):
        if project["name"] == "default":
            nodes = [one["node"] for one in project["spans"]["edges"]]
            return {one["spanId"]: _cost(one) for one in nodes}, _cost(project)
    return {}, None


def _cost(node: dict[str, Any]) -> float | None:
    summary = node["costSummary"]
    return None if summary is None else summary["total"]["cost"]


def _seen(span: dict[str, Any], costs: dict[str, float | None]) -> Seen:
    told = span["attributes"]
    return Seen(
        kind=span["span_kind"],
        model=told.get("llm.model_name") or told.get("embedding.model_name"),
        input_tokens=told.get("llm.token_count.prompt"),
        output_tokens=told.get("llm.token_count.completion"),
        cache_read_tokens=told.get("llm.token_count.prompt_details.cache_read"),
        asked=_texts(told, "input"),
        answered=_texts(told, "output"),
        their_cost=costs.get(span["context"]["span_id"]),
        failed=span["status_code"] == "ERROR",
        attributes=told,
    )


def _texts(told: dict[str, Any], side: str) -> list[str]:
    found, index = [], 0
    while f"llm.{side}_messages.{index}.message.role" in told:
        message = f"llm.{side}_messages.{index}.message"
        name = f"{message}.tool_calls.0.tool_call.function.name"
        found.append(told.get(f"{message}.content", told.get(name)))
        index += 1
    return found
