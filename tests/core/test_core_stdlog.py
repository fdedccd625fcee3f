"""Machines' lines as records of the standard library."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from engine_setups import PATIENT, fail

from am_core import ExceptionHandler, LogLevel, Machine
from am_core.stdlog import LEVELS, category_of, log_to

SCHEMA = {"A": {}, "Auto": {"auto": True, "require": ["A"]}}


class Records(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.all: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(record)

    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.all]

    def named(self, category: str) -> list[Any]:
        return [record for record in self.all if getattr(record, "category", None) == category]


@pytest.fixture
def records() -> Iterator[Records]:
    """What reaches the engine's logger, of any level."""
    logger = logging.getLogger("am_core")
    handler = Records()
    before = (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.setLevel(1)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.level, logger.propagate = before


def machine(**options: Any) -> Machine:
    return Machine(SCHEMA, id="bridged-machine", handler_timeout=PATIENT, **options)


@pytest.mark.parametrize("log_id", [True, False])
def test_records_have_the_text_and_what_it_is_about(records: Records, log_id: bool) -> None:
    """The id stands in a field and not in the text, whether lines have it or not."""
    source = machine(log_id=log_id, log_level=LogLevel.EVERYTHING)
    log_to(source)
    source.bind({"AState": lambda e: e.machine.log("100 % done\n%s")})
    source.add("A")
    said = records.named("exter")[0]
    assert (said.getMessage(), said.machine_id, said.machine_level) == (
        "[exter] 100 % done %s", "bridged-machine", "external",
    )  # fmt: skip
    assert said.transition_id.startswith(source.transition_prefix)
    assert [record.getMessage() for record in records.named("state")] == ["[state] +A", "[auto_] +Auto A"]
    assert {record.machine_id for record in records.named("handler")} == {"bridged-machine"}
    bound = records.named("handlers")[0]
    assert bound.getMessage().startswith("[handlers] bind 0:anon-")
    assert bound.transition_id == ""


def test_levels_are_mapped(records: Records) -> None:
    """Also by a mapping of one's own, which needs not be complete."""
    source = machine()
    log_to(source, level="everything", levels={LogLevel.OPS: logging.WARNING})
    assert source.log_level is LogLevel.EVERYTHING
    source.bind({"AState": lambda e: None})
    source.add("A")
    source.log("hello")
    seen = {record.machine_level: record.levelno for record in map(vars_of, records.all)}
    assert seen == {
        "external": logging.INFO,
        "changes": logging.INFO,
        "ops": logging.WARNING,
        "decisions": LEVELS[LogLevel.DECISIONS],
        "everything": LEVELS[LogLevel.EVERYTHING],
    }
    assert sorted(LEVELS.values(), reverse=True) == list(LEVELS.values())


def vars_of(record: Any) -> Any:
    """A record whose extra fields type checkers do not ask about."""
    return record


def test_errors_are_records_with_their_exception(records: Records) -> None:
    """So that handlers can print where it happened."""
    source = machine(log_level=LogLevel.CHANGES)
    log_to(source)
    source.bind(ExceptionHandler())
    source.bind({"AState": fail})
    source.add("A")
    found = records.named("error")
    assert [record.levelno for record in found] == [logging.ERROR]
    assert found[0].exc_info[0] is RuntimeError
    assert "in fail" in logging.Formatter().format(found[0])


def test_records_are_located_in_the_program(records: Records) -> None:
    """Not in the engine, and not in the bridge."""
    source = machine(log_level=LogLevel.EVERYTHING)
    log_to(source)
    source.add("A")
    source.log("hello")
    assert {record.filename for record in records.all} == {"test_core_stdlog.py"}
    assert {record.funcName for record in records.all} == {"test_records_are_located_in_the_program"}


def test_the_level_of_the_logger_counts(records: Records) -> None:
    """Beside that of the machine."""
    logging.getLogger("am_core").setLevel(logging.INFO)
    source = machine(log_level=LogLevel.EVERYTHING)
    log_to(source)
    source.add("A")
    assert {record.levelno for record in records.all} == {logging.INFO}
    source.log_level = LogLevel.NOTHING
    count = len(records.all)
    source.remove("A")
    assert len(records.all) == count


def test_any_logger_can_be_used() -> None:
    """By name or as an object; the machine's own setter ends it."""
    handler = Records()
    other = logging.getLogger("am_core_test.other")
    other.addHandler(handler)
    other.setLevel(logging.DEBUG)
    other.propagate = False
    for logger in (other, "am_core_test.other"):
        source = machine(log_level=LogLevel.EXTERNAL)
        log_to(source, logger)
        source.log("seen")
        source.set_logger(None)
        source.log("not seen")
    assert handler.texts() == ["[exter] seen"] * 2


def test_a_bridge_does_not_keep_its_machine() -> None:
    """And says nothing after it is gone."""
    source = machine()
    bridge = log_to(source, "am_core_test.gone")
    gone = weakref.ref(source)
    del source
    gc.collect()
    assert gone() is None
    bridge(LogLevel.CHANGES, "[state] +A")


def test_failing_logging_does_not_disturb_the_machine() -> None:
    """The error is kept with the machine's own."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("disk is full")

    logger = logging.getLogger("am_core_test.broken")
    logger.addHandler(Broken())
    logger.setLevel(logging.INFO)
    logger.propagate = False
    source = machine(log_level=LogLevel.CHANGES)
    log_to(source, logger)
    assert source.add("A").executed
    assert source.is_(["A", "Auto"])
    assert "disk is full" in str(source.internal_errors[0])


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("[queue:add] A", "queue"),
        ("[auto_] +A", "state"),
        ("[auto] A", "auto"),
        ("[error:RuntimeError] A", "error"),
        ("[exter] [error] no", "exter"),
        ("Traceback [x]", ""),
        ("[] A", ""),
        ("", ""),
    ],
)
def test_categories_are_what_lines_begin_with(text: str, category: str) -> None:
    """Without the part after the colon."""
    assert category_of(text) == category
