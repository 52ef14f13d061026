"""Leave for a call: asked of the budgets before any byte is sent."""

from __future__ import annotations

from concurrent.futures import Future

from costspan.call import Refused
from costspan.elsewhere import over, submit
from costspan.errors import BudgetExceeded, CostspanError
from costspan.guard import quietly
from costspan.instrumentation.observation import Observation

_ASKING_LEAVE = quietly("asking leave for a call")
_GIVING_BACK = quietly("giving back what was reserved for a call", even_asked_for=True)


def admit(observation: Observation) -> None:
    """Ask for leave to make the call; a refusal ends the span and is raised.

    A fault of our own in asking is no refusal: the call goes on, and so does its span.

    Raises:
        BudgetExceeded: the call is not to be made.
    """
    costs = observation.wiring.costs
    if costs is None or not observation.wiring.asks_leave:
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
    asking = submit(lambda: admit(observation))
    try:
        await over(asking)
    except CostspanError:
        raise
    except BaseException as exc:  # cancelled, or closed: the call is not made
        stopped = exc
        asking.add_done_callback(lambda asked: _stopped(observation, asked, stopped))
        raise


def _stopped(observation: Observation, asked: Future[None], exc: BaseException) -> None:
    """Whoever asked did not wait for the answer: what was reserved is given back, off any loop."""
    if asked.exception() is None:
        submit(lambda: _give_back(observation, exc))


def _give_back(observation: Observation, exc: BaseException) -> None:
    with _GIVING_BACK:
        costs, reservation = observation.wiring.costs, observation.reservation
        if costs is not None and reservation is not None:
            costs.release(reservation)
        _not_made(observation, exc)
        observation.finish()


def _refused(observation: Observation, exc: CostspanError) -> None:
    _not_made(observation, exc)
    if isinstance(exc, BudgetExceeded):
        observation.told(exc.alerts)
    observation.finish()


def _not_made(observation: Observation, exc: BaseException) -> None:
    told = exc.alerts if isinstance(exc, BudgetExceeded) else ()
    observation.reservation = Refused(len(told))
    observation.unbilled = True
    observation.waits = False  # this thread may wait
    observation.fail(exc)
