"""Other instrumentations of the same SDKs are found, at work or only installed."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import wrapt
from openai.resources.chat.completions import Completions

from costspan.doctor.rivals import rivals

NAME = "openinference.instrumentation.openai"
CODE = """
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

class OpenAIInstrumentor(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return ()
    def _instrument(self, **kwargs):
        pass
    def _uninstrument(self, **kwargs):
        pass

def wrapper(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)
"""


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ModuleType]]:
    """Another instrumentation of openai, installed; gives a function that imports it."""
    module = tmp_path / NAME.replace(".", "/")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text(CODE)
    info = tmp_path / "openinference_instrumentation_openai-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: openinference-instrumentation-openai\nVersion: 1.2\n")
    entry = f"[opentelemetry_instrumentor]\nopenai = {NAME}:OpenAIInstrumentor\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", raising=False)
    yield lambda: import_module(NAME)
    for name in [one for one in sys.modules if one.split(".")[0] == "openinference"]:
        del sys.modules[name]


def test_nothing_else() -> None:
    (finding,) = rivals()
    assert (finding.severity, finding.text) == ("ok", "nothing else instruments the same SDKs")


def test_one_that_is_installed_only(other: Callable[[], ModuleType]) -> None:
    (finding,) = rivals()

    assert finding.severity == "note"
    assert finding.text.startswith("openinference-instrumentation-openai 1.2: installed")
    assert finding.remedy == "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=openai keeps it off"
    assert NAME not in sys.modules


@pytest.mark.parametrize("names", ["openai", "flask, openai", "*"])
def test_one_that_is_switched_off(
    other: Callable[[], ModuleType], monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", names)

    (finding,) = rivals()

    assert finding.severity == "ok"


def test_one_at_work(other: Callable[[], ModuleType]) -> None:
    instrumentor = other().OpenAIInstrumentor()
    instrumentor.instrument()

    (finding,) = rivals()

    instrumentor.uninstrument()
    assert finding.severity == "warning"
    assert finding.text.startswith(f"{NAME} instruments the same SDKs")
    assert "(openai)" in str(finding.remedy)
    assert [one.severity for one in rivals()] == ["note"]


def test_one_that_is_seen_by_its_wrapper_alone(
    other: Callable[[], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = other().wrapper
    monkeypatch.setattr(Completions, "create", wrapt.FunctionWrapper(Completions.create, wrapper))

    finding = next(rivals())

    assert finding.severity == "warning"
    assert NAME in finding.text


def test_our_own_patches_are_none(instrumented: object) -> None:
    assert [one.severity for one in rivals()] == ["ok"]
