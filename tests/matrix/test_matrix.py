"""Every way of making a call and every way it can end: seen twice alike, and one span each."""

from uuid import uuid4

import pytest

from tests.conventions.checker import check
from tests.matrix.cells import Cell, matrix
from tests.matrix.cover import shortened
from tests.matrix.driver import Bench, faults_of_costspan
from tests.matrix.expected import expected, faults, tally_faults
from tests.matrix.report import mode

CELLS = matrix().cells if mode() == "all" else shortened(matrix().cells)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_cell(cell: Cell, bench: Bench) -> None:
    """The caller sees what it sees without costspan, and each request is one right span."""
    nonce, before = uuid4().hex[:31], faults_of_costspan()

    bare = bench.bare(cell, nonce)
    run, costs, spans = bench.instrumented(cell, nonce)

    assert run.seen.events == bare.seen.events
    assert run.seen.warnings == bare.seen.warnings
    assert run.seen.complaints == bare.seen.complaints
    assert run.context_kept
    assert faults_of_costspan() == before
    want = expected(cell)
    assert len(spans) == want.spans
    assert [fault for span in spans for fault in check(span)] == []
    assert [fault for span in spans for fault in faults(cell, span, run.seen.exception)] == []
    assert tally_faults(cell, spans, bench.served(nonce)) == []
    summary = costs.summary()
    assert summary.calls == want.spans
    assert summary.cost_usd == (want.usd or 0) * want.spans
