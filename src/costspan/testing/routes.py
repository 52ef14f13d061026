"""From a call to its answer: which wire speaks, and what the scenario makes of the answer."""

from __future__ import annotations

from dataclasses import replace

from costspan.testing.anthropic_wire import ANTHROPIC
from costspan.testing.exchange import DONE, Answer, Call, Event, Wire
from costspan.testing.gemini_wire import GEMINI, METHOD
from costspan.testing.openai_wire import OPENAI

# The SDKs wait this long before they retry; the real headers ask for seconds.
_SOON = {"retry-after-ms": "1"}


def wire_for(path: str) -> Wire:
    """The provider a path belongs to; OpenAI when no other claims it."""
    if METHOD.search(path):
        return GEMINI
    if path.endswith(("/messages", "/messages/count_tokens")):
        return ANTHROPIC
    return OPENAI


def _refusal(wire: Wire, call: Call, status: int) -> Answer:
    message = f"The scenario asks for status {status}. {call.scenario.canary}".strip()
    refused = wire.failure(status, message, call.nonce)
    retried = status == 429 or status >= 500
    return replace(refused, headers=refused.headers | _SOON) if retried else refused


def _reshape(wire: Wire, call: Call, answer: Answer, events: tuple[Event, ...]) -> Answer:
    """Apply `headless`, `events=` and `error=` to a stream, in that order."""
    scenario, complete = call.scenario, True
    if scenario.headless:
        events = events[1:]
    if scenario.events is not None and scenario.events < len(events):
        closing = events[-1:] if events[-1] is DONE else ()
        events, complete = events[: scenario.events] + closing, False
    if scenario.error is not None:
        events = events[: scenario.error]
        events, complete = (*events, wire.stream_error(call, len(events))), False
    return replace(answer, events=events, complete=complete)


def answer_call(call: Call) -> Answer:
    """The answer to one HTTP request, faults included; `cut`, `stall` and `pause` come later."""
    wire = wire_for(call.path)
    if call.attempt < call.scenario.retries:
        return _refusal(wire, call, 500)
    if call.scenario.status is not None:
        return _refusal(wire, call, call.scenario.status)
    answer = wire.answer(call)
    if answer is None:
        message = f"No such endpoint: {call.method} {call.path}"
        return wire.failure(404, message, call.nonce)
    answer = replace(answer, headers=wire.headers(call.nonce) | answer.headers)
    return answer if answer.events is None else _reshape(wire, call, answer, answer.events)
