"""Switching costspan on, off and on again: what is patched, what is put back, what is said."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import wrapt
from opentelemetry.sdk.trace import TracerProvider

from costspan import Budget, ConfigurationError, CostTracker, Instrumentor, LocalFiles
from tests.instrumentation.rig import (
    ASK,
    CHAT_USD,
    Spans,
    answer_chat,
    attributes_of,
    openai_client,
    provider_into,
    watched,
)

PLACES = [
    (f"{sdk}.{module}", owner, function)
    for sdk in ("openai", "anthropic")
    for module, owner, function in (
        ("_base_client", "SyncAPIClient", "request"),
        ("_base_client", "AsyncAPIClient", "request"),
        ("_base_client", "SyncAPIClient", "_process_response"),
        ("_base_client", "AsyncAPIClient", "_process_response"),
        ("_streaming", "Stream", "__init__"),
        ("_streaming", "AsyncStream", "__init__"),
    )
]
BAD_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "capture": ({"capture_content": "sometimes"}, "'off' or 'on_error' or 'on'"),
    "usage": ({"stream_usage": "maybe"}, "'ask' or 'never'"),
    "switch": ({"propagate_to_providers": "yes"}, "True or False"),
    "provider": ({"providers": ("opanai",)}, "'openai' and 'anthropic'"),
    "one word": ({"providers": "openai"}, '("openai",)'),
    "tracer": ({"tracer_provider": "mine"}, "get_tracer"),
    "meter": ({"meter_provider": "mine"}, "get_meter"),
    "costs": ({"costs": 5}, "CostTracker"),
    "folder": ({"local": 5}, "LocalFiles"),
    "nothing to write": ({"costs": None, "local": "logs"}, "leave one of the two out"),
    "foreign": ({"foreign_spans": "yes"}, "True or False"),
}


def functions() -> dict[tuple[str, str, str], Any]:
    """The function objects that stand at the patched places."""
    return {
        (module, owner, name): getattr(import_module(module), owner).__dict__[name]
        for module, owner, name in PLACES
    } | {
        ("threading", "Thread", "start"): threading.Thread.__dict__["start"],
        ("pool", "ThreadPoolExecutor", "submit"): ThreadPoolExecutor.__dict__["submit"],
    }


@pytest.fixture(autouse=True)
def untouched() -> Iterator[dict[tuple[str, str, str], Any]]:
    """Before and after each test the SDKs are as they were installed."""
    before = functions()
    assert not any(isinstance(function, wrapt.FunctionWrapper) for function in before.values())
    yield before
    Instrumentor().uninstrument()
    assert functions() == before


@pytest.fixture
def call() -> Iterator[Callable[[], Any]]:
    """One chat call of a client that was built before costspan was switched on."""
    with openai_client(answer_chat) as client:
        yield lambda: client.chat.completions.create(**ASK)


class TestOff:
    def test_puts_back_the_very_same_functions(self, untouched: Any) -> None:
        """Every patched place holds another object while on, and its original after."""
        with watched():
            during = functions()
        after = functions()

        assert all(during[place] is not untouched[place] for place in during)
        assert all(after[place] is untouched[place] for place in after)

    def test_a_wrapper_above_ours_stays_and_ours_goes_inert(
        self, call: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What another library put on top is not torn out, and no span is made beneath it."""
        owner = import_module("openai._base_client").SyncAPIClient
        with watched() as spans:
            ours = owner.__dict__["request"]
            passed = []

            def theirs(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
                passed.append(client)
                return wrapped(*args, **kwargs)

            above = wrapt.FunctionWrapper(ours, theirs)
            owner.request = above
            call()
            spans.one()
            Instrumentor().uninstrument()
            assert owner.__dict__["request"] is above
            call()
            assert len(passed) == 2
            spans.one()

        with watched() as again:
            assert owner.__dict__["request"] is above
            call()
            again.one()
            owner.request = ours

    def test_a_stream_that_is_open_keeps_its_span(self) -> None:
        """A stream begun while on ends in its one span, though it is read out when off."""
        with openai_client(answer_chat) as client, watched() as spans:
            stream = client.chat.completions.create(**ASK, stream=True)
            next(stream)
            Instrumentor().uninstrument()
            assert len(list(stream)) == 2
            span = spans.one()

        assert attributes_of(span)["costspan.cost.total"] == CHAT_USD

    def test_twice_is_no_fault(self) -> None:
        """Off is off: uninstrument() without instrument() does nothing."""
        Instrumentor().uninstrument()
        Instrumentor().uninstrument()

        assert Instrumentor().costs is None
        assert Instrumentor().settings is None


class TestAgain:
    def test_same_settings_do_nothing(self, call: Any, caplog: Any, tmp_path: Path) -> None:
        """The second time the wrappers, the tracker and its sums stay, and nothing is said."""
        spans = Spans()
        settings: Any = {"tracer_provider": provider_into(spans), "local": LocalFiles(tmp_path)}
        Instrumentor().instrument(**settings)
        call()
        before, costs = functions(), Instrumentor().costs
        with caplog.at_level(logging.DEBUG, "costspan"):
            Instrumentor().instrument(**{**settings, "local": LocalFiles(tmp_path)})
        call()

        assert caplog.records == []
        assert Instrumentor().costs is costs is not None
        assert costs.summary().calls == 2
        assert all(functions()[place] is before[place] for place in before)
        assert len(spans.all()) == 2

    def test_other_settings_replace_the_old_and_say_so(self, call: Any, caplog: Any) -> None:
        """A notebook's cell that is run again: each call goes once, to the newest provider."""
        cells = [Spans(), Spans(), Spans()]
        for number, spans in enumerate(cells):
            caplog.clear()
            Instrumentor().instrument(tracer_provider=provider_into(spans), costs=CostTracker())
            call()
            assert [len(cell.all()) for cell in cells] == [1] * (number + 1) + [0] * (2 - number)
            assert Instrumentor().costs.summary().calls == 1
            said = [(r.levelname, r.name, "replace" in r.message) for r in caplog.records]
            assert said == ([("WARNING", "costspan", True)] if number else [])

    def test_a_wrong_setting_leaves_the_old_ones_in_force(self, call: Any) -> None:
        """A second instrument() that is refused changes nothing."""
        with watched() as spans:
            with pytest.raises(ConfigurationError):
                Instrumentor().instrument(capture_content="sometimes")
            call()
            spans.one()

    def test_on_after_off(self, call: Any) -> None:
        """Off and on again works any number of times."""
        for _ in range(3):
            with watched() as spans:
                call()
                spans.one()

    def test_the_old_file_gets_no_more_lines(self, call: Any, tmp_path: Path) -> None:
        """A tracker that is used again writes to the folder of the newest settings only."""
        costs = CostTracker()
        for name in ("one", "two"):
            Instrumentor().instrument(
                tracer_provider=TracerProvider(), costs=costs, local=tmp_path / name
            )
            call()
        Instrumentor().uninstrument()
        lines = {p.parent.name: p.read_text().count("\n") for p in tmp_path.rglob("*.jsonl")}

        assert lines == {"one": 1, "two": 1}
        assert costs.writers == ()


class TestWrongSettings:
    @pytest.mark.parametrize("case", BAD_SETTINGS)
    def test_raise_before_anything_is_patched(self, case: str, untouched: Any) -> None:
        """One ConfigurationError names the remedy, and the SDKs were never touched."""
        settings, remedy = BAD_SETTINGS[case]
        with pytest.raises(ConfigurationError) as caught:
            Instrumentor().instrument(**settings)

        assert remedy in str(caught.value)
        assert all(functions()[place] is untouched[place] for place in untouched)
        assert Instrumentor().costs is None

    def test_an_unknown_argument_is_a_type_error(self) -> None:
        """A misspelt argument is refused as Python does."""
        with pytest.raises(TypeError, match="capture_contents"):
            Instrumentor().instrument(capture_contents="on")

    @pytest.mark.parametrize("case", BAD_SETTINGS)
    def test_are_one_error_line_when_loaded_automatically(
        self, case: str, untouched: Any, caplog: Any
    ) -> None:
        """Under opentelemetry-instrument an exception would stop every other instrumentation."""
        settings, remedy = BAD_SETTINGS[case]
        Instrumentor().instrument(skip_dep_check=True, **settings)

        assert [(r.levelname, r.name) for r in caplog.records] == [("ERROR", "costspan")]
        assert remedy in caplog.text
        assert functions() == untouched
        assert Instrumentor().costs is None

    @pytest.mark.parametrize(
        "name", ["COSTSPAN_LOCAL", "COSTSPAN_CONFIG", "COSTSPAN_CAPTURE_CONTENT"]
    )
    def test_of_the_environment_are_found_too(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        """A wrong variable is refused from code, and said when loaded automatically."""
        file = tmp_path / "a file"
        file.write_text("no TOML")
        monkeypatch.setenv(name, str(file))
        with pytest.raises(ConfigurationError):
            Instrumentor().instrument()
        Instrumentor().instrument(skip_dep_check=True)

        assert [r.levelname for r in caplog.records] == ["ERROR"]


class TestCosts:
    def test_default_tracker_is_reachable(self, call: Any) -> None:
        """`Instrumentor().costs` is the tracker that was made, and gone after."""
        with watched():
            call()
            assert Instrumentor().costs.summary().calls == 1
        assert Instrumentor().costs is None

    def test_none_means_no_prices_and_no_budgets(self, call: Any) -> None:
        """With `costs=None` the span is there and carries no cost at all."""
        with watched(costs=None) as spans:
            call()
            found = attributes_of(spans.one())
            assert Instrumentor().costs is None

        assert found["gen_ai.usage.input_tokens"] == 1000
        assert not [name for name in found if "cost." in name]

    def test_a_given_tracker_is_used(self, call: Any) -> None:
        """The user's own tracker settles the calls, and its budget tells its sink."""
        told: list[Any] = []
        budget = Budget("tiny", usd=0.0002, per="call")
        costs = CostTracker(budgets=[budget], alerts=[told.append])
        with watched(costs=costs):
            call()
        assert costs.flush()

        assert [(one.budget, one.input_tokens, float(one.cost_usd)) for one in told] == [
            ("tiny", 1000, CHAT_USD)
        ]
