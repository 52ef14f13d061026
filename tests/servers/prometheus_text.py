"""What a server shows to Prometheus, read as text."""

import re
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*?)\})? ([^\s]+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    """One line: the series' name, its labels and the value."""

    name: str
    labels: Mapping[str, str]
    value: float


def scraped(url: str) -> list[Sample]:
    """Every sample that is shown at `url`; none while nobody listens there."""
    asked = urllib.request.Request(url, headers={"accept": "text/plain"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return []
    return [
        Sample(name, dict(_LABEL.findall(labels)), float(value))
        for name, labels, value in _SAMPLE.findall(text)
    ]


def total(samples: list[Sample], name: str, **labels: str) -> float:
    """The sum of all series of that name with these labels."""
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())
