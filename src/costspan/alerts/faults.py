"""Why a sink did not take an alert, in words that quote no secret."""

from __future__ import annotations


class NotTaken(Exception):
    """A receiver did not take an alert. The text holds no address, no key and no answer's text.

    Attributes:
        again: whether another try may help.
        retry_after: seconds after which the receiver wants the next try; None where it said none.
    """

    def __init__(
        self, reason: str, *, again: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.again = again
        self.retry_after = retry_after


def reason_of(fault: Exception) -> str:
    """Why a sink did not take an alert. The text of a foreign exception could quote a secret."""
    return str(fault) if isinstance(fault, NotTaken) else type(fault).__name__
