"""Alerts by e-mail and to everything else that Apprise knows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from costspan.alerts.alert import Alert
from costspan.alerts.facts import calls_of, checked_trace_url, facts_of, title_of, trace_link
from costspan.alerts.faults import NotTaken
from costspan.errors import ConfigurationError

_TYPES = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}
_LOGGERS = ("apprise", "urllib3.connectionpool")

_here = threading.local()


class AppriseAlerts:
    """A sink that sends each alert to one address of Apprise, such as `mailtos://...`.

    For several addresses take a sink each: what failed at one is then not sent again to the others.

    Args:
        url: as https://github.com/caronc/apprise describes it. It is a secret: only its scheme is
            ever shown.
        trace_url: a template of links to traces, with `{trace_id}` in it.

    Raises:
        ConfigurationError: Apprise is not installed, or an argument is wrong.
    """

    def __init__(self, url: str, *, trace_url: str | None = None) -> None:
        try:
            apprise = import_module("apprise")
        except ImportError:
            raise ConfigurationError(
                "AppriseAlerts needs Apprise: pip install 'costspan[notify]'"
            ) from None
        self._trace_url = checked_trace_url("AppriseAlerts", trace_url)
        with _hushed():
            self._plugin = apprise.Apprise.instantiate(url) if isinstance(url, str) else None
        if self._plugin is None:
            raise ConfigurationError(
                "AppriseAlerts(url=...) is no address that Apprise knows: give one such as "
                "mailtos://user:password@example.com?to=team@example.com"
            )
        self._scheme = url.partition("://")[0]

    def __repr__(self) -> str:
        return f"AppriseAlerts({self._scheme})"

    def __call__(self, alert: Alert) -> None:
        """Send one notification.

        Raises:
            NotTaken: Apprise could not send it.
        """
        kind = "success" if alert.state == "resolved" else _TYPES[alert.severity]
        body = text_of(alert, trace_link(self._trace_url, alert))
        with _hushed():
            taken = self._plugin.notify(title=title_of(alert), body=body, notify_type=kind)
        if not taken:
            raise NotTaken("Apprise could not send it")


def text_of(alert: Alert, link: str | None) -> str:
    """The notification's body: the sentence, the facts, the last calls, the link."""
    lines = [alert.text, "", *(f"{name}: {value}" for name, value in facts_of(alert))]
    calls = calls_of(alert)
    if calls:
        lines += ["", "Last calls (UTC):", *calls]
    return "\n".join([*lines, "", link] if link else lines)


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Apprise and its HTTP client from logging, in this thread: they log whole addresses."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_not_ours)
    _here.hushed = True
    try:
        yield
    finally:
        _here.hushed = False


def _is_not_ours(record: Any) -> bool:
    return not getattr(_here, "hushed", False)
