"""The checker of the conventions, itself checked: good spans pass, each rule catches a bad one."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.conventions.checker import FACTS, check

Attributes = Mapping[str, Any]

MESSAGES = [
    {
        "role": "user",
        "parts": [
            {"type": "text", "content": "weather?"},
            {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
            {"type": "search_result", "source": "a type the conventions do not know"},
        ],
    },
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather"}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": None}]},
]
ANSWER = [
    {"role": "assistant", "parts": [{"type": "text", "content": "fine"}], "finish_reason": "stop"}
]
COMMON: Attributes = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m-1",
    "server.address": "api.example.com",
    "gen_ai.agent.name": "planner",
    "session.id": "s-1",
    "user.id": "u-1",
    "costspan.anything": ("at", "all"),
}
INFERENCE: Attributes = {
    "gen_ai.request.max_tokens": 100,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stop_sequences": ("END",),
    "gen_ai.request.stream": True,
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.response.finish_reasons": ("stop", "a_reason_of_the_provider"),
    "gen_ai.prompt.variable.city": "Paris",
    "gen_ai.usage.input_tokens": 30,
    "gen_ai.usage.cache_read.input_tokens": 20,
    "gen_ai.usage.cache_write.input_tokens": 10,
    "gen_ai.usage.audio.input_tokens": 30,
    "gen_ai.usage.audio.cache_read.input_tokens": 20,
    "gen_ai.usage.image.input_tokens": 0,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.reasoning.output_tokens": 5,
    "gen_ai.usage.cost.amount": 0.001,
    "gen_ai.usage.cost.currency": "USD",
    "gen_ai.usage.cost.source": "local",
    "openai.request.service_tier": "flex",
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "be brief"}]),
    "gen_ai.input.messages": json.dumps(MESSAGES),
    "gen_ai.output.messages": json.dumps(ANSWER),
    "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "weather"}]),
}
FETCH: Attributes = {
    **{name: value for name, value in COMMON.items() if name != "gen_ai.request.model"},
    "gen_ai.response.id": "resp_1",
    "gen_ai.response.status": "completed",
}
GOOD: dict[str, Attributes] = {
    "chat": {**COMMON, **INFERENCE},
    "text_completion": {**COMMON, **INFERENCE, "gen_ai.provider.name": "vllm", "server.port": 8000},
    "generate_content": {**COMMON, **INFERENCE, "gen_ai.provider.name": "gcp.gemini"},
    "embeddings": {
        **COMMON,
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.embeddings.dimension.count": 8,
    },
    "fetch_response": FETCH,
    "moderation": {**COMMON, "gen_ai.response.id": "modr-1"},
    "count_tokens": {**COMMON, "gen_ai.provider.name": "anthropic"},
}


def span_of(
    operation: str = "chat",
    changes: Attributes | None = None,
    *,
    without: Iterable[str] = (),
    name: str | None = None,
    kind: SpanKind = SpanKind.CLIENT,
    status: StatusCode = StatusCode.UNSET,
) -> ReadableSpan:
    """The good span of an operation, changed."""
    attributes = {"gen_ai.operation.name": operation, **GOOD[operation], **(changes or {})}
    for absent in without:
        del attributes[absent]
    if name is None:
        name = f"{operation} {attributes.get('gen_ai.request.model', '')}".strip()
    return ReadableSpan(name=name, kind=kind, attributes=attributes, status=Status(status))


def only_violation(span: ReadableSpan) -> str:
    """The one violation of a span, which has no other."""
    [violation] = check(span)
    return violation


class TestGoodSpans:
    @pytest.mark.parametrize("operation", FACTS["spans"])
    def test_of_each_operation(self, operation: str) -> None:
        """A span as the conventions want it has no violation."""
        assert check(span_of(operation)) == []

    def test_failed(self) -> None:
        """A failed call has ERROR, error.type and no answer."""
        changes = {"error.type": "openai.RateLimitError", "http.response.status_code": 429}
        assert check(span_of("moderation", changes, status=StatusCode.ERROR)) == []

    def test_without_model(self) -> None:
        """Without a model the operation alone is the name."""
        assert check(span_of("chat", without=["gen_ai.request.model"])) == []

    def test_through_the_sdk(self) -> None:
        """What the SDK makes of lists and of an unset status passes."""
        exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        attributes = {"gen_ai.operation.name": "chat", **GOOD["chat"]}
        attributes["gen_ai.request.stop_sequences"] = ["END"]
        tracer = provider.get_tracer("test")
        tracer.start_span("chat m-1", kind=SpanKind.CLIENT, attributes=attributes).end()

        assert [check(span) for span in exporter.get_finished_spans()] == [[]]


class TestAttributes:
    @pytest.mark.parametrize(
        "name",
        ["gen_ai.request.temprature", "llm.vendor", "costspans.cost", "gen_ai.prompt.variable"],
    )
    def test_unknown(self, name: str) -> None:
        """A name that nobody defined is caught."""
        assert only_violation(span_of(changes={name: "x"})) == (
            f"{name} is not an attribute of the conventions"
        )

    @pytest.mark.parametrize("name", FACTS["deprecated"])
    def test_deprecated(self, name: str) -> None:
        """An old name is caught, and the new one said where there is one."""
        violation = only_violation(span_of(changes={name: "x"}))

        assert violation.startswith(f"{name} is deprecated")
        assert (FACTS["deprecated"][name] or "no successor") in violation

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("gen_ai.request.max_tokens", True),
            ("gen_ai.request.max_tokens", 1.0),
            ("gen_ai.request.seed", "1"),
            ("gen_ai.request.temperature", 1),
            ("gen_ai.response.time_to_first_chunk", 1),
            ("gen_ai.usage.cost.amount", 1),
            ("gen_ai.request.stream", 1),
            ("gen_ai.response.id", 7),
            ("gen_ai.response.finish_reasons", "stop"),
            ("gen_ai.response.finish_reasons", ["stop"]),
            ("gen_ai.request.stop_sequences", ("END", 1)),
            ("gen_ai.prompt.variable.city", 1),
        ],
    )
    def test_type(self, name: str, value: object) -> None:
        """A value of a neighbouring type is caught."""
        violation = only_violation(span_of(changes={name: value}))

        assert violation.startswith(f"{name} is {value!r}, not of type")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("gen_ai.provider.name", "gemini"),
            ("gen_ai.provider.name", "acme"),
            ("gen_ai.output.type", "json_schema"),
            ("gen_ai.response.status", "done"),
            ("openai.api.type", "chat"),
            ("gen_ai.usage.cost.source", "guess"),
        ],
    )
    def test_member(self, name: str, value: str) -> None:
        """A value that its enum does not have is caught."""
        assert only_violation(span_of(changes={name: value})) == (
            f"{name} is {value!r}, which is not among its values"
        )

    @pytest.mark.parametrize("name", ["gen_ai.request.stream", "gen_ai.conversation.compacted"])
    def test_false_instead_of_absent(self, name: str) -> None:
        """A flag that is true or absent is caught when false."""
        assert only_violation(span_of(changes={name: False})) == (
            f"{name} is False, but may only be True or absent"
        )


class TestCombinations:
    @pytest.mark.parametrize(
        ("absent", "left"),
        [
            ("gen_ai.request.stream", {"gen_ai.response.time_to_first_chunk"}),
            ("server.address", {"server.port"}),
            (
                "gen_ai.usage.cost.currency",
                {"gen_ai.usage.cost.amount", "gen_ai.usage.cost.source"},
            ),
            (
                "gen_ai.usage.cost.source",
                {"gen_ai.usage.cost.amount", "gen_ai.usage.cost.currency"},
            ),
            (
                "gen_ai.usage.cost.amount",
                {"gen_ai.usage.cost.currency", "gen_ai.usage.cost.source"},
            ),
            ("gen_ai.prompt.name", {"gen_ai.prompt.version"}),
        ],
    )
    def test_needs(self, absent: str, left: set[str]) -> None:
        """An attribute without the one it rests on is caught."""
        changes = {"server.port": 8000, "gen_ai.prompt.name": "p", "gen_ai.prompt.version": "1"}

        expected = {f"{name} is set without {absent}" for name in left}
        assert set(check(span_of(changes=changes, without=[absent]))) == expected

    def test_default_port(self) -> None:
        """The port of HTTPS is left out."""
        violation = only_violation(span_of(changes={"server.port": 443}))

        assert violation == "server.port is 443, the default, which is left out"

    @pytest.mark.parametrize(
        ("part", "count", "total"),
        [
            ("cache_read.input_tokens", 21, "input_tokens"),
            ("cache_write.input_tokens", 11, "input_tokens"),
            ("reasoning.output_tokens", 6, "output_tokens"),
            ("text.input_tokens", 1, "input_tokens"),
            ("image.output_tokens", 6, "output_tokens"),
        ],
    )
    def test_part_above_total(self, part: str, count: int, total: str) -> None:
        """Parts that are more than their total are caught."""
        violation = only_violation(span_of(changes={f"gen_ai.usage.{part}": count}))

        assert part in violation
        assert violation.endswith(f"is more than gen_ai.usage.{total}")

    def test_modality_above_its_total(self) -> None:
        """Cached tokens of a modality are within the modality and within the cached ones."""
        changes = {"gen_ai.usage.audio.cache_read.input_tokens": 31}

        assert check(span_of(changes=changes)) == [
            f"gen_ai.usage.audio.cache_read.input_tokens is more than gen_ai.usage.{total}"
            for total in ("cache_read.input_tokens", "audio.input_tokens")
        ]

    def test_part_without_total(self) -> None:
        """A part whose total is not reported is caught."""
        violation = only_violation(span_of(without=["gen_ai.usage.output_tokens"]))

        assert violation == (
            "gen_ai.usage.reasoning.output_tokens is set without gen_ai.usage.output_tokens"
        )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("gen_ai.usage.reasoning.output_tokens", -1),
            ("gen_ai.usage.cost.amount", -0.5),
            ("gen_ai.usage.cost.amount", float("nan")),
        ],
    )
    def test_negative(self, name: str, value: float) -> None:
        """A count or cost below zero, or no number, is caught."""
        assert only_violation(span_of(changes={name: value})) == f"{name} is {value}"


class TestSpan:
    @pytest.mark.parametrize(
        ("operation", "absent"),
        [
            (operation, required)
            for operation, fact in FACTS["spans"].items()
            for required in fact["required"]
        ],
    )
    def test_required(self, operation: str, absent: str) -> None:
        """A required attribute that is absent is caught."""
        violation = only_violation(span_of(operation, without=[absent]))

        assert violation == f"the required attribute {absent} is absent"

    def test_required_but_empty(self) -> None:
        """An empty text is as good as none."""
        violation = only_violation(span_of("fetch_response", {"gen_ai.response.id": ""}))

        assert violation == "the required attribute gen_ai.response.id is absent"

    @pytest.mark.parametrize(
        ("operation", "name"),
        [("chat", "chat"), ("embeddings", "openai.embeddings"), ("fetch_response", "chat")],
    )
    def test_name(self, operation: str, name: str) -> None:
        """A name that is not the template filled in is caught."""
        assert only_violation(span_of(operation, name=name)).startswith(f"the name is {name!r}")

    def test_fetch_response_name_has_no_model(self) -> None:
        """A retrieve is named by its operation alone, whatever it knows."""
        span = span_of("fetch_response", {"gen_ai.request.model": "m-1"})

        assert only_violation(span) == "the name is 'fetch_response m-1', not 'fetch_response'"

    @pytest.mark.parametrize("operation", FACTS["spans"])
    def test_kind(self, operation: str) -> None:
        """A kind other than the operation's is caught."""
        violation = only_violation(span_of(operation, kind=SpanKind.INTERNAL))

        assert violation == "the kind is INTERNAL, not CLIENT"

    @pytest.mark.parametrize(
        ("name", "value"),
        [("gen_ai.usage.input_tokens", 1), ("gen_ai.input.messages", json.dumps(MESSAGES))],
    )
    def test_forbidden(self, name: str, value: object) -> None:
        """A retrieve carries neither usage nor the messages that were sent."""
        violation = only_violation(span_of("fetch_response", {name: value}))

        assert violation == f"{name} may not be on this span"

    def test_operation_without_span(self) -> None:
        """A known operation that costspan has no span for is said, not passed over."""
        violation = only_violation(span_of(changes={"gen_ai.operation.name": "plan"}))

        assert violation == "the facts describe no span of the operation 'plan'"

    def test_unknown_operation(self) -> None:
        """An operation that is neither well-known nor ours is caught twice over."""
        violations = check(span_of(changes={"gen_ai.operation.name": "completion"}))

        assert violations == [
            "gen_ai.operation.name is 'completion', which is not among its values",
            "the facts describe no span of the operation 'completion'",
        ]

    @pytest.mark.parametrize(
        ("status", "changes", "expected"),
        [
            (StatusCode.OK, {}, "the status is OK; the conventions leave it UNSET on success"),
            (StatusCode.ERROR, {}, "the status is ERROR without error.type"),
            (
                StatusCode.UNSET,
                {"error.type": "TimeoutError"},
                "error.type is set, but the status is UNSET",
            ),
        ],
    )
    def test_status(self, status: StatusCode, changes: Attributes, expected: str) -> None:
        """A status that does not go with error.type is caught, and OK always."""
        assert only_violation(span_of(changes=changes, status=status)) == expected


def message(*parts: object) -> str:
    """The JSON text of one message with these parts."""
    return json.dumps([{"role": "user", "parts": parts}])


class TestContent:
    @pytest.mark.parametrize(
        ("value", "fault"),
        [
            (({"role": "user"},), " is not a JSON array in a string"),
            ("hello", " is not JSON"),
            ('[{"role": "user", "par', " is not JSON"),
            ("[NaN]", " is not JSON"),
            ("{}", " is not a JSON array in a string"),
            ('["hello"]', "[0] is not an object"),
            ('[{"parts": []}]', "[0].role is absent"),
            ('[{"role": "user", "content": "hello"}]', "[0].parts is absent"),
            ('[{"role": "user", "parts": "hello"}]', "[0].parts is not of type array"),
            ('[{"role": "user", "parts": [], "name": 1}]', "[0].name is not of type string?"),
            (message("hello"), "[0].parts[0] is not an object"),
            (message({"content": "hello"}), "[0].parts[0].type is absent"),
            (message({"type": ["text"]}), "[0].parts[0].type is not of type string"),
            (message({"type": "text", "text": "hello"}), "[0].parts[0].content is absent"),
            (message({"type": "tool_call", "id": "c1"}), "[0].parts[0].name is absent"),
            (
                message({"type": "tool_call_response", "result": 1}),
                "[0].parts[0].response is absent",
            ),
            (
                message({"type": "server_tool_call", "name": "s", "server_tool_call": {}}),
                "[0].parts[0].server_tool_call is not of type typed",
            ),
        ],
    )
    @pytest.mark.parametrize("name", ["gen_ai.input.messages", "gen_ai.output.messages"])
    def test_messages(self, name: str, value: object, fault: str) -> None:
        """Messages that are no JSON, or not of the documented shape, are caught."""
        assert only_violation(span_of(changes={name: value})).startswith(f"{name}{fault}")

    @pytest.mark.parametrize(
        ("name", "item", "fault"),
        [
            ("system_instructions", {"type": "text"}, ".content is absent"),
            (
                "system_instructions",
                {"type": "reasoning", "content": "x"},
                ".type is 'reasoning', but instructions are text",
            ),
            ("tool.definitions", {"name": "weather"}, ".type is absent"),
            ("tool.definitions", {"type": "function"}, ".name is absent"),
        ],
    )
    def test_instructions_and_tools(self, name: str, item: object, fault: str) -> None:
        """Instructions and tool definitions are held to their own shapes."""
        span = span_of(changes={f"gen_ai.{name}": json.dumps([item])})

        assert only_violation(span) == f"gen_ai.{name}[0]{fault}"


class TestFacts:
    def test_hold_together(self) -> None:
        """Every name that the facts use elsewhere has its line in the table."""
        named = {name for pair in FACTS["needs"].items() for name in (pair[0], *pair[1])}
        named |= {
            name for subset in FACTS["subsets"] for name in (*subset["parts"], subset["total"])
        }
        named |= set(FACTS["content"]["attributes"])
        named |= {successor for successor in FACTS["deprecated"].values() if successor}
        for fact in FACTS["spans"].values():
            named |= {*fact["required"], *fact["conditionally_required"]}
            named |= {*fact["recommended"], *fact["opt_in"]}

        assert named - set(FACTS["attributes"]) == set()

    def test_good_spans_of_all_operations(self) -> None:
        """No operation of the facts goes without a good span here."""
        assert set(GOOD) == set(FACTS["spans"])


@pytest.fixture(name="model", scope="module")
def semconv_model() -> Path:
    """The folder of the conventions' model, where one is given."""
    folder = os.environ.get("COSTSPAN_SEMCONV_MODEL")
    if not folder:
        pytest.skip("COSTSPAN_SEMCONV_MODEL names no folder with the conventions' model")
    return Path(folder)


@pytest.fixture(name="derived", scope="module")
def derived_model(model: Path) -> dict[str, Any]:
    """The names, types and enums derived from the current conventions."""
    derived: dict[str, Any] = json.loads((model / "derived-genai-current.json").read_text("utf-8"))
    return derived


def typed(facts: Mapping[str, Any]) -> dict[str, tuple[str, list[str] | None]]:
    """Only the type and the enum of each attribute."""
    return {name: (fact["type"], fact.get("enum")) for name, fact in facts.items()}


@pytest.mark.semconv_model
class TestAgainstTheModel:
    def test_attributes(self, derived: dict[str, Any]) -> None:
        """The table is the model's, less what is named as belonging elsewhere."""
        ours = {
            name: fact
            for name, fact in FACTS["attributes"].items()
            if fact["source"] == "derived-genai-current"
        }
        theirs = typed(derived["attributes"])

        assert theirs.keys() >= FACTS["elsewhere"].keys()
        assert typed(ours) == {
            name: fact for name, fact in theirs.items() if name not in FACTS["elsewhere"]
        }

    def test_proposed_cost(self, derived: dict[str, Any]) -> None:
        """The cost attributes are those of the open proposal."""
        prefix = "gen_ai.usage.cost."
        ours = {n: fact for n, fact in typed(FACTS["attributes"]).items() if n.startswith(prefix)}
        theirs = typed(derived["proposed_not_merged"])

        assert ours == {name: fact for name, fact in theirs.items() if name.startswith(prefix)}

    def test_deprecated(self, model: Path, derived: dict[str, Any]) -> None:
        """The old names are all that the model knows."""
        registry = model / "v1.41.1/model/gen-ai/deprecated/registry-deprecated.yaml"
        names = re.findall(r"^ {6}- id: (gen_ai\.\S+)", registry.read_text("utf-8"), re.MULTILINE)

        assert derived["attribute_renames"] == FACTS["deprecated"]
        assert set(names) <= set(FACTS["deprecated"])
        assert names
