"""The guard: our own faults are logged and swallowed, everybody else's pass."""

import logging
import threading

import pytest

from costspan import BudgetExceeded, ConfigurationError, guard
from costspan.guard import quieted, quietly

pytestmark = pytest.mark.faults
SECRET = "what the user said"


def fail(error: BaseException, then: object = None) -> None:
    raise error


def through_block(error: BaseException, what: str) -> None:
    with quietly(what):
        fail(error)


def through_function(error: BaseException, what: str) -> None:
    quieted(what, fail)(error, None)


both = pytest.mark.parametrize("through", [through_block, through_function])


@pytest.fixture(autouse=True)
def _at_debug(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "costspan")


@both
def test_a_fault_is_swallowed_counted_and_said(through, caplog: pytest.LogCaptureFixture):
    before = guard.faults()
    through(LookupError(SECRET), f"one {through.__name__}")
    assert guard.faults() == before + 1
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert f"one {through.__name__} (LookupError)" in record.message
    assert "the call itself is not affected" in record.message
    assert "test_guard.py" in record.message


@both
def test_its_message_is_never_logged(through, caplog: pytest.LogCaptureFixture):
    through(LookupError(SECRET), f"secret {through.__name__}")
    assert SECRET not in caplog.text
    assert caplog.records[0].exc_info is None


@both
def test_the_same_kind_is_loud_once(through, caplog: pytest.LogCaptureFixture):
    what = f"often {through.__name__}"
    for error in (KeyError(1), KeyError(2), ValueError(3), KeyError(4)):
        through(error, what)
    assert [r.levelname for r in caplog.records] == ["ERROR", "DEBUG", "ERROR", "DEBUG"]


@both
@pytest.mark.parametrize(
    "error",
    [
        BudgetExceeded("over", reason="limit"),
        ConfigurationError("wrong"),
        KeyboardInterrupt(),
        SystemExit(3),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_user_asked_for_passes(through, error: BaseException):
    before = guard.faults()
    with pytest.raises(type(error)) as caught:
        through(error, "nothing")
    assert caught.value is error
    assert guard.faults() == before


def test_where_nobody_can_catch_it_even_ours_is_swallowed():
    before = guard.faults()
    with quietly("telling nobody", even_asked_for=True):
        raise BudgetExceeded("over", reason="limit")
    assert guard.faults() == before + 1


def test_what_works_is_left_alone(caplog: pytest.LogCaptureFixture):
    before = guard.faults()
    with quietly("working"):
        pass
    assert quieted("adding", lambda one, other: one + other)(1, 2) == 3
    assert (guard.faults(), caplog.records) == (before, [])


def test_a_failed_function_gives_none():
    assert quieted("failing for none", lambda one, other: one / other)(1, 0) is None


def test_faults_of_threads_are_all_counted():
    before, start = guard.faults(), threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(200):
            through_block(ValueError(), "in threads")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert guard.faults() == before + 1600
