"""The page of reconciliations: its tables hold what the code holds."""

import ast
import inspect
import json
from pathlib import Path

from costspan.report.reconciling import anthropic, aws, causes, openai, shown
from costspan.report.reconciling.comparing import compare
from costspan.report.reconciling.recognising import read
from tests.report.folders import write
from tests.report.reconciling.exports import cost, openai_costs, write_json
from tests.test_docs import TEXTS, first_cells

OF_THE_WHOLE = {"credit", "tax", "fee", "more pages"}


def called(module: object, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module)))  # type: ignore[arg-type]
             if isinstance(node, ast.Call)]  # fmt: skip
    return [call for call in calls if getattr(call.func, "id", None) == name]


def test_the_causes():
    words = {call.args[0].value for call in called(causes, "Cause")
             if isinstance(call.args[0], ast.Constant)}  # fmt: skip
    assert set(first_cells("reconcile.md", "cause")) == words - OF_THE_WHOLE


def test_the_exports():
    shapes = {call.args[0].value for module in (anthropic, aws, openai)
              for call in called(module, "statement_of")}  # type: ignore[attr-defined] # fmt: skip
    table = TEXTS["reconcile.md"].split("| export |")[1].split("\n\n")[0]
    assert {row.split("|")[1].strip() for row in table.splitlines()[2:]} == shapes


def test_the_keys_of_the_json(tmp_path: Path):
    path = write_json(tmp_path / "x", openai_costs([cost(1, "gpt-5")]))
    found = json.loads(shown.as_json(compare([write(tmp_path / "logs")], read(path))))
    assert first_cells("reconcile.md", "key") == list(found)
    assert first_cells("reconcile.md", "key of a row") == list(found["rows"][0])
