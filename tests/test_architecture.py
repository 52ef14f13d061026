"""The rules of the house, held over the source."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "costspan"
TREES = {
    path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
}
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
TABLES = {"line_of"}
"""One call with a line for each field: longer, and no harder to read."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for name, tree in TREES.items():
        yield from ((name, node) for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines of a function, its docstring left out."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def test_the_source_is_found():
    assert len(TREES) > 40


def test_a_file_has_one_subject():
    lengths = {name: len((SOURCE / name).read_text().splitlines()) for name in TREES}
    assert {n: lines for n, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_a_file_says_what_it_is():
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_file_is_named_for_nothing_in_particular():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert [n for n in TREES if set(re.split(r"[/.]", n)) & vague] == []


def test_a_function_fits_the_eye():
    lengths = {f"{name}:{f.name}": length(f) for name, f in functions() if f.name not in TABLES}
    assert {f: lines for f, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}
    assert sum(lines < 25 for lines in lengths.values()) > 0.95 * len(lengths)


def test_what_others_use_says_what_it_does():
    """Every function and class that a file shows has a docstring; `testing` speaks for itself."""
    silent = []
    for name, tree in TREES.items():
        for node in tree.body:
            shown = isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
            if shown and not name.startswith("testing/") and not ast.get_docstring(node):
                silent.append(f"{name}:{node.name}")
    assert silent == []


def handlers(kind: str) -> Iterator[tuple[str, ast.ExceptHandler]]:
    """Every `except` of a kind; one that names none catches everything."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and not name.startswith("testing/"):
                caught = ast.unparse(node.type) if node.type else "BaseException"
                if re.search(rf"\b{kind}\b", caught):
                    yield name, node


def test_faults_are_swallowed_in_one_place():
    assert {name for name, _ in handlers("Exception")} == {"guard.py"}


def test_whoever_catches_everything_raises_it_again():
    """But for the shells of generators, which throw it on into the generator inside."""
    kept = [
        f"{name}:{handler.lineno}"
        for name, handler in handlers("BaseException")
        if not any(isinstance(node, ast.Raise) and not node.exc for node in ast.walk(handler))
    ]
    assert [place for place in kept if not place.startswith("attributed.py:")] == []
    assert len(kept) == 2


def texts(tree: ast.Module) -> set[str]:
    """Every string that is no docstring."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    }


def test_attribute_names_are_spelled_in_one_place():
    dotted = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+\.?|gen_ai\..*")
    names = {
        text
        for name, tree in TREES.items()
        for text in texts(tree)
        if name.startswith("semconv/") and dotted.fullmatch(text)
    }
    assert {"gen_ai.usage.input_tokens", "session.id", "costspan.budget.scope"} <= names
    elsewhere = {
        f"{name}: {text}"
        for name, tree in TREES.items()
        if not name.startswith(("semconv/", "testing/"))
        for text in texts(tree)
        if (text in names and not is_metric(name, text))
        or (text.startswith("gen_ai.") and not is_others(name, text))
    }
    assert elsewhere == set()


def is_others(name: str, text: str) -> bool:
    """Names of metrics stand where the metrics are, names that others write in their table."""
    if name == "instrumentation/metrics.py":
        return text.startswith("gen_ai.client.")
    return name == "cost/foreign/dialect_table.py"


def is_metric(name: str, text: str) -> bool:
    """A gauge may be called as the attribute that tells the same of one alert."""
    return name == "instrumentation/gauges.py" and text.startswith("costspan.budget.")


def test_the_floors_of_the_house_hold():
    """The import contracts of pyproject.toml."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
