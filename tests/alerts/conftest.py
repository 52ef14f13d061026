"""The stand-in for Slack, PagerDuty and a webhook's receiver, reached without a proxy."""

from collections.abc import Iterator

import pytest

from tests.alerts.standin import StandIn


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with StandIn() as running:
        yield running
        assert [got.faults for got in running.got if got.faults] == []
