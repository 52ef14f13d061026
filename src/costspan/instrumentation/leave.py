"""Leave for a call: asked of the budgets before any byte is sent."""

from __future__ import annotations

from costspan.call import REFUSED
from costspan.elsewhere import elsewhere
from costspan.errors import BudgetExceeded, CostspanError
from costspan.guard import quietly
from costspan.instrumentation.observation import Observation

_ASKING_LEAVE = quietly("asking leave for a call")


def admit(observation: Observation) -> None:
    """Ask for leave to make the call; a refusal ends the span and is raised.

    A fault of our own in asking is no refusal: the call goes on, and so does its span.

    Raises:
        BudgetExceeded: the call is not to be made.
    """
    costs = observation.wiring.costs
    if costs is None:
        return
    try:
        with _ASKING_LEAVE:
            trace_id = observation.span.get_span_context().trace_id
            observation.reservation = costs.admit(observation.request, observation.who, trace_id)
    except CostspanError as exc:
        _refused(observation, exc)
        raise


async def admit_waiting(observation: Observation) -> None:
    """As `admit`, off the event loop where a store may have to be waited for.

    From here on, so may the end of the call.
    """
    if not observation.wiring.waits:
        admit(observation)
        return
    observation.waits = True
    await elsewhere(lambda: admit(observation))


def _refused(observation: Observation, exc: CostspanError) -> None:
    observation.reservation = REFUSED
    observation.unbilled = True
    observation.waits = False  # this thread may wait, and the caller is waiting for it
    observation.fail(exc)
    if isinstance(exc, BudgetExceeded):
        observation.told(exc.alerts)
    observation.finish()
