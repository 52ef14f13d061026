"""The Anthropic SDK warns of models that end: the warning must go on blaming the caller's line."""

from dataclasses import replace
from importlib import import_module
from uuid import uuid4

import pytest

from tests.matrix import play
from tests.matrix.cells import Cell, matrix
from tests.matrix.driver import Bench

DEPRECATED = sorted(
    import_module("anthropic.resources.messages.messages").DEPRECATED_MODELS,
)
CELLS = [
    replace(cell, method=replace(cell.method, asked=cell.method.asked | {"model": DEPRECATED[0]}))
    for cell in matrix().cells
    if cell.method.path == "/v1/messages" and cell.ending == "read" and cell.form.via == "direct"
]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_deprecated_model_blames_the_same_line(cell: Cell, bench: Bench) -> None:
    """One that blamed a line of costspan would be hidden by the default filters."""
    nonce = uuid4().hex[:31]

    bare = bench.bare(cell, nonce)
    run, _, spans = bench.instrumented(cell, nonce)

    kinds = [category for category, _, _, _ in bare.seen.warnings]
    assert DeprecationWarning in kinds
    assert run.seen.warnings == bare.seen.warnings
    if cell.method.verb == "create" and not cell.is_async:
        assert {filename for _, _, filename, _ in run.seen.warnings} == {play.__file__}
    assert len(spans) == cell.method.calls
