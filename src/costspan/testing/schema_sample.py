"""A minimal instance of a JSON schema, for structured output and tool arguments."""

from __future__ import annotations

from typing import Any

_SCALARS: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}


def _resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Follow `$ref: #/a/b`; take the first branch of anyOf, oneOf and allOf."""
    while True:
        if "$ref" in schema:
            target: Any = root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target[step]
            schema = target
            continue
        branches = next((schema[k] for k in ("anyOf", "oneOf", "allOf") if schema.get(k)), None)
        if branches is None:
            return schema
        schema = branches[0]


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    # Gemini writes types in capitals, and a nullable type is a list.
    return str(kind[0] if isinstance(kind, list) else kind).lower()


def _instance(schema: dict[str, Any], root: dict[str, Any], text: str) -> object:
    schema = _resolve(schema, root)
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = _kind(schema)
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: _instance(value, root, text) for key, value in properties.items()}
    if kind == "array":
        item = _instance(schema.get("items", {}), root, text)
        return [item] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return schema.get("minimum", _SCALARS[kind])
    return _SCALARS.get(kind, text)


def sample(schema: dict[str, Any], text: str) -> object:
    """A value that fits the schema; every free string in it is `text`. No recursion in schemas."""
    return _instance(schema, schema, text)
