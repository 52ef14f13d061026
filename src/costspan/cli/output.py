"""Standard output, whatever it is: not UTF-8, full, closed, or left by its reader."""

from __future__ import annotations

import codecs
import json
import os
import sys
from contextlib import suppress
from io import TextIOWrapper, UnsupportedOperation

_DRAWN = str.maketrans("├└│─█▉▊▋▌▍▎▏…", "+`|-########.")
"""What draws trees and bars, each as one character that everything can show."""


def prepare() -> None:
    """Let standard output take every character, in its own encoding.

    One that the encoding lacks is written as in JSON, `\\u2603`, so that JSON stays what it was.
    """
    if sys.stdout is None:  # closed by the shell
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it stays open to the end
    elif isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in _FAILING:
        codecs.register_error("costspan", _spelt)
        sys.stdout.reconfigure(errors="costspan")


_FAILING = ("strict", "surrogateescape")


def _spelt(fault: UnicodeError) -> tuple[str, int]:
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    lacking = fault.object[fault.start : fault.end].translate(_DRAWN)
    return json.dumps(lacking)[1:-1], fault.end


def abandon() -> None:
    """Have what still waits to be written go nowhere, so that the end of the process is silent."""
    with suppress(UnsupportedOperation):  # it is no file, where somebody else put it there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
