"""Which SDKs are patched, and when: imported, not yet imported, absent, too old, unknown inside."""

import importlib
import importlib.metadata
import logging
from typing import Any

import openai._base_client
import pytest

from costspan import ConfigurationError, Instrumentor
from tests.instrumentation.app import run_app
from tests.instrumentation.rig import ASK, answer_chat, openai_client, watched

HIDE = """
    import importlib.machinery, json, logging, sys

    class Without(importlib.machinery.PathFinder):
        "Finds packages as Python does, but for some that are not installed here."
        hidden = ()

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name.partition(".")[0] in cls.hidden:
                return None
            return super().find_spec(name, path, target)

    PATH = importlib.machinery.PathFinder
    sys.meta_path[:] = [Without if finder is PATH else finder for finder in sys.meta_path]
    logging.basicConfig(level=logging.DEBUG)
    from costspan import ConfigurationError, Instrumentor
"""


def old_version(monkeypatch: pytest.MonkeyPatch, package: str, version: str) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        "importlib.metadata.version", lambda name: version if name == package else real(name)
    )


@pytest.fixture
def imported_sdks() -> None:
    """Both SDKs, as an app has them that imported them before it instruments."""
    importlib.import_module("openai")
    importlib.import_module("anthropic")


class TestNotYetImported:
    def test_is_patched_when_the_app_imports_it(self) -> None:
        """`instrument()` imports no SDK; the later import makes it ready to be seen."""
        said = run_app("""
            import json, sys
            from costspan import Instrumentor

            Instrumentor().instrument()
            early = sorted({"openai", "anthropic", "httpx2", "httpx"} & set(sys.modules))
            nothing = Instrumentor().patches.patched()
            from tests.instrumentation import rig

            with rig.openai_client(rig.answer_chat) as client:
                client.chat.completions.create(**rig.ASK)
            with rig.anthropic_client(rig.answer_message) as client:
                client.messages.create(**rig.ASK_CLAUDE)
            summary = Instrumentor().costs.summary()
            print(json.dumps([early, nothing, summary.calls, str(summary.cost_usd)]))
        """).said

        early, nothing, calls, cost = said
        assert "openai" not in early
        assert "anthropic" not in early
        assert nothing == {}
        assert (calls, float(cost)) == (2, 0.01027)

    def test_is_left_alone_if_costspan_is_off_by_then(self) -> None:
        """An SDK that is imported after `uninstrument()` stays as it is installed."""
        said = run_app("""
            import json
            from costspan import Instrumentor

            Instrumentor().instrument()
            Instrumentor().uninstrument()
            import openai._base_client as base

            def is_wrapped(name):
                return hasattr(base.SyncAPIClient.__dict__[name], "__wrapped__")

            before = is_wrapped("request")
            Instrumentor().instrument()
            print(json.dumps([before, is_wrapped("request")]))
        """).said

        assert said == [False, True]

    def test_a_provider_that_is_not_wanted_is_left_alone(self) -> None:
        """`providers=` chooses: the other SDK is not patched when it is imported."""
        said = run_app("""
            import json
            from costspan import Instrumentor

            Instrumentor().instrument(providers=("anthropic",))
            import anthropic, openai

            print(json.dumps(sorted(Instrumentor().patches.patched())))
        """).said

        assert said == ["anthropic"]


class TestAbsent:
    @pytest.mark.parametrize("hidden", ["anthropic", "openai", "openai anthropic"])
    def test_is_skipped_silently(self, hidden: str) -> None:
        """What is not installed is no fault and not worth a line."""
        ran = run_app(
            HIDE
            + f"""
    Without.hidden = {hidden.split()!r}
    Instrumentor().instrument()
    for name in ("openai", "anthropic"):
        if name not in Without.hidden:
            __import__(name)
    print(json.dumps(sorted(Instrumentor().patches.patched())))
            """
        )

        assert ran.said == sorted({"openai", "anthropic"} - set(hidden.split()))
        assert "costspan" not in ran.stderr

    def test_is_an_error_if_it_was_named(self) -> None:
        """`providers=("anthropic",)` without the package says what to install."""
        ran = run_app(
            HIDE
            + """
    Without.hidden = ["anthropic"]
    try:
        Instrumentor().instrument(providers=("openai", "anthropic"))
    except ConfigurationError as error:
        print(json.dumps([str(error), Instrumentor().costs is None]))
            """
        )

        assert "pip install 'costspan[anthropic]'" in ran.said[0]
        assert ran.said[1] is True

    def test_a_blocked_import_counts_as_absent(self) -> None:
        """`sys.modules["anthropic"] = None` is Python's own way of blocking an import."""
        ran = run_app(
            HIDE
            + """
    sys.modules["anthropic"] = None
    Instrumentor().instrument()
    print(json.dumps(sorted(Instrumentor().patches.patched())))
            """
        )

        assert ran.said == []
        assert "costspan" not in ran.stderr


@pytest.mark.usefixtures("imported_sdks")
class TestTooOld:
    @pytest.mark.parametrize("version", ["1.65.9", "4.0.0", "0.28.1"])
    def test_is_left_alone_with_one_warning(
        self, version: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        """The line names the version found and the versions supported; the rest is patched."""
        old_version(monkeypatch, "openai", version)
        with watched() as spans, openai_client(answer_chat) as client:
            client.chat.completions.create(**ASK)
            patched = Instrumentor().patches.patched()

        assert list(patched) == ["anthropic"]
        assert spans.all() == []
        (record,) = caplog.records
        assert (record.levelname, record.name) == ("WARNING", "costspan")
        assert version in record.message
        assert "openai>=1.66,<4" in record.message

    def test_is_an_error_if_it_was_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A version that was asked for by name and is not supported is refused."""
        old_version(monkeypatch, "anthropic", "0.48.0")

        with pytest.raises(ConfigurationError, match=r"0\.48\.0 .* install anthropic>=0\.49,<3"):
            Instrumentor().instrument(providers=("anthropic",))

    @pytest.mark.parametrize("version", ["1.66", "1.66.0", "3.54.0rc1", "3.99.1"])
    def test_the_range_is_told_by_numbers(
        self, version: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        """The ends of the range, short versions and pre-releases are inside."""
        old_version(monkeypatch, "openai", version)
        with watched():
            assert sorted(Instrumentor().patches.patched()) == ["anthropic", "openai"]

        assert caplog.records == []


class TestMissingPlace:
    def test_is_said_once_and_the_rest_goes_on(
        self, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        """A private name that is gone costs its part alone: a line each, and calls still work."""
        monkeypatch.delattr(openai._base_client, "AsyncAPIClient")
        with caplog.at_level(logging.INFO, "costspan"), openai_client(answer_chat) as client:
            with watched() as spans:
                client.chat.completions.create(**ASK)
                assert client.chat.completions.create(**ASK).id == "chatcmpl-1"
            assert len(spans.all()) == 2

        places = [r.getMessage().split()[4] for r in caplog.records if r.levelname == "WARNING"]
        assert places == ["AsyncAPIClient.request", "AsyncAPIClient._process_response"]
