"""Asking a real Prometheus, and waiting for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

PATIENCE = 60.0


class Prometheus:
    """The API of a running one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **params: Any) -> Any:
        """The data of an answer."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(params)}", timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def instant(self, expr: str) -> list[Any]:
        """Labels and value of each series of this moment."""
        return [
            (one["metric"], float(one["value"][1]))
            for one in self.get("query", query=expr)["result"]
        ]

    def range(self, expr: str, step: int = 1) -> list[Any]:
        """Labels and values of each series of the last ten minutes."""
        now = time.time()
        found = self.get("query_range", query=expr, start=now - 600, end=now, step=step)
        return [
            (one["metric"], [float(value) for _, value in one["values"]]) for one in found["result"]
        ]

    def number(self, expr: str) -> float | None:
        """The value of the only series; None where there is none."""
        found = self.instant(expr)
        assert len(found) < 2, found
        return found[0][1] if found else None

    def wait(self, expr: str, value: float) -> None:
        """Until the only series has this value."""
        until(lambda: near(self.number(expr), value), lambda: f"{expr}: {self.instant(expr)}")


def near(found: float | None, value: float) -> bool:
    """Equal but for the last digits of a sum of doubles."""
    return found is not None and abs(found - value) < 1e-9


def until(done: Callable[[], Any], says: Callable[[], str]) -> None:
    """Wait for what another process does, which tells nobody of it."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, says()
        time.sleep(0.1)
