"""`opentelemetry-instrument python app.py` with COSTSPAN_* set, with the distro and without."""

import json
from decimal import Decimal
from pathlib import Path

from tests.zero_code.conftest import Ended, Launcher

# Each call uses 1,000 tokens in and 100 out. USD per million tokens, genai-prices 0.2.3:
# gpt-4o-mini 0.15 and 0.60, so 150 + 60 = 210; claude-opus-4-5 5 and 25, so 5,000 + 2,500 = 7,500.
GPT_USD, CLAUDE_USD = 0.00021, 0.0075
WITH_PROVIDER = "app_with_provider.py"
HTTP = "POST"
"""The span of a request, by opentelemetry-instrumentation-httpx."""


def costs_of(ended: Ended) -> dict[str, object]:
    """What each span says that its call cost."""
    return {
        span.name: span.attributes["costspan.cost.total"]
        for span in ended.spans
        if "costspan.cost.total" in span.attributes
    }


def lines_in(folder: Path) -> list[dict[str, object]]:
    (file,) = folder.glob("llm_trace_*.jsonl")
    return [json.loads(line, parse_float=Decimal) for line in file.read_text().splitlines()]


def test_priced_spans_leave_by_otlp(either: Launcher) -> None:
    """Nothing is set but where OTLP goes: by the distro's provider, or costspan's own."""
    ended = either.run()

    assert ended.stdout == "answered twice\n"
    assert costs_of(ended) == {"chat gpt-4o-mini": GPT_USD, "chat claude-opus-4-5": CLAUDE_USD}
    assert ended.stderr == ""


def test_the_distro_has_other_spans_beside_ours(distro: Launcher) -> None:
    """Each request's own span comes too."""
    assert sorted(span.name for span in distro.run().spans) == [
        HTTP,
        HTTP,
        "chat claude-opus-4-5",
        "chat gpt-4o-mini",
    ]


def test_without_the_distro_the_app_sets_the_provider(bare: Launcher) -> None:
    """The app's own provider gets the spans of all instrumentations."""
    ended = bare.run(WITH_PROVIDER)

    assert costs_of(ended) == {"chat gpt-4o-mini": GPT_USD, "chat claude-opus-4-5": CLAUDE_USD}
    assert len(ended.named(HTTP)) == 2


def test_a_variable_makes_the_calls_file(either: Launcher, tmp_path: Path) -> None:
    """COSTSPAN_LOCAL alone: a priced line for each call, with no exporter at all."""
    ended = either.run(COSTSPAN_LOCAL="logs", OTEL_TRACES_EXPORTER="none")

    assert ended.spans == []
    assert [(line["model"], line["cost_usd"]) for line in lines_in(tmp_path / "logs")] == [
        ("gpt-4o-mini-2024-07-18", Decimal("0.00021")),
        ("claude-opus-4-5-20251101", Decimal("0.0075")),
    ]


def test_a_file_of_settings_is_honoured(either: Launcher, tmp_path: Path) -> None:
    """COSTSPAN_CONFIG: a folder and a price of one's own, as literals and by variable."""
    (tmp_path / "costspan.toml").write_text(
        'local = "${LOGS}"\n[prices.overrides]\n"gpt-4o-mini*" = { input = 1, output = 2 }\n'
    )
    ended = either.run(COSTSPAN_CONFIG="costspan.toml", LOGS="dear")

    # 1,000 x 1 + 100 x 2 = 1,200 millionths of a dollar
    assert costs_of(ended) == {"chat gpt-4o-mini": 0.0012, "chat claude-opus-4-5": CLAUDE_USD}
    assert len(lines_in(tmp_path / "dear")) == 2


def test_providers_can_be_chosen(either: Launcher) -> None:
    """COSTSPAN_PROVIDERS: the other SDK is left alone."""
    ended = either.run(COSTSPAN_PROVIDERS="anthropic")

    assert costs_of(ended) == {"chat claude-opus-4-5": CLAUDE_USD}
    assert ended.named("chat gpt-4o-mini") == []


def test_a_dear_call_is_told_to_the_log(either: Launcher) -> None:
    """COSTSPAN_CALL_WARN_USD: one alert for the call above it, none for the one below."""
    ended = either.run(COSTSPAN_CALL_WARN_USD="0.005")

    (alert,) = ended.lines("single call")
    assert "claude-opus-4-5-20251101" in alert
    assert "cost=0.0075 " in alert


def test_content_stays_at_home_unless_it_is_asked_for(either: Launcher) -> None:
    """COSTSPAN_CAPTURE_CONTENT."""
    silent = either.run().named("chat gpt-4o-mini")
    told = either.run(COSTSPAN_CAPTURE_CONTENT="on").named("chat gpt-4o-mini")

    assert "gen_ai.input.messages" not in silent[0].attributes
    assert "Hello" in told[0].attributes["gen_ai.input.messages"]


def test_a_broken_file_leaves_the_others_alive(either: Launcher, tmp_path: Path) -> None:
    """One ERROR line that names the remedy; each request's span comes, the app ends well."""
    (tmp_path / "costspan.toml").write_text('lokal = "logs"\n')
    ended = either.run(WITH_PROVIDER, COSTSPAN_CONFIG="costspan.toml")

    assert ended.stdout == "answered twice\n"
    assert ended.lines("costspan") == [
        "costspan stays off: costspan.toml: unknown key 'lokal': did you mean 'local'?"
    ]
    assert "Traceback" not in ended.stderr
    assert len(ended.named(HTTP)) == 2
    assert costs_of(ended) == {}
