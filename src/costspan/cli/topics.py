"""Two columns: a topic, and what is to be said of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence


def show(lines: Sequence[tuple[str, str]], most: int | None = None) -> None:
    """Print pairs of a topic and a text, in lines of `most` characters at most."""
    width = max((len(topic) for topic, _ in lines), default=0)
    for topic, text in lines:
        parts = [text] if most is None else textwrap.wrap(text, most - width - 2)
        for part in parts:
            print(f"{topic:{width}}  {part}")
            topic = ""
