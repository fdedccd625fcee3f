"""``init`` costs nothing unless it is wanted, and never disturbs the program."""

from __future__ import annotations

import json

import pytest
from hubs import free_port, run_program

LOADED = """
import json, sys
before = set(sys.modules)
{code}
roots = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(root for root in roots if root not in sys.stdlib_module_names)))
"""


def loaded(code: str, address: object = "") -> list[str]:
    done = run_program(LOADED.format(code=code), address)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_importing_loads_nothing_but_itself() -> None:
    assert loaded("import am_telemetry") == ["am_telemetry"]


def test_without_an_address_nothing_is_loaded_and_the_handle_does_nothing() -> None:
    code = """
import am_telemetry, threading
with am_telemetry.init() as handle:
    assert not handle.enabled and handle.flush() and handle.close()
    assert handle.stats.enqueued == 0 and threading.active_count() == 1
"""
    assert loaded(code) == ["am_telemetry"]


def test_with_an_address_the_engine_is_loaded_but_no_grpc_before_there_is_a_machine() -> None:
    code = "import am_telemetry, threading; am_telemetry.init(); assert threading.active_count() == 1"
    assert loaded(code, 1) == ["am_core", "am_telemetry"]


def test_without_a_hub_grpc_is_never_loaded() -> None:
    code = """
import am_telemetry
handle = am_telemetry.init()
from am_core import Machine
machine = Machine({"A": {}}, id="m")
machine.add("A")
assert not handle.flush(0.3)
"""
    assert "grpc" not in loaded(code, f"localhost:{free_port()}")


@pytest.mark.parametrize("address", ["nonsense:port", "1.2.3.4.5:-1"])
def test_a_bad_address_is_one_warning(address: str) -> None:
    done = run_program("import am_telemetry; print(am_telemetry.init().enabled)", address)
    assert done.stdout == "False\n"
    assert len(done.stderr.splitlines()) == 1


def test_importing_auto_is_the_same_as_calling_init() -> None:
    done = run_program("import am_telemetry.auto as a; print(a.handle.enabled, a.handle.settings.address)", 1)
    assert done.stdout == "True localhost:6831\n"


def test_after_closing_telemetry_can_be_switched_on_again() -> None:
    code = """
import am_telemetry
first = am_telemetry.init("localhost:1")
first.close()
second = am_telemetry.init("localhost:2")
print(first is second, first.enabled, second.enabled, second)
second.close()
print(am_telemetry.init("").enabled)
"""
    done = run_program(code, "")
    assert done.stdout == "False False True <am_telemetry.Handle to localhost:2>\nFalse\n"
    assert done.stderr == ""
