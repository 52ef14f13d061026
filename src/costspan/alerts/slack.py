"""Alerts as messages of a Slack channel, by an incoming webhook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from costspan.alerts.alert import Alert
from costspan.alerts.facts import calls_of, checked_trace_url, facts_of, title_of, trace_link
from costspan.alerts.post import checked_url, host_of, post

# https://docs.slack.dev/reference/block-kit/blocks, as of 2026-11
_MOST_IN_HEADER = 150
_MOST_IN_TEXT = 3000
_MOST_IN_FIELD = 2000
_MOST_FIELDS = 10

_WORDS = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_payload",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "no_text",
        "posting_to_general_channel_denied",
        "team_disabled",
        "too_many_attachments",
        "user_not_found",
    }
)
"""What Slack answers where it refuses a message; any other answer is not quoted."""

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class SlackAlerts:
    """A sink that writes each alert to a Slack channel.

    Args:
        webhook_url: the address of the channel's incoming webhook. It is a secret: only its host
            is ever shown. A gateway of your own is allowed as well.
        trace_url: a template of links to traces, with `{trace_id}` in it.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    def __init__(self, webhook_url: str, *, trace_url: str | None = None) -> None:
        self._url = checked_url("SlackAlerts(webhook_url=...)", webhook_url)
        self._trace_url = checked_trace_url("SlackAlerts", trace_url)

    def __repr__(self) -> str:
        return f"SlackAlerts({host_of(self._url)})"

    def __call__(self, alert: Alert) -> None:
        """Send one message.

        Raises:
            NotTaken: Slack did not take it.
        """
        body = msgspec.json.encode(message_of(alert, trace_link(self._trace_url, alert)))
        post(self._url, body, {"Content-Type": "application/json"}, _WORDS)


def message_of(alert: Alert, link: str | None) -> dict[str, Any]:
    """The message, in the blocks that Slack documents."""
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": clipped(title_of(alert), _MOST_IN_HEADER)},
        },
        _section(clipped(alert.text, _MOST_IN_TEXT)),
    ]
    fields = [_field(name, value) for name, value in facts_of(alert)]
    blocks += [
        {"type": "section", "fields": fields[start : start + _MOST_FIELDS]}
        for start in range(0, len(fields), _MOST_FIELDS)
    ]
    lines = calls_of(alert)
    if lines:
        quoted = clipped("\n".join(lines).replace("`", "'"), _MOST_IN_TEXT - 30)
        blocks.append(_section(f"*Last calls* (UTC)\n```{quoted}```"))
    if link is not None:
        blocks.append(_section(f"<{clipped(link, _MOST_IN_TEXT - 30)}|Open the trace>"))
    return {"text": clipped(alert.text, _MOST_IN_TEXT), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _field(name: str, value: str) -> dict[str, str]:
    # What the app named is plain text: an asterisk in it is an asterisk.
    return {"type": "plain_text", "text": clipped(f"{name}: {value}", _MOST_IN_FIELD)}


def clipped(text: str, most: int) -> str:
    """`text` with Slack's control characters escaped, at most `most` characters of it."""
    pieces = [_ESCAPES.get(letter, letter) for letter in text]
    if sum(map(len, pieces)) <= most:
        return "".join(pieces)
    return "".join(_as_many(pieces, most - 1)) + "…"


def _as_many(pieces: list[str], most: int) -> Iterable[str]:
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            return
        yield piece
