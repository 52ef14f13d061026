"""`costspan prices`: what it prints, and the exit codes that a script goes by."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.cli import main
from tests.cost.pricing.small_table import written


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTSPAN_CONFIG", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A file with a small table, and rates of one's own."""
    file = tmp_path / "costspan.toml"
    file.write_text(
        f'[prices]\ntable = "{written(tmp_path)}"\n[prices.overrides]\n'
        '"ollama/*" = "free"\n"gpu-box:8000/*" = { gpu_usd_per_hour = 3.60 }\n'
        '"mine" = { input = 0.10, output = 0.40 }\n'
    )
    return str(file)


class Printed:
    """What one command did."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        try:
            self.code = main(["prices", *arguments])
        except SystemExit as stopped:
            self.code = stopped.code
        self.out, self.err = capsys.readouterr()

    def of(self, topic: str) -> list[str]:
        """The lines of a topic."""
        lines, current = [], ""
        width = max(len(line.partition("  ")[0]) for line in self.out.splitlines()) + 2
        for line in self.out.splitlines():
            current = line[:width].strip() or current
            if current == topic:
                lines.append(" ".join(line[width:].split()))
        return lines


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    return lambda *arguments: Printed(capsys, *arguments)


class TestModel:
    def test_a_price_in_words(self, run, config: str):
        found = run("plain-1", "--config", config, "--at", "2026-11-22")
        assert found.code == 0
        assert found.of("USD") == [
            "1.5 per million input tokens",
            "0.15 per million cache read tokens",
            "6 per million output tokens",
            "10 per 1,000 web searches",
        ]
        assert found.of("row") == ["plain-1 of openai, exact: the row names this id"]
        assert found.of("provider") == ["openai, as no --provider was given"]
        assert found.of("also by") == ["aardvark"]
        assert found.of("since") == ["2026-03-13"]
        assert found.of("changes") == ["2027-01-01"]
        assert found.of("also for") == ["--tier batch since 2026-10-14; --speed fast"]
        assert found.of("no rate")[0].startswith("cache write, input audio")
        assert found.of("call") == []

    def test_the_dollars_of_a_call(self, run, config: str):
        """(1,000 - 600) x 1.5 + 600 x 0.15 + 10 x 6 millionths; 60 of the input are no cache
        write that the row has a rate for."""
        asked = ("plain-1", "--config", config, "--at", "2026-11-22", "--input", "1,000")
        found = run(*asked, "--cache-read", "600", "--output", "10")
        assert found.of("call") == [
            "0.0006 input, 400 tokens",
            "0.00009 cache read, 600 tokens",
            "0.00006 output, 10 tokens",
            "0.00075 USD in all, priced",
        ]
        partial = run(*asked, "--cache-write", "60")
        assert partial.of("call")[-1] == "0.00141 USD in all, partial, missing cache_write_tokens"

    def test_the_size_that_holds_is_marked(self, run, config: str):
        found = run("long-1", "--config", config, "--input", "200,001")
        assert found.of("USD")[0] == "1 / [2] per million input tokens"
        assert found.of("size") == [
            "a prompt of more than 200,000 tokens has the later rate for the whole call"
        ]
        assert run("long-1", "--config", config).of("USD")[0] == "1 / 2 per million input tokens"

    def test_cached_tokens_alone_are_the_input(self, run, config: str):
        found = run("plain-1", "--config", config, "--cache-read", "10", "--at", "2026-11-22")
        assert found.of("call")[-1] == "0.0000015 USD in all, priced"

    def test_a_tier(self, run, config: str):
        batch = run("plain-1", "--config", config, "--tier", "batch", "--at", "2026-11-22")
        assert batch.of("USD")[0] == "0.75 per million input tokens"
        assert batch.of("tier") == ["batch, whose rates began 2026-10-14"]
        flex = run("plain-1", "--config", config, "--tier", "flex")
        assert flex.of("lacks") == [
            "rates for this service_tier: the plain ones are taken, and the call is partial"
        ]

    def test_the_hours_of_a_price(self, run, config: str):
        found = run("night-9", "--config", config, "--at", "2026-11-22T18:00")
        assert found.of("hours") == ["16:30 to 23:00 UTC, each day"]

    def test_a_borrowed_row(self, run, config: str):
        found = run("long-1", "--config", config, "--provider", "azure")
        assert found.of("row") == [
            "long-1 of openai, exact: the row names this id",
            "azure has no row of its own for it",
        ]

    @pytest.mark.parametrize(
        ("asked", "price", "origin"),
        [
            (("mine",), "0.1 per million input tokens", 'your own rate, "mine"'),
            (("x", "--provider", "ollama"), "free", 'your own rate, "ollama/*"'),
            (
                ("x", "--host", "gpu-box:8000"),
                "3.6 per hour that the call runs",
                'your own rate, "gpu-box:8000/*"',
            ),
        ],
    )
    def test_a_rate_of_ones_own(self, run, config: str, asked, price: str, origin: str):
        found = run(*asked, "--config", config)
        assert (found.code, found.of("USD")[0], found.of("from")) == (0, price, [origin])

    def test_a_price_by_time(self, run, config: str):
        """2 seconds of 3.60 USD an hour."""
        asked = ("x", "--host", "gpu-box:8000", "--config", config)
        assert run(*asked, "--seconds", "2").of("call") == ["0.002 USD in all, priced"]
        assert run(*asked, "--input", "2").of("call") == ["say with --seconds how long it ran"]

    def test_the_file_of_the_environment(self, run, config: str, monkeypatch):
        monkeypatch.setenv("COSTSPAN_CONFIG", config)
        assert run("mine").code == 0

    def test_a_model_nobody_knows(self, run):
        found = run("claude-haiku-3-5", "--provider", "anthropic")
        assert found.code == 1
        assert found.of("price") == ["none is known for claude-haiku-3-5 of anthropic"]
        assert found.of("nearest")[0].startswith("claude-3-5-haiku-latest")
        assert found.of("add one") == [
            'Prices(overrides={"claude-haiku-3-5": Rate(input=..., output=...)})',
            "or, in the file under [prices.overrides],",
            '"claude-haiku-3-5" = { input = ..., output = ... }',
        ]

    def test_who_else_sells_it_and_what_was_misspelt(self, run):
        found = run("gpt-4o", "--provider", "opnai")
        assert found.code == 1
        assert found.of("provider") == ["nobody knows opnai; did you mean openai?"]
        assert "openai" in found.of("sold by")[0]

    def test_nothing_is_wider_than_a_screen(self, run):
        assert max(map(len, run("gpt-5.2", "--input", "9").out.splitlines())) <= 100

    def test_json_for_a_script(self, run, config: str):
        found = run("plain-1", "--config", config, "--input", "3", "--json", "--at", "2026-11-22")
        facts = json.loads(found.out, parse_float=Decimal)
        assert (found.code, facts["model"], facts["row"]) == (0, "plain-1", "plain-1")
        assert facts["rates"][0] == {
            "count": "input_tokens",
            "per": 1_000_000,
            "usd": [Decimal("1.5")],
        }
        assert facts["cost"]["total_usd"] == Decimal("0.0000045")
        assert run("nothing", "--config", config, "--json").code == 1

    def test_a_file_that_refreshes_fetches_nothing(self, run, tmp_path: Path, monkeypatch):
        monkeypatch.setattr("costspan.cost.pricing.table.Table.fetched", pytest.fail)
        file = tmp_path / "fresh.toml"
        file.write_text("[prices]\nrefresh = true\n")
        assert run("gpt-4o", "--config", str(file)).code == 0
        assert run("--check", str(file)).code == 0


class TestMisuse:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "is required"),
            (("m", "--check", "f"), "not allowed with"),
            (("--check", "f", "--tier", "batch"), "--tier is said of a MODEL"),
            (("--compare", "a", "b", "--cache-read", "1"), "--cache-read is said of a MODEL"),
            (("m", "--input", "-1"), "'-1' is no count: write 1200"),
            (("m", "--input", "many"), "'many' is no count"),
            (("m", "--seconds", "-1"), "is no length of time"),
            (("m", "--seconds", "nan"), "is no length of time"),
            (("m", "--host", "a:b"), "write HOST or HOST:PORT"),
            (("m", "--at", "soon"), "write 2026-11-22"),
            (("m", "--config", "/no/such/file"), "cannot be read"),
            (("--check", "/no/such/file"), "cannot be read"),
            (("--compare", "bundled", "/no/such/file"), "cannot be read"),
        ],
    )
    def test_it_is_said_with_exit_code_2(self, run, arguments: tuple[str, ...], said: str):
        found = run(*arguments)
        assert (found.code, found.out) == (2, "")
        assert said in found.err


class TestCheck:
    def test_every_fault_with_its_place(self, run, tmp_path: Path):
        file = tmp_path / "wrong.toml"
        file.write_text('[prices]\nunknown = "wran"\n[prices.overrides]\n"x/" = "free"\n')
        found = run("--check", str(file))
        assert found.code == 1
        first, second, last = found.out.splitlines()
        assert first.startswith(f"{file}:2:prices.unknown: Prices(unknown='wran')")
        assert second.startswith(f'{file}:4:prices.overrides."x/": it names no model')
        assert last == f"{file}: 2 errors"

    def test_a_note_is_no_error(self, run, tmp_path: Path):
        file = tmp_path / "odd.toml"
        file.write_text('[prices.overrides]\n"ollma/*" = "free"\n')
        found = run("--check", str(file))
        assert (found.code, found.out.count(": note: ")) == (0, 1)
        assert found.out.splitlines()[-1] == f"{file}: no errors"

    def test_json_for_a_script(self, run, tmp_path: Path):
        file = tmp_path / "wrong.toml"
        file.write_text("[prices]\nage = 1\n")
        found = run("--check", str(file), "--json")
        ((fault),) = json.loads(found.out)
        assert (found.code, fault["level"], fault["line"], fault["key"]) == (
            1,
            "error",
            2,
            "prices.age",
        )


class TestCompare:
    def test_what_changed(self, run, tmp_path: Path):
        before = written(tmp_path)
        after = tmp_path / "after.json"
        after.write_text(before.read_text().replace('"input_mtok": 3,', '"input_mtok": 6,', 1))
        found = run("--compare", str(before), str(after))
        assert found.code == 0
        assert found.out == "aardvark/plain-1 input_mtok: 3 -> 6 USD (x 2)\n1 change\n"
        (change,) = json.loads(run("--compare", str(before), str(after), "--json").out)
        assert (change["provider"], change["before"], change["after"]) == ("aardvark", 3, 6)

    def test_nothing_changed(self, run):
        found = run("--compare", "bundled", "bundled")
        assert (found.code, found.out) == (0, "no changes\n")
