"""Addresses, versions, and what is said where a database cannot be had."""

import sqlite3
import sys
from pathlib import Path

import pytest

from costspan.cli import main
from costspan.cost.stores.opening import open_store
from costspan.errors import ConfigurationError
from costspan.report.databases import tables
from costspan.report.databases.address import address, is_address
from costspan.report.databases.loading import load
from costspan.report.databases.opening import loading
from costspan.report.query import Question, ask
from tests.cost.stores.servers import PASSWORD, needs_postgres
from tests.report.databases.tables import asked, calls
from tests.report.folders import line, write
from tests.third_party.processes import free_port


@pytest.mark.parametrize("place", ["logs", Path("sqlite:"), "/var/logs", "C:\\logs", "sqlite"])
def test_folders_are_no_addresses(place: object):
    assert not is_address(place)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root:s3cret-canary@host/db", "'mysql:...' is no database: write sqlite:///"),
        ("x.db", "'x.db' is no database"),
        ("sqlite://x.db", "names no file"),
        ("sqlite://u:s3cret-canary@host/x.db", "'sqlite:...' names no file"),
        ("sqlite:x.db", "'sqlite:...' is no database"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////no/such/folder/x.db", "make the folder '/no/such/folder' first"),
        ("sqlite:////tmp", "is a folder, name a file in it"),
        ("postgresql://u:s3cret-canary@host:port/db", "cannot be read; write it as postgresql://"),
        ("postgresql://u:a/s3cret-canary@host/db", "special characters of a password as %XX"),
        ("postgresql://u:a@s3cret-canary@host/db", "special characters of a password as %XX"),
        ("postgresql://u:s3cret-canary@[host/db", "special characters of a password as %XX"),
    ],
)
def test_a_wrong_address(url: str, said: str):
    with pytest.raises(ConfigurationError) as fault:
        address(url)
    assert said in str(fault.value)
    assert PASSWORD not in str(fault.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://ann:s3cret-canary@db.example:5433/calls",
            "postgresql://ann@db.example:5433/calls",
        ),
        ("postgres://ann@db/calls?password=s3cret-canary", "postgresql://ann@db/calls"),
        ("postgresql:///calls?host=/run", "postgresql:///run/calls"),
        ("postgresql://db", "postgresql://db/"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str):
    assert address(url).shown == shown
    assert PASSWORD not in repr(address(url))


def test_a_report_over_a_wrong_address_shows_no_password():
    with pytest.raises(ConfigurationError, match=r"'mysql:\.\.\.' is no database") as fault:
        ask(Question([f"mysql://root:{PASSWORD}@host/db"]))
    assert PASSWORD not in str(fault.value)


@pytest.mark.parametrize("place", ["postgresql://u:{}@host/db", "postgresql//u:{}@host/db"])
@pytest.mark.parametrize("command", [["load", "--into", "sqlite:///x.db"], ["show", "a" * 32]])
def test_a_place_that_is_no_folder_shows_no_password(
    place: str, command: list[str], tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main([*command, place.format(PASSWORD)]) == 2
    said = capsys.readouterr().err
    assert "postgresql" in said
    assert PASSWORD not in said


def test_a_file_of_sqlite_that_is_given_as_a_file(tmp_path: Path):
    write(tmp_path, line())
    database = tmp_path / "x.db"
    load([tmp_path], address(f"sqlite:///{database}"))
    with pytest.raises(ConfigurationError) as fault:
        ask(Question([str(database)]))
    url = str(fault.value).split()[-1]
    assert ask(Question([url])).total.calls == 1


def test_without_psycopg_one_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'costspan\[postgres\]'"):
        address("postgresql://db/calls")


def test_nobody_listens():
    url = f"postgresql://ann:{PASSWORD}@127.0.0.1:{free_port()}/calls"
    with pytest.raises(ConfigurationError) as fault:
        load([], address(url))
    assert "Connection refused" in str(fault.value)
    assert PASSWORD not in str(fault.value)


@pytest.mark.system
@pytest.mark.postgres
@needs_postgres
def test_a_wrong_password(postgres):
    url = postgres.url.replace(PASSWORD, "an%20other")
    with pytest.raises(ConfigurationError, match="password authentication failed") as fault:
        load([], address(url))
    assert "other" not in str(fault.value)


def test_what_a_library_says_is_masked():
    into = address(f"postgresql://ann:{PASSWORD}@db/calls")
    assert into.masked(f"cannot do\n\t'{PASSWORD}'") == "cannot do '***'"


def test_a_file_that_is_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is said, and the file is let go; Python 3.13 warns of a connection that nobody ended."""
    made = []
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **kwargs: made.append(connect(*args, **kwargs)) or made[0]
    )
    (tmp_path / "x.db").write_text("calls, calls, calls\n" * 100)
    with pytest.raises(ConfigurationError, match=r"x\.db: file is not a database"):
        load([], address(f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        made[0].commit()


def test_a_report_over_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="there is no such file"):
        ask(Question([f"sqlite:///{tmp_path}/x.db"]))
    assert not (tmp_path / "x.db").exists()


def test_a_report_over_a_database_that_holds_no_calls(tmp_path: Path):
    sqlite3.connect(tmp_path / "x.db").close()
    url = f"sqlite:///{tmp_path}/x.db"
    with pytest.raises(ConfigurationError, match=f"costspan load FOLDER --into {url}"):
        ask(Question([url]))


def test_a_newer_version_is_refused(url: str, tmp_path: Path):
    folder = write(tmp_path / "logs", line())
    load([folder], address(url))
    asked(url, f"UPDATE {tables.VERSIONS} SET version = 2")
    remedy = "made by a newer costspan .* pip install --upgrade costspan"
    with pytest.raises(ConfigurationError, match=remedy):
        load([folder], address(url))
    with pytest.raises(ConfigurationError, match=remedy):
        ask(Question([url]))


def test_an_older_version_gets_what_it_lacks(url: str, tmp_path: Path):
    """As if `reasoning_tokens` and `tools_usd` had come with this version."""
    folder = write(tmp_path / "logs", line(agent="old"))
    load([folder], address(url))
    money = "tools_picos" if url.startswith("sqlite") else "tools_usd"
    if url.startswith("sqlite"):
        asked(url, "DROP VIEW costspan_calls")
    for column in ("reasoning_tokens", money):
        table = "costspan_calls_exact" if url.startswith("sqlite") else "costspan_calls"
        asked(url, f"ALTER TABLE {table} DROP COLUMN {column}")
    asked(url, f"UPDATE {tables.VERSIONS} SET version = 0")

    assert ask(Question([url])).total.calls == 1
    write(folder, line(agent="old"), line(agent="new", reasoning_tokens=7, tools_usd="0.25"))
    assert load([folder], address(url)).new == 1
    found = calls(url, "agent", "reasoning_tokens", "tools_usd")
    assert [(a, r, t and float(t)) for a, r, t in found] == [("new", 7, 0.25), ("old", None, None)]
    assert asked(url, f"SELECT version FROM {tables.VERSIONS}") == [(1,)]


def test_the_tables_stand_beside_those_of_a_store(tmp_path: Path):
    """One file may be the store of budgets and hold the calls."""
    url = f"sqlite:///{tmp_path}/costs.db"
    folder = write(tmp_path / "logs", line())
    store = open_store(url)
    try:
        load([folder], address(url))
        assert ask(Question([url])).total.calls == 1
    finally:
        store.close()


def test_making_the_tables_twice_at_once_is_harmless(url: str):
    with loading(address(url)) as first, loading(address(url)) as second:
        assert first.tables() == second.tables()
