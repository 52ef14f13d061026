"""The JSON Schema of a line: shipped, and the same as the code and the page say."""

import json
import os
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import msgspec
import pytest

from costspan import LocalFiles
from costspan.call import NOT_BILLED, Cost
from costspan.export.auditing.audit import Mark
from costspan.export.calls import CallsFile
from costspan.export.gaps import Gap
from costspan.export.schema import SCHEMA_VERSION, Line, encoded
from tests.cost.calls import finished
from tests.export.auditing.audited import SECRET

NAME = f"calls_line.v{SCHEMA_VERSION}.schema.json"
PAGE = Path(__file__).parents[2] / "docs" / "calls-file.md"
JSON_TYPES = {"int": "integer", "array of string": "array", "null": "null"}
AUDIT = {
    "type": "object",
    "description": "The line's place in the chain of its writer, where the audit is switched on.",
    "properties": {
        "key": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
        "writer": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "seq": {"type": "integer", "minimum": 1},
        "mac": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
    "required": ["key", "writer", "seq", "mac"],
}


def documented() -> dict[str, dict]:
    """The fields as the page's table tells them."""
    found = {}
    for row in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 4 and (name := re.fullmatch(r"`(\w+)`", cells[0])):
            found[name[1]] = _field(*cells[1:])
    return found


def _field(types: str, unit: str, meaning: str) -> dict:
    words = [JSON_TYPES.get(word, word) for word in types.split(", ")]
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", "")
    field = {"type": words[0] if len(words) == 1 else words}
    if "array" in words:
        field["items"] = {"type": "string"}
    return field | {"description": f"{text} ({unit})" if unit else text}


def made() -> dict:
    """The schema, from the page for calls and from the code for what else stands in the file."""
    call = documented()
    call["schema"]["const"] = SCHEMA_VERSION
    others = {
        "gap": _plain(msgspec.json.schema(Gap)["$defs"]["Gap"], {"const": "gap"}),
        "mark": _plain(msgspec.json.schema(Mark)["$defs"]["Mark"], {"enum": ["opened", "closed"]}),
    }
    before = msgspec.json.schema(Mark)["$defs"]["Before"]
    others["mark"]["properties"]["before"] = {
        "type": "object",
        "properties": before["properties"],
        "required": before["required"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:costspan:calls-line:{SCHEMA_VERSION}",
        "title": f"A line of costspan's calls file, version {SCHEMA_VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in ("call", *others)],
        "$defs": {
            "call": {
                "description": "One call.",
                "type": "object",
                "properties": call | {"audit": {"$ref": "#/$defs/audit"}},
                "required": list(call),
                "not": {"required": ["kind"]},
            },
            **others,
            "audit": AUDIT,
        },
    }


def _plain(schema: dict, kind: dict) -> dict:
    text = " ".join(schema["description"].split())
    properties = schema["properties"] | {"kind": kind, "audit": {"$ref": "#/$defs/audit"}}
    properties["schema"] = {"const": SCHEMA_VERSION}
    return {
        "description": text,
        "type": "object",
        "properties": properties,
        "required": schema["required"],
    }


def shipped() -> dict:
    return json.loads((files("costspan.export") / NAME).read_text("utf-8"))


def test_what_is_shipped_is_what_page_and_code_say():
    """WRITE_DOCS=1 writes it anew."""
    if os.environ.get("WRITE_DOCS"):
        path = Path(str(files("costspan.export") / NAME))
        path.write_text(json.dumps(made(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert shipped() == made()


def test_the_page_has_the_types_of_the_code():
    code = msgspec.json.schema(Line)["$defs"]["Line"]["properties"]
    page = documented()
    assert list(page) == list(code)
    for name, field in code.items():
        types = {one["type"] for one in field.get("anyOf", [field]) if "type" in one}
        if name.endswith("_usd"):  # a number as it stands, whole or with decimals
            types = {"number", "null"}
        said = page[name]["type"]
        assert {said} if isinstance(said, str) else set(said) == types, name


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = shipped()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_real_lines_are_valid(validator: jsonschema.Draft202012Validator, tmp_path: Path):
    """Calls with everything and with nothing known, gaps, and what the audit writes."""
    file = CallsFile(LocalFiles(tmp_path / "logs", audit_key=SECRET))
    (tmp_path / "logs").touch()
    file(finished(), NOT_BILLED)  # lost
    (tmp_path / "logs").unlink()
    file(finished(agent="a", tags={"n": 1}, input_tokens=5), Cost(status="priced", total=1))
    file(finished(None), NOT_BILLED)
    file.close()
    file(finished(), NOT_BILLED)
    file.close()
    (path,) = (tmp_path / "logs").iterdir()
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    kinds = [line.get("kind") for line in lines]
    assert kinds == ["opened", "gap", None, None, "closed", "opened", None, "closed"]
    for line in lines:
        validator.validate(line)
    validator.validate(json.loads(encoded(finished(), Cost(status="unpriced", missing=("model",)))))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"cost_usd": "0.5"},
        {"input_tokens": 1.5},
        {"tags": None},
        {"missing": [1]},
        {"kind": "call"},
        {"audit": {"seq": 0}},
    ],
)
def test_what_is_no_line_is_refused(validator: jsonschema.Draft202012Validator, change: dict):
    line = json.loads(encoded(finished(), NOT_BILLED))
    validator.validate(line)
    assert not validator.is_valid(line | change)
    del line["agent"]
    assert not validator.is_valid(line)
