"""Says in words where a span leaves the GenAI conventions that costspan follows.

The facts stand in `facts.json`, with their sources; this file only applies them. A span is held
to its own operation's entry there, and every attribute outside `costspan.*` to the table.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

Attributes = Mapping[str, Any]
Rule = Callable[[ReadableSpan, Attributes], Iterator[str]]


class AttributeFact(TypedDict):
    """What is known of one attribute."""

    type: str
    source: str
    enum: NotRequired[list[str]]
    closed: NotRequired[bool]
    custom: NotRequired[list[str]]
    true_or_absent: NotRequired[bool]


class SpanFact(TypedDict):
    """What is known of the span of one operation; `forbidden` holds names and `prefix.*`."""

    kind: str
    name: str
    source: str
    required: list[str]
    conditionally_required: dict[str, str]
    recommended: list[str]
    opt_in: list[str]
    forbidden: list[str]


class Subset(TypedDict):
    """Token counts that together are at most another one."""

    parts: list[str]
    total: str


class Content(TypedDict):
    """Which item each content attribute lists, and the fields of items and message parts."""

    attributes: dict[str, str]
    fields: dict[str, dict[str, str]]
    parts: dict[str, dict[str, str]]


class Facts(TypedDict):
    """The whole of `facts.json`."""

    attributes: dict[str, AttributeFact]
    elsewhere: dict[str, str]
    deprecated: dict[str, str | None]
    needs: dict[str, list[str]]
    subsets: list[Subset]
    content: Content
    spans: dict[str, SpanFact]


FACTS: Facts = json.loads(Path(__file__).with_name("facts.json").read_text("utf-8"))


def check(span: ReadableSpan) -> list[str]:
    """Every violation of the conventions on a finished span, each in words; empty if none."""
    attributes = span.attributes or {}
    return [violation for rule in RULES for violation in rule(span, attributes)]


# --- single attributes


def _fact(name: str) -> AttributeFact | None:
    """The fact of an attribute, that of its template if the name is `<template>.<key>`."""
    for known, fact in FACTS["attributes"].items():
        template = fact["type"].startswith("template[")
        if name.startswith(f"{known}.") if template else name == known:
            return fact
    return None


def _names(_: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    for name in attributes:
        if name in FACTS["deprecated"]:
            successor = FACTS["deprecated"][name]
            yield f"{name} is deprecated, " + (f"use {successor}" if successor else "no successor")
        elif not name.startswith("costspan.") and _fact(name) is None:
            yield f"{name} is not an attribute of the conventions"


def _has_type(value: object, wanted: str) -> bool:
    """Whether a value has exactly the type: bool is no int, and an int is no double."""
    if wanted == "any":
        return True
    if wanted == "string[]":
        return type(value) is tuple and all(type(item) is str for item in value)
    scalar = {"string": str, "int": int, "double": float, "boolean": bool}
    return type(value) is scalar[wanted.removeprefix("template[").removesuffix("]")]


def _values(_: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    for name, value in attributes.items():
        fact = _fact(name)
        if fact is None:
            continue
        if not _has_type(value, fact["type"]):
            yield f"{name} is {value!r}, not of type {fact['type']}"
        elif not _is_member(value, fact):
            yield f"{name} is {value!r}, which is not among its values"
        elif fact.get("true_or_absent") and value is not True:
            yield f"{name} is {value!r}, but may only be True or absent"


def _is_member(value: object, fact: AttributeFact) -> bool:
    """Whether a value is well-known, an allowed custom one, or the enum is open to any."""
    if fact.get("closed") or "custom" in fact:
        return value in (*fact.get("enum", ()), *fact.get("custom", ()))
    return True


# --- attributes together


def _needs(_: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    for name, others in FACTS["needs"].items():
        for other in others:
            if name in attributes and other not in attributes:
                yield f"{name} is set without {other}"


def _port(_: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    if attributes.get("server.port") == 443:
        yield "server.port is 443, the default, which is left out"


def _usage(_: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    numbers = {
        name: value
        for name, value in attributes.items()
        if name.startswith("gen_ai.usage.") and type(value) in (int, float)
    }
    yield from (f"{name} is {number}" for name, number in numbers.items() if not number >= 0)
    for subset in FACTS["subsets"]:
        parts = [part for part in subset["parts"] if part in numbers]
        total = numbers.get(subset["total"])
        if not parts:
            continue
        if total is None:
            yield f"{' + '.join(parts)} is set without {subset['total']}"
        elif sum(numbers[part] for part in parts) > total:
            yield f"{' + '.join(parts)} is more than {subset['total']}"


# --- the span as a whole


def _operation(span: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    operation = attributes.get("gen_ai.operation.name")
    if operation is None:
        yield "the required attribute gen_ai.operation.name is absent"
    elif not isinstance(operation, str) or operation not in FACTS["spans"]:
        yield f"the facts describe no span of the operation {operation!r}"
    else:
        yield from _shape(span, attributes, FACTS["spans"][operation])


def _shape(span: ReadableSpan, attributes: Attributes, fact: SpanFact) -> Iterator[str]:
    """Kind, name, required and forbidden attributes of the operation's span."""
    if span.kind.name != fact["kind"]:
        yield f"the kind is {span.kind.name}, not {fact['kind']}"
    name = _span_name(fact["name"], attributes)
    if span.name != name:
        yield f"the name is {span.name!r}, not {name!r}"
    for required in fact["required"]:
        if attributes.get(required) in (None, ""):
            yield f"the required attribute {required} is absent"
    for attribute in attributes:
        if any(_matches(attribute, pattern) for pattern in fact["forbidden"]):
            yield f"{attribute} may not be on this span"


def _span_name(template: str, attributes: Attributes) -> str:
    """The template filled in; what is absent leaves nothing, not even its space."""
    known = {**attributes, "operation": attributes["gen_ai.operation.name"]}
    return re.sub(r"\{(.+?)\}", lambda field: str(known.get(field[1], "")), template).strip()


def _matches(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern


def _status(span: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    status = span.status.status_code
    if status is StatusCode.OK:
        yield "the status is OK; the conventions leave it UNSET on success"
    if status is StatusCode.ERROR and "error.type" not in attributes:
        yield "the status is ERROR without error.type"
    if status is not StatusCode.ERROR and "error.type" in attributes:
        yield f"error.type is set, but the status is {status.name}"


# --- message content


def _content(_: ReadableSpan, attributes: Attributes) -> Iterator[str]:
    for name, kind in FACTS["content"]["attributes"].items():
        if name in attributes:
            yield from (f"{name}{fault}" for fault in _list_faults(attributes[name], kind))


def _list_faults(value: object, kind: str) -> Iterator[str]:
    """What is wrong with the JSON text of a list of messages, instructions or tools."""
    try:
        items = json.loads(value, parse_constant=_no_json) if type(value) is str else None
    except ValueError as error:
        yield f" is not JSON: {error}"
        return
    if not isinstance(items, list):
        yield " is not a JSON array in a string"
        return
    for index, item in enumerate(items):
        yield from _item_faults(item, kind, f"[{index}]")


def _no_json(constant: str) -> None:
    raise ValueError(constant)


def _item_faults(item: object, kind: str, where: str) -> Iterator[str]:
    faults = list(_field_faults(item, FACTS["content"]["fields"][kind], where))
    yield from faults
    if faults or not isinstance(item, dict):
        return
    if kind == "instruction" and item["type"] != "text":
        yield f"{where}.type is {item['type']!r}, but instructions are text"
    for index, part in enumerate(item["parts"] if kind == "message" else ()):
        yield from _part_faults(part, f"{where}.parts[{index}]")


def _part_faults(part: object, where: str) -> Iterator[str]:
    """What is wrong with a message part; one of an unknown type needs nothing but the type."""
    kind = part.get("type") if isinstance(part, dict) else None
    known = FACTS["content"]["parts"].get(kind, {}) if isinstance(kind, str) else {}
    yield from _field_faults(part, {"type": "string", **known}, where)


def _field_faults(item: object, fields: dict[str, str], where: str) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{where} is not an object"
        return
    for name, wanted in fields.items():
        if wanted.endswith("?") and item.get(name) is None:
            continue
        if name not in item:
            yield f"{where}.{name} is absent"
        elif not _has_json_type(item[name], wanted.removesuffix("?")):
            yield f"{where}.{name} is not of type {wanted}"


def _has_json_type(value: object, wanted: str) -> bool:
    if wanted == "typed":
        return isinstance(value, dict) and isinstance(value.get("type"), str)
    return isinstance(value, {"string": str, "array": list, "any": object}[wanted])


RULES: tuple[Rule, ...] = (
    _names,
    _values,
    _needs,
    _port,
    _usage,
    _operation,
    _status,
    _content,
)
