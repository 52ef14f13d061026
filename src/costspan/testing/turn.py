"""What a request asks and what the assistant answers, without any provider's shape."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from zlib import crc32

from costspan.testing.exchange import Call, Json
from costspan.testing.schema_sample import sample
from costspan.testing.tokens import Tokens, tokens_for

_DATED = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
}
VENDOR_NOTE: Json = {"nested": [1, None, {"deep": "unknown"}]}


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """The first tool of a request; `schema` describes its arguments."""

    name: str = "lookup"
    schema: Json | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A request: `prompt` is any JSON value whose strings are the prompt.

    `answered` says that the messages hold a tool's result already.
    """

    model: str
    prompt: object
    last_user: str = ""
    tool: ToolOffer = ToolOffer()
    answered: bool = False
    schema: Json | None = None
    choices: int = 1


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one tool; `arguments` is a JSON object."""

    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Reply:
    """The assistant's answer: a text, or a tool call and an empty text."""

    model: str
    text: str
    tool: ToolCall | None
    tokens: Tokens

    @property
    def pieces(self) -> list[str]:
        """The text in streaming order, a word and its space a piece."""
        return re.findall(r"\S+\s*", self.text)


def answered_model(requested: str, override: str) -> str:
    """The model id the answer names: well-known aliases become their dated id."""
    return override or _DATED.get(requested, requested)


def last_text(messages: object, key: str = "content") -> str:
    """The words of the last user message, from a string or from text parts."""
    if isinstance(messages, str):
        return messages
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role", "user") == "user":
            content = message.get(key)
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, list) else []
            return " ".join(str(p["text"]) for p in parts if isinstance(p, dict) and "text" in p)
    return ""


def _words(turn: Turn, call: Call) -> str:
    """The answer's sentence: it names a checksum of the prompt, never the prompt's own words."""
    checksum = crc32(json.dumps(turn.prompt, sort_keys=True).encode())
    sentences = [f"The local model server answers request {checksum:08x}."]
    if call.scenario.echo:
        sentences.append(f"You said: {turn.last_user}")
    if call.scenario.canary:
        sentences.append(call.scenario.canary)
    return " ".join(sentences)


def reply_to(turn: Turn, call: Call) -> Reply:
    """The deterministic answer to a turn under the call's scenario."""
    scenario, text, tool = call.scenario, _words(turn, call), None
    if scenario.tool and not turn.answered:
        word = scenario.canary or "value"
        sampled = sample(turn.tool.schema or {"type": "object"}, word)
        arguments = sampled if isinstance(sampled, dict) else {}
        text, tool = "", ToolCall(turn.tool.name, arguments)
    elif scenario.json:
        schema = turn.schema or {"properties": {"answer": {"type": "string"}}}
        text = json.dumps(sample(schema, text))
    made = json.dumps(tool.arguments) if tool else text
    tokens = tokens_for(turn.prompt, made, turn.choices, scenario)
    return Reply(answered_model(turn.model, scenario.model), text, tool, tokens)
