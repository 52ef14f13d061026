"""What Slack and PagerDuty document of the requests that they take, as checks.

Slack: https://docs.slack.dev/reference/block-kit/blocks (header, section, text object) and
https://docs.slack.dev/messaging/formatting-message-text (what must be escaped), read 2026-11-22.
PagerDuty: "Send an Alert Event" and "Events API v2 Overview" of https://developer.pagerduty.com,
as kept in https://github.com/PagerDuty/developer-docs (docs/events-API-v2), read 2026-11-22.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

CONTROL = re.compile(r"&(?!amp;|lt;|gt;)|<(?!https?://[^<>|]+\|[^<>]+>)")
LINK = re.compile(r"<https?://[^<>|]+\|[^<>]+>")


def slack_faults(body: bytes) -> list[str]:
    """What Slack would refuse in a message, or show otherwise than it is meant."""
    message = json.loads(body)
    return list(_message(message))


def _message(message: Any) -> Iterator[str]:
    if set(message) != {"text", "blocks"}:
        yield f"fields {sorted(message)}"
    if not message["text"]:
        yield "no text for notifications"
    yield from _escaped(message["text"])
    if not 1 <= len(message["blocks"]) <= 50:
        yield f"{len(message['blocks'])} blocks"
    for block in message["blocks"]:
        yield from {"header": _header, "section": _section}[block["type"]](block)


def _header(block: Any) -> Iterator[str]:
    yield from _text(block["text"], "plain_text", 150)


def _section(block: Any) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "a section with neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], "mrkdwn", 3000)
    if "fields" in block and not 1 <= len(block["fields"]) <= 10:
        yield f"{len(block['fields'])} fields"
    for field in block.get("fields", ()):
        yield from _text(field, "plain_text", 2000)


def _text(text: Any, kind: str, most: int) -> Iterator[str]:
    if set(text) != {"type", "text"} or text["type"] != kind:
        yield f"no {kind} object: {text}"
    if not 1 <= len(text["text"]) <= most:
        yield f"{len(text['text'])} characters of {most}"
    yield from _escaped(text["text"])


def _escaped(text: str) -> Iterator[str]:
    if CONTROL.search(text) or ">" in LINK.sub("", text):
        yield f"not escaped: {text}"


ENVELOPE = {"routing_key", "event_action", "dedup_key", "payload", "links", "client"}
PAYLOAD = {
    "summary",
    "source",
    "severity",
    "timestamp",
    "component",
    "group",
    "class",
    "custom_details",
}


def pagerduty_faults(body: bytes) -> list[str]:
    """What PagerDuty would refuse in an event."""
    return list(_event(json.loads(body))) + (["over 512 KB"] if len(body) > 512 * 1024 else [])


def _event(event: Any) -> Iterator[str]:
    if set(event) - ENVELOPE:
        yield f"fields {sorted(set(event) - ENVELOPE)}"
    if not re.fullmatch(r"[0-9A-Za-z]{32}", event["routing_key"]):
        yield "no routing key"
    if not 1 <= len(event["dedup_key"]) <= 255:
        yield f"a dedup_key of {len(event['dedup_key'])} characters"
    if event["event_action"] == "resolve":
        if set(event) != {"routing_key", "event_action", "dedup_key"}:
            yield "more than a resolve event has"
        return
    if event["event_action"] != "trigger":
        yield f"event_action {event['event_action']}"
    yield from _payload(event["payload"])
    for link in event.get("links", ()):
        if not link["href"].startswith(("https://", "http://")) or set(link) - {"href", "text"}:
            yield f"link {link}"


def _payload(payload: Any) -> Iterator[str]:
    if set(payload) - PAYLOAD:
        yield f"payload {sorted(set(payload) - PAYLOAD)}"
    if not 1 <= len(payload["summary"]) <= 1024:
        yield f"a summary of {len(payload['summary'])} characters"
    if payload["severity"] not in ("critical", "error", "warning", "info"):
        yield f"severity {payload['severity']}"
    if datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
        yield "a timestamp without a zone"
    for name in ("source", "component", "group", "class"):
        if name in payload and not (isinstance(payload[name], str) and payload[name]):
            yield f"{name} {payload[name]!r}"
    if not payload["source"]:
        yield "no source"
    if not isinstance(payload["custom_details"], dict):
        yield "custom_details is no object"
