"""The two shells that carry out a script: all in which a sync and an async cell differ."""

from collections.abc import Generator
from typing import Any

Script = Generator[Any, Any, None]


def run_sync(steps: Script) -> None:
    """Carry a script out."""
    came = Came()
    try:
        while True:
            step = came.send_to(steps)
            try:
                came.value = step()
            except BaseException as exc:
                came.fault = exc
            del step
    except Finished:
        return
    finally:
        came.clear()


async def run_async(steps: Script) -> None:
    """Carry a script out, awaiting what can be awaited."""
    came = Came()
    try:
        while True:
            step = came.send_to(steps)
            try:
                came.value = step()
                if hasattr(came.value, "__await__"):
                    came.value = await came.value
            except BaseException as exc:
                came.fault = exc
            del step
    except Finished:
        return
    finally:
        came.clear()


class Finished(Exception):
    """A script has come to its end."""


class Came:
    """What the last step gave: kept no longer than until the script has it.

    An exception that stayed in a shell's frame would be a cycle, and a dropped stream with it
    would be closed by the next garbage collection, wherever that strikes.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget it."""
        self.value: Any = None
        self.fault: BaseException | None = None

    def send_to(self, steps: Script) -> Any:
        """Hand it to the script, which gives its next step."""
        value, fault = self.value, self.fault
        self.clear()
        try:
            return steps.send(value) if fault is None else steps.throw(fault)
        except StopIteration:
            raise Finished from None
        finally:
            del value, fault
