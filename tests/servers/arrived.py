"""Spans as a collector's file exporter wrote them: OTLP JSON, read back with Python's types."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.running import awaited
from tests.third_party.processes import PATIENCE


class Arrived(NamedTuple):
    """One span; its ids in hex, times in nanoseconds, attributes with their types."""

    trace_id: str
    span_id: str
    name: str
    kind: int
    start: int
    end: int
    status: int
    message: str
    attributes: dict[str, Any]
    resource: dict[str, Any]


def spans_in(path: Path) -> list[Arrived]:
    """Every span in the file; half a line at its end is not there yet."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [span for line in lines if line.endswith(b"\n") for span in _of_line(json.loads(line))]


def awaited_spans(path: Path, count: int, patience: float = PATIENCE) -> list[Arrived]:
    """The spans in the file, once there are at least so many."""

    def enough() -> list[Arrived] | None:
        found = spans_in(path)
        return found if len(found) >= count else None

    return awaited(enough, f"{count} spans in {path}", patience)


def _of_line(traces: Any) -> Iterator[Arrived]:
    for of_resource in traces.get("resourceSpans", []):
        resource = attributes_of(of_resource.get("resource", {}))
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                yield Arrived(
                    span["traceId"],
                    span["spanId"],
                    span["name"],
                    span["kind"],
                    int(span["startTimeUnixNano"]),
                    int(span["endTimeUnixNano"]),
                    span["status"].get("code", 0),
                    span["status"].get("message", ""),
                    attributes_of(span),
                    resource,
                )


def attributes_of(holder: Any) -> dict[str, Any]:
    """The attributes of a span or a resource; a list as a tuple, as spans keep them."""
    return {one["key"]: value_of(one["value"]) for one in holder.get("attributes", [])}


def value_of(value: Any) -> Any:
    ((kind, held),) = value.items()
    if kind == "arrayValue":
        return tuple(value_of(one) for one in held.get("values", []))
    if kind == "intValue":
        return int(held)
    return float(held) if kind == "doubleValue" else held


def typed(attributes: Any) -> dict[str, Any]:
    """Attributes with their types, as 1 == 1.0 == True."""
    return {name: (type(value), value) for name, value in attributes.items()}
