"""`costspan budgets`: what it prints of a store that another tracker fills, and the exit codes."""

import io
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from costspan import Alert, Budget, CostTracker, Prices, Rate
from costspan.cli import main
from costspan.cost.stores.contract import Claim
from costspan.cost.stores.opening import open_store
from tests.cost.calls import finished
from tests.third_party.processes import free_port

CENT = 10**10


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COSTSPAN_CONFIG", "COSTSPAN_STORE"):
        monkeypatch.delenv(name, raising=False)


class Printed:
    """What one command did."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        try:
            self.code = main(["budgets", *arguments])
        except SystemExit as stopped:
            self.code = stopped.code
        self.out, self.err = capsys.readouterr()

    @property
    def lines(self) -> list[str]:
        """The lines, each with its words one space apart."""
        return [" ".join(line.split()) for line in self.out.splitlines()]


Run = Callable[..., Printed]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *arguments: Printed(capsys, *arguments)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/costs.db"


def wait_for(url: str, names: set[str]) -> None:
    """Until a tracker's budgets are in its store: its patrol tells it, in a thread of its own."""
    store = open_store(url, 10.0)
    deadline = time.monotonic() + 60
    while store.declared().keys() < names:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    store.close()


def print_nothing(alert: Alert) -> None:
    """A sink."""


@pytest.fixture
def filled(url: str) -> CostTracker:
    """Two tickets and a call without one, now; 1,000,000 tokens in are 0.15 USD."""
    budgets = [
        Budget("all the time", usd=10, thresholds=(0.01, 1.0)),
        Budget("ticket", usd="0.20", per="session", where={"agent": "a*"}, action="block"),
        Budget("single call", usd=5, per="call"),
        Budget("month", tokens=100, window="month", timezone="Europe/Berlin"),
    ]
    prices = Prices(overrides={"gpt-4o-mini": Rate(input=0.15, output=0.60)})
    costs = CostTracker(prices=prices, budgets=budgets, alerts=[print_nothing], store=url)
    for session, agent in (("t-1", "ann"), ("t-1", "ann"), ("t-2", "ann"), (None, "ann")):
        whose = {"session": session, "agent": agent, "at": datetime.now(UTC)}
        costs.settle(finished(**whose, input_tokens=1_000_000, output_tokens=0))
    assert costs.flush(20)
    wait_for(url, {one.name for one in budgets})
    return costs


def test_the_state_of_every_budget(run: Run, url: str, filled: CostTracker):
    found = run("--store", url)

    assert found.code == 0
    alerts = found.lines.index("alerts")
    assert found.lines[:3] == [
        "all the time: 10 USD per total, action warn, told at 1%, 100%",
        "whose spent of share reserved forecast",
        "(all) 0.6 USD 10 USD 6% - -",
    ]
    assert found.lines[3].startswith(
        "month: 100 tokens per total, window month (Europe/Berlin), action warn, told at 100%, "
        "resets 2"
    )
    assert found.lines[5].startswith("(all) 4,000,000 tokens 100 tokens 4000000% - ")
    assert found.lines[6:alerts] == [
        "single call: 5 USD per call, action warn, told at 100%",
        "each call is held against it alone, so nothing is summed up",
        "ticket: 0.2 USD per session, where agent=a*, action block, told at 100%",
        "whose spent of share reserved forecast",
        "t-1 0.3 USD 0.2 USD 150% - -",
        "t-2 0.15 USD 0.2 USD 75% - -",
        "1 call without session is not counted",
    ]
    told = "\n".join(found.lines[alerts:])
    assert "UTC sent budget 'ticket' of session t-1: 0.3 USD of 0.2 USD are used" in told
    assert "UTC sent budget 'all the time': 0.15 USD of 10 USD are used (1% reached)" in told


def test_columns_stand_under_each_other(run: Run, url: str, filled: CostTracker):
    table = run("--store", url, "--name", "ticket").out.splitlines()[1:4]
    assert table == [
        "  whose     spent       of  share  reserved  forecast",
        "  t-1     0.3 USD  0.2 USD   150%         -         -",
        "  t-2    0.15 USD  0.2 USD    75%         -         -",
    ]


def test_what_is_reserved_is_shown(run: Run, url: str, filled: CostTracker):
    store = open_store(url)
    ticket = filled.budgets[1]
    counter = ticket.window.counter("ticket", "t-2", 0)
    assert store.reserve("x", [Claim(counter, 5 * CENT, 20 * CENT)], 0, 2**50) is None
    store.close()
    assert "t-2 0.15 USD 0.2 USD 75% 0.05 USD -" in run("--store", url).lines


def test_one_budget_as_json(run: Run, url: str, filled: CostTracker):
    found = run("--store", url, "--json", "--name", "ticket", "--top", "1")
    told = json.loads(found.out)

    assert set(told) == {"at", "budgets", "alerts", "not_understood"}
    assert told["budgets"] == [
        {
            "name": "ticket",
            "unit": "usd",
            "limit": 0.2,
            "per": ["session"],
            "window": None,
            "timezone": None,
            "action": "block",
            "thresholds": [1.0],
            "where": {"agent": "a*"},
            "resets_at": None,
            "used_up": True,
            "scopes_in_all": 2,
            "scopes": [
                {
                    "scope": "t-1",
                    "spent": 0.3,
                    "limit": 0.2,
                    "share": 1.5,
                    "reserved": 0,
                    "forecast": None,
                }
            ],
            "calls_skipped": 1,
        }
    ]
    (alert,) = told["alerts"]
    assert (alert["budget"], alert["scope"], alert["state"]) == ("ticket", "t-1", "reached")
    assert (alert["severity"], alert["delivery"]) == ("critical", "sent")


def test_the_rest_is_counted(run: Run, url: str, filled: CostTracker):
    assert "and 1 more, which --top shows" in run("--store", url, "--top", "1").lines


@pytest.mark.parametrize(("name", "code"), [("ticket", 1), ("all the time", 0)])
def test_check_is_for_scripts(run: Run, url: str, filled: CostTracker, name: str, code: int):
    assert run("--store", url, "--name", name, "--check").code == code


def test_the_store_of_the_environment(
    run: Run,
    url: str,
    filled: CostTracker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    file = tmp_path / "costspan.toml"
    file.write_text(f'store = "{url}"\n')
    monkeypatch.setenv("COSTSPAN_CONFIG", str(file))
    assert "t-1 0.3 USD" in " ".join(run().lines)
    monkeypatch.setenv("COSTSPAN_STORE", "memory")
    assert run().code == 2


def test_a_scope_is_set_back(run: Run, url: str, filled: CostTracker):
    done = run("--store", url, "reset", "ticket", "--scope", "t-1", "--yes")
    assert (done.code, done.out) == (0, "budget 'ticket' is set back: 1 sum forgotten\n")
    left = json.loads(run("--store", url, "--json", "--name", "ticket").out)
    assert [one["scope"] for one in left["budgets"][0]["scopes"]] == ["t-2"]
    assert left["alerts"] == []


def test_a_budget_is_set_back_and_forgotten(run: Run, url: str, filled: CostTracker):
    assert run("reset", "ticket", "--store", url, "--yes").out == (
        "budget 'ticket' is set back: 3 sums forgotten\n"
    )
    assert "nothing is spent" in run("--store", url, "--name", "ticket").lines
    assert run("reset", "ticket", "--store", url, "--yes", "--forget").code == 0
    assert run("--store", url, "--name", "ticket").code == 2


@pytest.mark.parametrize(("answer", "code", "scopes"), [("y\n", 0, 0), ("n\n", 2, 2), ("", 2, 2)])
def test_a_person_is_asked(
    run: Run,
    url: str,
    filled: CostTracker,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    scopes: int,
):
    terminal = io.StringIO(answer)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert run("reset", "ticket", "--store", url).code == code
    left = json.loads(run("--store", url, "--json", "--name", "ticket").out)
    assert left["budgets"][0]["scopes_in_all"] == scopes


def test_a_script_must_say_yes(
    run: Run, url: str, filled: CostTracker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = run("reset", "ticket", "--store", url)
    assert (done.code, done.err) == (2, "Nothing was changed: say --yes\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--name", "tickt"), "The store knows no budget 'tickt': did you mean 'ticket'?"),
        (("--name", "q"), "'q': there are 'all the time', 'month', 'single call', 'ticket'"),
        (("reset", "tickt", "--yes"), "no budget 'tickt': did you mean 'ticket'?"),
        (("reset", "ticket", "--scope", "u-9"), "no scope 'u-9': there are 't-1', 't-2'"),
        (("--top", "none"), "'none' is no count: write 20"),
    ],
)
def test_what_is_not_there(
    run: Run, url: str, filled: CostTracker, arguments: tuple[str, ...], said: str
):
    first, *others = arguments
    found = run("--store", url, first, *others)
    assert (found.code, found.out) == (2, "")
    assert said in found.err


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("memory", "memory of the process that makes the calls: it cannot be seen from here"),
        ("mysql://u:s3cret@host/db", "use one of 'memory', 'sqlite:///costs.db'"),
        ("sqlite:///none.db", "The store's file is not there"),
    ],
)
def test_a_store_that_cannot_be_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, said: str
):
    monkeypatch.chdir(tmp_path)
    found = run("--store", store)
    assert (found.code, found.out) == (2, "")
    assert said in found.err
    assert "s3cret" not in found.err
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_down(run: Run):
    pytest.importorskip("redis")
    found = run("--store", f"redis://:s3cret@127.0.0.1:{free_port()}/0")
    assert (found.code, found.out) == (3, "")
    assert found.err == "The store does not answer (ConnectionError): is it running there?\n"


def test_a_store_without_budgets(run: Run, url: str):
    with closing(open_store(url)) as store:
        store.standings([], 0)
    found = run("--store", url)
    assert found.code == 0
    assert found.out.startswith("The store knows no budgets: a process tells it")
    assert run("--store", url, "--name", "x").err == (
        "The store knows no budget 'x': there is none\n"
    )


def test_what_a_newer_release_wrote_is_named(run: Run, url: str):
    store = open_store(url)
    store.declare("odd\x1b[2J", b'{"unit": "yen", "limit": "5", "per": ["total"]}')
    store.declare("torn", b"{")
    store.close()
    found = run("--store", url)
    assert found.code == 0
    assert found.lines == [
        "odd\ufffd[2J: described by a newer costspan, which this one does not understand",
        "torn: described by a newer costspan, which this one does not understand",
    ]


def test_a_file_that_is_no_store(run: Run, tmp_path: Path):
    (tmp_path / "notes.db").write_text("not a database, but a text that is long enough\n" * 20)
    found = run("--store", f"sqlite:///{tmp_path}/notes.db")
    assert found.code == 3
    assert "SQLITE_NOTADB" in found.err


def test_the_store_is_only_read(run: Run, url: str, filled: CostTracker, tmp_path: Path):
    def rows() -> list[object]:
        with closing(sqlite3.connect(tmp_path / "costs.db")) as db:
            tables = ("spent", "reserved", "notices", "budgets")
            return [db.execute(f"SELECT * FROM costspan_{one}").fetchall() for one in tables]

    before = rows()
    assert run("--store", url).code == 0
    assert rows() == before
