"""An alert that fires reaches somebody: through a real Prometheus and a real Alertmanager."""

from __future__ import annotations

from pathlib import Path

from costspan.testing import LLMServer
from tests.dashboards.api import until
from tests.dashboards.ordered import Program
from tests.dashboards.servers import (
    alertmanager,
    needs_alertmanager,
    needs_prometheus,
    prometheus,
)
from tests.third_party.processes import free_port

pytestmark = [*needs_prometheus, needs_alertmanager]

MONTH, TRIAGE = "the budget the month of shop", "the budget triage of shop"
FIRED = {
    f"/on-call firing CostspanBudgetUsedUp: {MONTH} is used up (101%)",
    f"/on-call firing CostspanBudgetUsedUp: {TRIAGE} is used up (100%)",
    f"/on-call firing CostspanCallsRefused: {TRIAGE} refused 3 calls in ten minutes",
    "/team firing CostspanUnpricedModel: no price for in-house-7b of openai: 2 calls in an hour",
}


def test_who_is_told(tmp_path: Path, server: LLMServer) -> None:
    """Two rounds of calls: what wakes somebody goes to one webhook, the rest to the other.

    Prometheus starts after them, as Alertmanager tells an alert once and not with each new number.
    """
    port = free_port()
    with Program(["pull", str(port)], server) as program:
        program.round()
        program.round()
        with (
            alertmanager(tmp_path) as (manager, received),
            prometheus(tmp_path, port, job="shop", alertmanager=manager),
        ):
            until(lambda: set(received.read_text().splitlines()) >= FIRED, received.read_text)
