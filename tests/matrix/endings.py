"""How a call is made and how it ends, written once for sync and async.

A script is a generator. It yields steps, which the driver's shell carries out (and awaits, in an
async cell), and gets their results or exceptions back. Whatever a caller would hold in a variable
stands in `play.held`, so that a script can drop it.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from tests.matrix.methods import TOKENS

if TYPE_CHECKING:
    from tests.matrix.play import Play

Step = Callable[[], Any]
Script = Generator[Step, Any, None]

END = object()
"""What a step gives when there is nothing more to iterate."""

PAUSE = 0.01
LONG = 1.0  # seconds that the server waits where the client is not to wait for it
_SCENARIOS = {
    **dict.fromkeys(("broken_off", "closed_early", "dropped"), f"pause={PAUSE}"),
    "cut": "cut=4",
    "error_event": "error=4",
    "third_try": "retries=2",
    "helper_raises": "length",
    "timeout": f"stall={LONG}",
    "stalled": f"pause={LONG}",
}


def scenario(play: "Play") -> str:
    """What the server is asked to do."""
    cell, orders = play.cell, [TOKENS, _SCENARIOS.get(play.cell.ending, "")]
    if cell.ending == "cancelled":
        orders.append(f"pause={LONG}" if cell.pieces else f"stall={LONG}")
    if cell.ending.startswith("http_"):
        orders.append(f"status={cell.ending[5:]}")
    if cell.method.kind == "parse" and cell.ending != "helper_raises":
        orders.append("json")
    if cell.method.kind == "runner":
        orders.append("tool")
    if cell.method.settles:
        orders.append("background")
    return ";".join(filter(None, orders))


def script(play: "Play") -> Script:
    """The script of a cell."""
    ending = play.cell.ending
    if play.cell.method.kind == "runner":
        return _RUNNER.get(ending, run_to_the_end)(play)
    return _SPECIAL.get(ending, read_to_the_end)(play)


# --- steps on the way


def _open(play: "Play") -> Script:
    """Make the call, up to the point where there is something to read."""
    play.hold("answer", (yield play.call))
    if play.is_manager:
        play.hold("manager", play.take("answer"))
        play.hold("answer", (yield play.enter))
    play.note("answer")
    if play.cell.form.via == "raw":
        play.hold("answer", (yield play.parse))
        play.note("answer")


def _leave(play: "Play", exc: BaseException | None = None) -> Script:
    """Leave the `with` block, if there is one."""
    if "manager" in play.held:
        yield lambda: play.leave(exc)


def _read(play: "Play", limit: int | None = None) -> Script:
    """Read the answer, or the first `limit` pieces of it."""
    form = play.cell.form
    if form.reader == "read":
        play.seen.note("body", (yield play.read))
        return
    if form.reader == "parse":
        play.hold("answer", (yield play.parse))
        play.note("answer")
    if not (form.streamed or form.reader == "lines"):
        return
    play.iterate()
    while limit is None or play.seen.items < limit:
        piece = yield play.next
        if piece is END:
            return
        play.seen.note("item", piece)


def _guarded(play: "Play", inner: Script) -> Script:
    """Carry `inner` out as the body of the `with` block."""
    try:
        yield from inner
    except BaseException as exc:
        yield from _leave(play, exc)
        raise
    yield from _leave(play)


# --- endings


def read_to_the_end(play: "Play") -> Script:
    """Read all there is; the faults of the scenario come on the way."""
    yield from _open(play)
    yield from _guarded(play, _read(play))


def break_off(play: "Play") -> Script:
    """Leave the loop, and with it the `with` block, after two pieces."""
    yield from _open(play)
    if "manager" not in play.held:
        play.hold("manager", play.held["answer"])
        yield play.enter
    yield from _guarded(play, _read(play, 2))


def close_early(play: "Play") -> Script:
    """Read one piece, if the answer comes in pieces, and close."""
    yield from _open(play)

    def body() -> Script:
        if play.cell.pieces:
            yield from _read(play, 1)
        yield play.close

    yield from _guarded(play, body())


def never_read(play: "Play") -> Script:
    """Get the answer and do nothing with it."""
    yield from _open(play)
    yield from _leave(play)
    play.drop()
    yield play.collect


def drop(play: "Play") -> Script:
    """Read two pieces, if the answer comes in pieces, and forget everything."""
    yield from _open(play)
    if play.cell.pieces:
        yield from _read(play, 2)
    play.drop()
    yield play.collect


def cancel(play: "Play") -> Script:
    """Be cancelled while the request is under way, or while the second piece is waited for."""
    if not play.cell.pieces:
        play.cancel_in_flight()
        yield from read_to_the_end(play)
        return
    yield from _open(play)

    def body() -> Script:
        yield from _read(play, 1)
        play.cancel_now()
        # Lines that have come already are still given before anything is waited for.
        while (yield play.next) is not END:
            pass

    yield from _guarded(play, body())


_SPECIAL = {
    "broken_off": break_off,
    "closed_early": close_early,
    "never_read": never_read,
    "dropped": drop,
    "cancelled": cancel,
}


# --- a tool runner: an iterator of messages, or of streams


def _turns(play: "Play", limit: int | None = None) -> Script:
    play.hold("runner", (yield play.call))
    play.note("runner")
    play.iterate("runner", "turns")
    while (turn := (yield play.next_turn)) is not END:
        if play.cell.form.streamed:
            play.hold("answer", turn)
            del turn
            yield from _read(play, limit)
        else:
            play.seen.note("item", turn)
        if limit is not None:
            return


def run_to_the_end(play: "Play") -> Script:
    """Let the runner call the tool and answer."""
    yield from _turns(play)


def run_a_turn(play: "Play") -> Script:
    """Stop in the first turn, and forget everything."""
    yield from _turns(play, 2)
    play.drop()
    yield play.collect


def cancel_a_turn(play: "Play") -> Script:
    """Be cancelled in the first turn."""
    if not play.cell.pieces:
        play.cancel_in_flight()
        yield from _turns(play)
        return
    yield from _turns(play, 1)
    play.cancel_now()
    while (yield play.next) is not END:
        pass


_RUNNER = {"broken_off": run_a_turn, "dropped": run_a_turn, "cancelled": cancel_a_turn}
