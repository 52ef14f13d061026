"""One word in every place of content: nowhere where it may not go, whole where it may."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from costspan import Budget, CostTracker, Instrumentor, Prices, attribution, record_call
from costspan.testing import LLMServer
from tests.instrumentation.rig import (
    ASK,
    CHAT,
    Spans,
    answer_chat,
    async_openai_client,
    attributes_of,
    openai_client,
    watched,
)
from tests.instrumentation.spoken import BAD, CANARY, GOOD, SECRET, chat, clients

ALL = {**GOOD, **BAD}
NO_MESSAGES = ("embeddings", "moderation", "count")


class Trail:
    """Everything that costspan wrote anywhere during a test."""

    def __init__(self, folder: Path, caplog: Any, capfd: Any) -> None:
        self.folder, self._caplog, self._capfd = folder, caplog, capfd
        self.alerts: list[Any] = []
        self.spans: Spans | None = None
        self.costs: CostTracker | None = None
        self.metrics = self._printed = ""

    def texts(self) -> dict[str, str]:
        """What was written, by where."""
        assert self.spans is not None
        assert self.costs is not None
        logs = [r for r in self._caplog.records if r.name.startswith("costspan")]
        self._printed += "".join(self._capfd.readouterr())
        return {
            "spans": "\n".join(str(span.to_json()) for span in self.spans.all()),
            "logs": "\n".join(f"{r.getMessage()} {r.__dict__}" for r in logs),
            "file": "\n".join(path.read_text() for path in self.folder.iterdir()),
            "alerts": repr(self.alerts) + "".join(alert.text for alert in self.alerts),
            "records": repr(self.costs.records) + repr(self.costs.summary("model")),
            "metrics": self.metrics,
            "printed": self._printed,
        }

    def places_of(self, word: str) -> list[str]:
        return [place for place, text in self.texts().items() if word in text]


@pytest.fixture
def trail(tmp_path: Path, caplog: Any, capfd: Any) -> Trail:
    caplog.set_level(logging.DEBUG, "costspan")
    return Trail(tmp_path, caplog, capfd)


@pytest.fixture(scope="module")
def both(server: LLMServer) -> Iterator[dict[str, Any]]:
    made = clients(server)
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def make(trail: Trail, both: dict[str, Any]) -> Callable[[str, str], Any]:
    """Makes one call under a capture mode; gives its span."""

    def call(name: str, mode: str) -> Any:
        reader = InMemoryMetricReader()
        meters = MeterProvider([reader], shutdown_on_exit=False)
        costs = CostTracker(
            budgets=[Budget("tiny", usd="0.000001", per="call")], alerts=[trail.alerts.append]
        )
        settings: Any = {"costs": costs, "local": trail.folder, "meter_provider": meters}
        with watched(capture_content=mode, **settings) as spans:
            ALL[name](both[name.partition(" ")[0]])
            span = spans.one()
        assert costs.flush()
        trail.spans, trail.costs = spans, costs
        data = reader.get_metrics_data()
        trail.metrics = "" if data is None else data.to_json()
        return span

    return call


def told(span: Any) -> dict[str, Any]:
    """The attributes that carry content, decoded."""
    return {
        name: json.loads(value)
        for name, value in attributes_of(span).items()
        if name.endswith((".messages", "system_instructions", "tool.definitions"))
    }


class TestOff:
    @pytest.mark.parametrize("name", ALL)
    def test_is_nowhere(self, name: str, trail: Trail, make: Any) -> None:
        """Not in a name, attribute, event, status, log, line, alert, metric or on the terminal."""
        span = make(name, "off")

        assert span.name
        assert trail.texts()["file"].count("\n") == 1
        assert trail.places_of(CANARY) == []
        assert trail.places_of(SECRET) == []

    def test_is_the_default(self, trail: Trail) -> None:
        """Nobody has to switch anything off."""
        Instrumentor().instrument()
        settings = Instrumentor().settings
        Instrumentor().uninstrument()

        assert settings is not None
        assert settings.capture_content == "off"

    async def test_a_cancelled_task_says_no_more(self) -> None:
        """A cancellation's message is the app's own content."""
        begun = asyncio.Event()

        async def wait(request: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

        async with async_openai_client(wait) as client:
            with watched() as spans:
                task = asyncio.create_task(client.chat.completions.create(**ASK))
                await begun.wait()
                task.cancel(CANARY)
                with pytest.raises(asyncio.CancelledError):
                    await task
                text = str(spans.one().to_json())

        assert "asyncio.exceptions.CancelledError" in text
        assert CANARY not in text

    @pytest.mark.faults
    def test_our_own_faults_do_not_quote(self, monkeypatch: Any, caplog: Any, capfd: Any) -> None:
        """What is logged of a fault is its place, never its message."""
        caplog.set_level(logging.DEBUG, "costspan")

        def fail(*args: Any) -> Any:
            raise ValueError(CANARY)

        Instrumentor().instrument()
        monkeypatch.setattr("costspan.cost.tracker.CostTracker.account", fail)
        with openai_client(answer_chat) as client:
            assert client.chat.completions.create(**ASK).id == "chatcmpl-1"
        Instrumentor().uninstrument()

        assert "settling a call" in caplog.text
        assert CANARY not in caplog.text + capfd.readouterr().err

    def test_record_call_keeps_content_in(self, trail: Trail) -> None:
        """A call recorded by hand, and one that fails, say no more than any other."""
        costs = CostTracker(prices=Prices(unknown="warn"), alerts=[trail.alerts.append])
        with watched(costs=costs, local=trail.folder) as spans:
            with record_call(model="gpt-4o-mini") as call:
                answer = json.dumps(CHAT).replace("Hi there", CANARY)
                call.set_response(json.loads(answer))
            with pytest.raises(ValueError, match=CANARY), record_call(model="gpt-4o-mini"):
                raise ValueError(CANARY)
            trail.spans, trail.costs = spans, costs
            assert len(spans.all()) == 2

        assert trail.places_of(CANARY) == []

    def test_attribution_is_no_content(self, trail: Trail) -> None:
        """What the app names itself is written as it is: it is not gated."""
        with watched() as spans, openai_client(answer_chat) as client:
            with attribution(agent=CANARY):
                client.chat.completions.create(**ASK)
            found = attributes_of(spans.one())

        assert [name for name, value in found.items() if CANARY in str(value)] == [
            "gen_ai.agent.name"
        ]


class TestOnError:
    @pytest.mark.parametrize("name", GOOD)
    def test_a_call_that_did_not_fail_says_nothing(
        self, name: str, trail: Trail, make: Any
    ) -> None:
        """Answers, and streams that were merely left, stay private."""
        make(name, "on_error")

        assert trail.places_of(CANARY) == []

    @pytest.mark.parametrize("name", BAD)
    def test_a_failed_call_says_what_was_asked(self, name: str, trail: Trail, make: Any) -> None:
        """The messages of a failed call are in its span, headers and keys are not."""
        span = make(name, "on_error")

        assert CANARY in json.dumps(told(span)["gen_ai.input.messages"])
        assert trail.places_of(SECRET) == []
        assert set(trail.places_of(CANARY)) <= {"spans", "file", "records"}

    @pytest.mark.parametrize("name", [name for name in BAD if "refused" in name or "event" in name])
    def test_the_errors_own_words_are_told(self, name: str, make: Any) -> None:
        """What the provider said of the error stands in the span's status."""
        assert CANARY in str(make(name, "on_error").status.description)

    @pytest.mark.parametrize("name", ["openai chat cut", "anthropic cut"])
    def test_what_had_arrived_of_a_cut_stream_is_told(self, name: str, make: Any) -> None:
        """The text up to the cut."""
        (said,) = told(make(name, "on_error"))["gen_ai.output.messages"]

        assert said["parts"][0]["content"].startswith("The local model server")


class TestOn:
    @pytest.mark.parametrize("name", [n for n in GOOD if not n.endswith(NO_MESSAGES)])
    def test_is_in_the_messages(self, name: str, trail: Trail, make: Any) -> None:
        """Asked and answered are there, in the shape of the conventions; headers are not."""
        found = told(make(name, "on"))
        asked = json.dumps(found["gen_ai.input.messages"])

        assert asked.count(CANARY) >= (1 if "completion" in name else 4)
        assert trail.places_of(SECRET) == []
        assert set(trail.places_of(CANARY)) <= {"spans", "file", "records"}
        if "broken" not in name and "raises" not in name:
            assert CANARY in json.dumps(found["gen_ai.output.messages"])
        if "completion" not in name:
            assert CANARY in json.dumps(found["gen_ai.tool.definitions"])

    def test_the_file_has_the_first_words_of_the_answer(self, trail: Trail, make: Any) -> None:
        """200 characters of preview, in no other mode."""
        make("openai chat", "on")
        (line,) = [json.loads(one) for one in trail.texts()["file"].splitlines()]

        assert line["response_preview"].startswith("The local model server")

    def test_tool_calls_and_their_results_are_told_apart(self, make: Any) -> None:
        """Roles and kinds of parts, in their order."""
        found = told(make("anthropic message", "on"))
        kinds = [
            (one["role"], [part["type"] for part in one["parts"]])
            for one in found["gen_ai.input.messages"]
        ]

        assert kinds == [
            ("user", ["text"]),
            ("assistant", ["tool_call"]),
            ("user", ["tool_call_response", "text"]),
        ]
        assert found["gen_ai.system_instructions"] == [{"type": "text", "content": f"Be {CANARY}"}]

    @pytest.mark.parametrize("name", [name for name in GOOD if name.endswith("a tool")])
    def test_a_tool_call_that_was_answered_is_told(self, name: str, make: Any) -> None:
        """The tool that the model wants, with its arguments."""
        (said,) = told(make(name, "on"))["gen_ai.output.messages"]
        (part,) = said["parts"]

        assert (part["type"], part["name"]) == ("tool_call", CANARY)
        assert CANARY in json.dumps(part["arguments"])

    def test_the_preview_of_a_failed_call_is_its_own(self, both: dict[str, Any]) -> None:
        """Under `on`, too, an error that echoes the prompt stays out of the file's error fields."""
        with watched(capture_content="on") as spans:
            with pytest.raises(openai.BadRequestError):
                both["openai"].chat.completions.create(**chat("status=400"))
            found = attributes_of(spans.one())
            costs = Instrumentor().costs
            assert costs is not None
            (line,) = costs.records

        assert found["error.type"] == "openai.BadRequestError"
        assert CANARY not in repr(line)
