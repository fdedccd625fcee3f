"""``am-dbg detail``: asking the programs of a hub for more of a machine, and the answers when that is impossible."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from am_proto import telemetry_pb2 as pb
from am_telemetry.receiving.control import METHOD, SERVICE, ControlError, request_detail
from tests.support.hub_process import HubProcess, until
from tests.support.lamp import Lamp


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of a Unix socket has to be short."""
    with tempfile.TemporaryDirectory(prefix="amr-") as folder:
        monkeypatch.setenv("AM_DBG_RUNTIME_DIR", folder)
        yield Path(folder)


def detail(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", "detail", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
    )


def arguments_of(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT arguments_json FROM arguments ORDER BY transition_id")]


def test_values_are_told_while_they_are_asked_for(tmp_path: Path, runtime: Path) -> None:
    with HubProcess(tmp_path) as hub:
        lamp = Lamp(hub.address, most=3)
        lamp.use(40)
        asked = detail("lamp", "3", "--for", "1h")
        assert asked.returncode == 0, asked.stderr
        assert "1 program asked" in asked.stderr

        def told() -> bool:
            lamp.use(41)
            return any("41" in text for text in arguments_of(hub.path))

        until(told)
        assert not any("40" in text for text in arguments_of(hub.path))
        assert detail("*", "off").returncode == 0
        assert detail("lamp", "off", "--listen", hub.address).returncode == 0

        def told_no_more() -> bool:
            lamp.use(42)
            return "42" not in arguments_of(hub.path)[-1]

        until(told_no_more)
        lamp.end()
        assert hub.end() == 0


def test_a_name_that_is_not_connected_is_answered_with_the_nearest_that_is(tmp_path: Path, runtime: Path) -> None:
    with HubProcess(tmp_path) as hub:
        nobody = detail("lamp")
        assert nobody.returncode == 1
        assert "no connected program" in nobody.stderr
        lamp = Lamp(hub.address, most=2)
        lamp.use(1)
        near = detail("lmap")
        assert near.returncode == 1
        assert "did you mean 'lamp'?" in near.stderr
        lamp.end()


@pytest.mark.parametrize("arguments", [("lamp", "4"), ("lamp", "--for", "2h"), ("lamp", "--for", "soon"), ()])
def test_what_makes_no_sense_is_a_mistake_in_the_command(runtime: Path, arguments: tuple[str, ...]) -> None:
    done = detail(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_a_hub_or_its_socket_the_command_says_what_to_do(tmp_path: Path, runtime: Path) -> None:
    absent = detail("lamp")
    assert absent.returncode == 3
    assert "am-dbg collect" in absent.stderr
    with HubProcess(tmp_path, "--no-socket"):
        closed = detail("lamp")
    assert closed.returncode == 3
    assert "--no-socket" in closed.stderr
    with pytest.raises(ControlError, match="does not answer"):
        request_detail(runtime / "nobody.sock", "lamp", 3, 60)


def test_only_the_unix_socket_takes_requests(tmp_path: Path, runtime: Path) -> None:
    """Every user of the computer reaches the port."""
    with HubProcess(tmp_path) as hub, grpc.insecure_channel(hub.address) as channel:
        call: grpc.UnaryUnaryMultiCallable[pb.DetailRequest, bytes] = channel.unary_unary(
            f"/{SERVICE}/{METHOD}", request_serializer=pb.DetailRequest.SerializeToString
        )
        with pytest.raises(grpc.RpcError) as caught:
            call(pb.DetailRequest(machine="lamp", level=3, seconds=60), timeout=10)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
