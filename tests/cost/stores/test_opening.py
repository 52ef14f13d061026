"""From a URL to a store; a wrong one is told with its remedy, and never with its password."""

import logging
import sys
from pathlib import Path

import pytest

from costspan import ConfigurationError
from costspan.cost.stores.contract import StoreDown
from costspan.cost.stores.memory import MemoryStore
from costspan.cost.stores.opening import open_store
from tests.cost.stores.settled import MONTH, NOW

SECRET = "s3cret-canary"


def refused(url: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        open_store(url)  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    return str(caught.value)


def test_memory():
    assert isinstance(open_store("memory"), MemoryStore)


def test_a_file_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///costs%20here.db", 30)
    monkeypatch.chdir("/")  # the folder that was current when it was named
    store.standings([MONTH], NOW)
    assert (tmp_path / "costs here.db").exists()
    store.close()


def test_a_file_by_its_absolute_path(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/costs.db", 30)
    assert not (tmp_path / "costs.db").exists()  # not before its first use
    store.standings([MONTH], NOW)
    assert (tmp_path / "costs.db").exists()
    store.close()


@pytest.mark.parametrize(
    "url", ["sqlite://costs.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a/?b"]
)
def test_a_path_that_is_none(url: str):
    assert "'sqlite:///costs.db' is in the current folder" in refused(url)


def test_a_folder_that_is_missing(tmp_path: Path):
    assert f"make the folder '{tmp_path}/none' first" in refused(f"sqlite:///{tmp_path}/none/a.db")
    assert "is a folder" in refused(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    "url",
    ["memmory", "sqlite", f"mysql://user:{SECRET}@host/db", f"user:{SECRET}@host", "", None, 5],
)
def test_an_unknown_kind(url: object):
    assert "'redis://host:6379/0'" in refused(url)


def test_a_word_is_shown_as_it_was_written():
    assert refused("memmory").startswith("store='memmory': use one of 'memory',")


@pytest.mark.parametrize(
    ("scheme", "module", "extra"),
    [
        ("redis", "redis", "redis"),
        ("rediss", "redis", "redis"),
        ("postgresql", "psycopg", "postgres"),
        ("postgres", "psycopg", "postgres"),
    ],
)
def test_a_package_that_is_missing(
    scheme: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, module, None)
    said = refused(f"{scheme}://user:{SECRET}@host/0")
    assert f"pip install 'costspan[{extra}]'" in said


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
@pytest.mark.parametrize("rest", ["/#@host/0", "@host:port/0", "@host/0?unknown=1"])
def test_an_address_that_cannot_be_read(scheme: str, rest: str):
    pytest.importorskip("redis")
    pytest.importorskip("psycopg")
    assert "special characters of a password" in refused(f"{scheme}://u:{SECRET}{rest}")


@pytest.mark.parametrize("scheme", ["redis", "rediss", "postgresql"])
def test_a_password_is_never_shown(scheme: str, caplog: pytest.LogCaptureFixture):
    pytest.importorskip("redis")
    pytest.importorskip("psycopg")
    caplog.set_level(logging.DEBUG)
    store = open_store(f"{scheme}://user:{SECRET}@127.0.0.1:1/0")
    with pytest.raises(StoreDown) as caught:
        store.summary()
    shown = [str(caught.value), repr(caught.value), repr(store), str(store), caplog.text]
    assert "is down" in caplog.text
    assert not [text for text in shown if SECRET in text or "127.0.0.1" in text]
    assert caught.value.__cause__ is caught.value.__context__ is None
    store.close()
