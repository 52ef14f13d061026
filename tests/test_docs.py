"""The documentation: tables hold what the code holds, code runs, links lead somewhere."""

import ast
import gc
import inspect
import logging
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from anthropic import Anthropic
from msgspec import Struct
from openai import OpenAI
from opentelemetry import trace

import costspan
from costspan import (
    Budget,
    CostTracker,
    Instrumentor,
    Prices,
    Rate,
    attribution,
    cli,
    record_call,
    semconv,
    settings,
)
from costspan.alerts.alert import Alert
from costspan.alerts.webhook import body_of
from costspan.cost.budgets.survey import AlertSurvey, BudgetSurvey, ScopeState, Survey
from costspan.cost.budgets.watch import checked_budgets
from costspan.export.schema import Line
from costspan.semconv import usage
from costspan.semconv.budgets import ALERT, ALERTED_CALL
from costspan.testing import LLMServer
from tests.cli.test_budgets import wait_for
from tests.third_party.processes import free_port

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.name: page.read_text("utf-8") for page in PAGES}

ATTRIBUTE = re.compile(
    r"(gen_ai|costspan|openai|http|server|session|user|error)\.[a-z0-9_.]+[a-z0-9]"
)
NOT_ON_SPANS = {
    "http.route",  # read of the app's own span
    "gen_ai.client.inference.operation.details",  # the name of a log event
    "gen_ai.token.modality",  # of metrics, as the three that follow
    "gen_ai.token.type",
    "costspan.budget.name",
    "costspan.budget.per",
}


def fenced(language: str) -> list[tuple[str, str]]:
    """Every fenced block of a language: a name with the page and line, and its text."""
    return [
        (f"{name}:{text.count(chr(10), 0, found.start()) + 1}", found[1])
        for name, text in TEXTS.items()
        for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    ]


def first_cells(page: str, header: str) -> list[str]:
    """What stands in back quotes in the first column of the page's tables with `header`."""
    cells, inside = [], False
    for row in TEXTS[page].splitlines():
        if not row.startswith("|"):
            inside = False
        elif row.startswith(f"| {header} |"):
            inside = True
        elif inside and (found := re.match(r"\| `([^`]+)` \|", row)):
            cells.append(found[1])
    return cells


def written_attributes() -> set[str]:
    """Every attribute name that semconv spells out for spans, `KEY` for a tag's."""
    strings = {
        node.value
        for spelled in (semconv, usage)
        for node in ast.walk(ast.parse(inspect.getsource(spelled)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert "costspan.tag." in strings
    names = {text for text in strings if ATTRIBUTE.fullmatch(text)} - NOT_ON_SPANS
    return names | {"costspan.tag.KEY"}


def test_spans_page_lists_the_attributes_that_are_written() -> None:
    documented = first_cells("spans.md", "name")

    assert len(documented) == len(set(documented))
    assert set(documented) == written_attributes()


def test_calls_file_page_lists_the_fields_of_a_line_in_their_order() -> None:
    assert first_cells("calls-file.md", "field") == list(Line.__struct_fields__)


def test_alerts_page_lists_the_fields_of_the_webhooks_json() -> None:
    body = body_of(Alert(budget="b", per="total", limit=Decimal(1), spent=Decimal(1)))
    call = [f"call.{name}" for name in body["call"]]
    names = [name for field in body for name in (call if field == "call" else [field])]

    assert first_cells("alerts.md", "field") == names


def test_alerts_page_lists_the_attributes_of_the_event() -> None:
    assert first_cells("alerts.md", "attribute") == [*ALERT.values(), *ALERTED_CALL.values()]


def test_budgets_page_lists_the_keys_of_the_commands_json() -> None:
    budgets, alerts = keys_of("budgets[]", BudgetSurvey), keys_of("alerts[]", AlertSurvey)
    after = budgets.index("budgets[].scopes") + 1
    budgets[after:after] = keys_of("budgets[].scopes[]", ScopeState)
    lists = {"budgets": budgets, "alerts": alerts}
    keys = [key for one in Survey.__struct_fields__ for key in (one, *lists.get(one, ()))]

    assert first_cells("budgets.md", "key of `--json`") == keys


def keys_of(place: str, kind: type[Struct]) -> list[str]:
    return [f"{place}.{name}" for name in kind.__struct_fields__]


def test_budgets_page_offers_budgets_that_can_be_made() -> None:
    offered = re.findall(r"`(Budget\(.+\))`", TEXTS["budgets.md"])
    budgets = checked_budgets([eval(code, {"Budget": Budget}) for code in offered])

    assert len(budgets) == 10


def test_budgets_page_shows_what_the_command_prints(
    user: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budgets = [
        Budget("one ticket", usd=2, per="session", action="block"),
        Budget("single call", usd=1, per="call", alerts=[]),
        Budget("the bill", usd=2, thresholds=(0.5, 1.0)),
    ]
    prices = Prices(overrides={"m": Rate(input=1, output=1)})
    costs = CostTracker(prices=prices, budgets=budgets, store="sqlite:///costs.db")
    Instrumentor().instrument(costs=costs)
    for session, tokens in (("ticket-17", 1_900_000), ("ticket-18", 1_000_000), (None, 1_000_000)):
        with attribution(session=session), record_call(model="m") as call:
            call.set_usage(input_tokens=tokens, output_tokens=0)
    assert costs.flush(20)
    wait_for("sqlite:///costs.db", {budget.name for budget in budgets})
    (shown,) = [text for name, text in fenced("text") if "$ costspan budgets" in text]
    command, *lines = shown.splitlines()

    assert cli.main(shlex.split(command)[2:]) == 0

    printed = capsys.readouterr().out.splitlines()
    assert printed[: printed.index("alerts")] == lines


def test_configuration_page_lists_the_variables() -> None:
    spelled = set(re.findall(r"COSTSPAN_[A-Z_]+", inspect.getsource(settings))) - {"COSTSPAN_"}

    assert set(first_cells("configuration.md", "variable")) == spelled


def test_configuration_page_lists_the_arguments_of_instrument() -> None:
    described = re.findall(r"^    (\w+): ", str(inspect.getdoc(Instrumentor.instrument)), re.M)
    arguments = [name for name in described if not name.endswith("Error")]

    assert len(arguments) == 11
    assert set(first_cells("configuration.md", "argument")) == set(arguments)


def test_every_exported_name_is_on_some_page() -> None:
    docs = "\n".join(text for name, text in TEXTS.items() if name != "README.md")
    prose = re.sub(r"^```.*?^```$", "", docs, flags=re.M | re.S)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", prose))))
    words |= set(re.findall(r"\w+", " ".join(text for _, text in fenced("python"))))

    assert set(costspan.__all__) - words == set()


def test_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", TEXTS["index.md"]))

    assert linked == {page.name for page in PAGES} - {"README.md", "index.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page.name]):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """The headings of a page, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with LLMServer() as running:
        yield running


@pytest.fixture
def user(server: LLMServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder and an environment as a reader has them, the providers stood for by the server."""
    for name, value in {
        "OPENAI_BASE_URL": server.openai_url,
        "ANTHROPIC_BASE_URL": server.anthropic_url,
        "OPENAI_API_KEY": "key",
        "ANTHROPIC_API_KEY": "key",
        "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T000/B000/XXX",
        "PAGERDUTY_ROUTING_KEY": "R0123456789abcdef0123456789abcde",
        "ALERTS_SECRET": "secret",
        "ALERTS_TOKEN": "token",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", trace.Once())
    logger = logging.getLogger("costspan")
    level = logger.level
    yield tmp_path
    Instrumentor().uninstrument()
    shut_down = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shut_down is not None:
        shut_down()
    logger.setLevel(level)
    close_clients()


def close_clients() -> None:
    """Close what the short programs of the docs leave open, as their process would by ending.

    Else the sockets are collected, with a warning, in the middle of whatever test comes next.
    """
    for one in gc.get_objects():
        if issubclass(type(one), (Anthropic, OpenAI)):
            one.close()


@pytest.mark.parametrize(("name", "code"), fenced("python"), ids=[n for n, _ in fenced("python")])
def test_python_runs_and_prints_what_its_comments_say(
    user: Path, capsys: pytest.CaptureFixture[str], name: str, code: str
) -> None:
    here = code.replace("9464", str(free_port()))  # another may have taken it
    exec(compile(here, name, "exec"), {"__name__": "__main__"})

    printed = capsys.readouterr().out
    for said in re.findall(r"^\s*print\(.*\)  # (.+)$", code, re.M):
        assert said in printed


@pytest.mark.parametrize(("name", "text"), fenced("toml"), ids=[n for n, _ in fenced("toml")])
def test_toml_is_accepted(
    user: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    (user / "costspan.toml").write_text(text)
    monkeypatch.setenv("COSTSPAN_CONFIG", "costspan.toml")

    Instrumentor().instrument()

    tracker = Instrumentor().costs
    assert tracker is not None
    written = re.findall(r'^\[\[budgets\]\]\nname = "(.+)"', text, re.M)
    assert [budget.name for budget in tracker.budgets] == written
    assert written


@pytest.mark.parametrize(("name", "text"), fenced("console"), ids=[n for n, _ in fenced("console")])
def test_commands_print_what_the_page_shows(
    user: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    """`$ cat FILE` shows a file that the commands after it read."""
    for command, shown in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.M):
        program, *arguments = shlex.split(command)
        if program == "cat":
            (user / arguments[0]).write_text(shown)
            continue
        assert program == "costspan"
        cli.main(arguments)
        assert lasting(capsys.readouterr().out) == lasting(shown), command


def lasting(output: str) -> list[str]:
    """The lines that are the same tomorrow: not the one of the table's own date."""
    return [line for line in output.splitlines() if not line.startswith("table ")]


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_one_liners_run_over_a_file_of_ours(user: Path) -> None:
    exec(dict(fenced("python"))[first_call()], {"__name__": "__main__"})
    lines = [text for _, block in fenced("sh") for text in block.splitlines() if text[:2] == "jq"]

    outputs = [
        subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
        for line in lines
    ]

    assert len(outputs) >= 4
    assert float(outputs[0]) > 0


def first_call() -> str:
    return next(name for name, _ in fenced("python") if name.startswith("getting-started.md"))


def test_doctor_says_the_topics_of_the_page(
    user: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTSPAN_LOCAL", "logs")
    exec(dict(fenced("python"))[first_call()], {"__name__": "__main__"})
    Instrumentor().uninstrument()
    capsys.readouterr()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")

    assert cli.main(["doctor"]) == 1

    sample = next(text for name, text in fenced("text") if name.startswith("troubleshooting"))
    printed = topics(capsys.readouterr().out)
    assert printed == topics(sample)
    described = re.findall(r"`([^`]+)`", " ".join(_topic_cells()))
    assert set(printed) - {""} <= set(described)


def _topic_cells() -> list[str]:
    """The first column of troubleshooting's table of topics."""
    table = TEXTS["troubleshooting.md"].partition("| topic |")[2].partition("\n\n")[0]
    return [row.split("|")[1] for row in table.splitlines()[2:]]


def topics(output: str) -> list[str]:
    """What stands in the first column, each once."""
    return list(dict.fromkeys(line.partition("  ")[0] for line in output.splitlines()))
