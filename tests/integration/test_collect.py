"""``am-dbg collect`` with real processes: starting, ending, and who may report."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from am_dbg.runtime import hub_on, running_hubs
from am_telemetry.receiving.admission import Credentials, CredentialsError
from tests.support.hub_process import HubProcess, environment, program, stored, until
from tests.support.pseudo_terminal import on_pty

if TYPE_CHECKING:
    from tests.support.certificates import Authority

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and Unix sockets")

TOKEN = "a-token-of-some-length"
PATIENT = """
import am_telemetry
from am_core import Machine
handle = am_telemetry.init()
machine = Machine({"A": {}}, id="patient")
print(handle.flush(2))
"""


@pytest.fixture(autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AM_DBG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
    yield
    assert not running_hubs()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    pytest.importorskip("cryptography", reason="makes the certificates of these tests")
    from tests.support.certificates import Authority

    return Authority(tmp_path_factory.mktemp("pki"), "authority")


@pytest.fixture(scope="module")
def stranger(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    from tests.support.certificates import Authority

    return Authority(tmp_path_factory.mktemp("other"), "stranger")


def fails(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and message of a hub that does not start."""
    result = subprocess.run(
        [sys.executable, "-m", "am_dbg", "collect", "-s", str(folder / "no.db"), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert not (folder / "no.db").exists()
    return result.returncode, result.stderr


# -- life ---------------------------------------------------------------------------------------------------------


def test_it_says_when_it_is_ready_records_and_stores_everything_at_the_end(tmp_path: Path) -> None:
    with HubProcess(tmp_path, "--pid-file", "pid") as hub:
        assert hub.ready.startswith(f"READY=1\nMAINPID={hub.process.pid}\nSTATUS=0 programs")
        assert (tmp_path / "pid").read_text() == f"{hub.process.pid}\n"
        assert program(hub.address).stdout == "delivered\n"
        assert hub.end() == 0
    assert stored(tmp_path / "hub.db") == {"lamp": 5}
    assert "recorded 5 transitions of 1 machines" in hub.text
    assert not (tmp_path / "pid").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hub.db", "hub.db.log"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 0)])
def test_other_signals_end_it_as_orderly(tmp_path: Path, number: int, code: int) -> None:
    with HubProcess(tmp_path) as hub:
        assert program(hub.address).stdout == "delivered\n"
        assert hub.end(number) == code
    assert stored(tmp_path / "hub.db") == {"lamp": 5}


def test_a_killed_hub_that_starts_again_goes_on_with_its_file(tmp_path: Path) -> None:
    """The notes and sockets of the dead one are in nobody's way."""
    with HubProcess(tmp_path) as hub:
        port = hub.port
        assert program(hub.address, "before").stdout == "delivered\n"
        assert hub_on(port) is not None
        hub.end(signal.SIGKILL)
    assert hub_on(port) is None
    with HubProcess(tmp_path, listen=f"localhost:{port}") as hub:
        assert program(hub.addresses[1], "after", 7).stdout == "delivered\n"
        assert hub.end() == 0
    assert stored(tmp_path / "hub.db") == {"before": 5, "after": 7}


def test_a_recording_without_machines_leaves_no_file(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        assert hub.end() == 0
    assert not hub.path.exists()


def test_the_port_of_another_hub_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        code, message = fails(tmp_path, "-l", hub.address)
        assert code == 3
        assert f"cannot listen on {hub.address}" in message


# -- Unix socket --------------------------------------------------------------------------------------------------


def test_programs_of_the_same_user_may_use_the_socket(tmp_path: Path) -> None:
    """It is there without being asked for, only its owner may connect, and it goes with the hub."""
    with HubProcess(tmp_path) as hub:
        path = Path(hub.addresses[1].removeprefix("unix:"))
        assert path.name == f"{hub.port}.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert program(f"unix:{path}").stdout == "delivered\n"
        assert hub.end() == 0
    assert not path.exists()
    assert stored(hub.path) == {"lamp": 5}


def test_the_socket_can_be_the_only_way_in_or_none(tmp_path: Path) -> None:
    with HubProcess(tmp_path, listen=f"unix:{tmp_path}/s", session="one.db") as hub:
        assert hub.addresses[0] == f"unix:{tmp_path}/s"
        assert program(hub.addresses[0]).stdout == "delivered\n"
        assert hub.end() == 0
    with HubProcess(tmp_path, "--no-socket", session="two.db") as hub:
        assert len(hub.addresses) == 1
        assert hub.end() == 0


def test_a_file_in_the_place_of_the_socket_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    code, message = fails(tmp_path, "-l", "localhost:0", "--socket", str(tmp_path / "precious"))
    assert code == 3
    assert "something else" in message
    assert (tmp_path / "precious").read_text() == "text"


# -- beyond this computer -----------------------------------------------------------------------------------------


def test_other_computers_are_refused_without_certificate_or_token(tmp_path: Path) -> None:
    code, message = fails(tmp_path, "-l", "0.0.0.0:0")
    assert code == 3
    assert "refusing to listen on 0.0.0.0:0" in message
    for way in ("--tls-cert", "--tls-client-ca", "--token-file", "ssh -R"):
        assert way in message


def test_credentials_that_cannot_be_used_are_named(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.issue("hub")
    other_key = authority.issue("other")[1]
    for credentials, words in (
        (Credentials(Path("missing.pem")), "missing.pem"),
        (Credentials(certificate, other_key), "hub's certificate"),
        (Credentials(certificate, key, key), "programs' certificates"),
        (Credentials(None, None, certificate), "without a certificate"),
    ):
        with pytest.raises(CredentialsError, match=words):
            credentials.tls()
    assert Credentials().tls() is None
    code, message = fails(tmp_path, "-l", "localhost:0", "--tls-cert", str(certificate), "--tls-key", str(other_key))
    assert code == 2
    assert "--tls-key" in message
    code, message = fails(tmp_path, "-l", "localhost:0", "--token-file", "nowhere")
    assert code == 2
    assert "nowhere" in message


def test_only_programs_with_the_token_are_recorded(tmp_path: Path) -> None:
    """The others are told once and counted; the token is not in the log; the socket asks for none."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with HubProcess(tmp_path, "-v", "--token-file", "token", listen="0.0.0.0:0") as hub:
        address = f"localhost:{hub.port}"
        assert program(address, "knows", AM_DBG_TOKEN=TOKEN).stdout == "delivered\n"
        for token in ("", "another-token-of-some-length"):
            refused = program(address, "guesses", AM_DBG_TOKEN=token)
            assert refused.stdout == "left behind\n"
            assert refused.stderr.count("AM_DBG_TOKEN") == 1
        assert program(hub.addresses[1], "local").stdout == "delivered\n"
        assert hub.end() == 0
    assert stored(hub.path) == {"knows": 5, "local": 5}
    assert "is not encrypted" in hub.text
    assert TOKEN not in hub.text


def test_tls_protects_the_way_and_each_side_says_why_it_does_not_trust_the_other(
    tmp_path: Path, authority: Authority, stranger: Authority
) -> None:
    certificate, key = authority.issue("hub")
    with HubProcess(tmp_path, "--tls-cert", str(certificate), "--tls-key", str(key), listen="0.0.0.0:0") as hub:
        address = f"tls://localhost:{hub.port}"
        trusted = program(address, "trusted", AM_DBG_CA=str(authority.ca))
        assert (trusted.stdout, trusted.stderr) == ("delivered\n", "")
        for ca in ("", str(stranger.ca)):
            wary = program(address, "wary", AM_DBG_CA=ca)
            assert wary.stdout == "left behind\n"
            assert "TLS rejected: the hub's certificate is not trusted" in wary.stderr
            assert "AM_DBG_CA" in wary.stderr
        plain = subprocess.run(
            [sys.executable, "-c", PATIENT],
            env=environment(f"localhost:{hub.port}"),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert plain.stdout == "False\n"
        assert "put tls:// in front" in plain.stderr
        until(lambda: "TLS handshake failed" in hub.text)
        assert hub.end() == 0
    assert stored(hub.path) == {"trusted": 5}


def test_a_hub_may_ask_programs_for_certificates(tmp_path: Path, authority: Authority, stranger: Authority) -> None:
    certificate, key = authority.issue("hub")
    known, unknown = authority.issue("program"), stranger.issue("program")
    arguments = ("--tls-cert", str(certificate), "--tls-key", str(key), "--tls-client-ca", str(authority.ca))
    with HubProcess(tmp_path, *arguments, listen="0.0.0.0:0") as hub:
        address = f"tls://localhost:{hub.port}"
        ca = str(authority.ca)
        welcome = program(address, "known", AM_DBG_CA=ca, AM_DBG_CERT=str(known[0]), AM_DBG_KEY=str(known[1]))
        assert welcome.stdout == "delivered\n"
        nameless = program(address, "nameless", AM_DBG_CA=ca)
        assert nameless.stdout == "left behind\n"
        assert "TLS rejected: the hub wants a certificate of this program" in nameless.stderr
        forged = program(address, "forged", AM_DBG_CA=ca, AM_DBG_CERT=str(unknown[0]), AM_DBG_KEY=str(unknown[1]))
        assert forged.stdout == "left behind\n"
        assert "TLS rejected: the hub does not accept the certificate" in forged.stderr
        assert hub.end() == 0
    assert stored(hub.path) == {"known": 5}


def test_a_program_that_expects_tls_from_a_plain_hub_is_told(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        mistaken = program(f"tls://localhost:{hub.port}")
        assert mistaken.stdout == "left behind\n"
        assert "TLS rejected" in mistaken.stderr
        assert program(hub.address).stdout == "delivered\n"
        assert hub.end() == 0


# -- health -------------------------------------------------------------------------------------------------------


def health(address: str, service: str) -> int:
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        return check(HealthCheckRequest(service=service), timeout=5).status


SERVING, NOT_SERVING = HealthCheckResponse.ServingStatus.SERVING, HealthCheckResponse.ServingStatus.NOT_SERVING


def test_the_health_service_tells_how_it_goes(tmp_path: Path) -> None:
    """On the same port, and without the token."""
    (tmp_path / "token").write_text(TOKEN)
    with HubProcess(tmp_path, "--token-file", "token") as hub:
        target = f"127.0.0.1:{hub.port}"
        until(lambda: _served(target, "amdbg.v1.Disk"))
        for service in ("", "amdbg.v1.Collector", "amdbg.v1.Writer"):
            assert health(target, service) == SERVING
        assert hub.end() == 0


def test_a_disk_that_is_nearly_full_is_trouble(tmp_path: Path) -> None:
    with HubProcess(tmp_path, "--min-free", "900000TB") as hub:
        target = f"127.0.0.1:{hub.port}"
        until(lambda: health(target, "") == NOT_SERVING)
        assert health(target, "amdbg.v1.Disk") == NOT_SERVING
        assert health(target, "amdbg.v1.Writer") == SERVING
        assert program(hub.address).stdout == "delivered\n"
        assert hub.end() == 0
    assert "disk nearly full" in hub.text


def _served(target: str, service: str) -> bool:
    try:
        return health(target, service) == SERVING
    except grpc.RpcError:
        return False


# -- watching -----------------------------------------------------------------------------------------------------


def test_a_debugger_attaches_to_the_recording(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        assert program(hub.address, "watched").stdout == "delivered\n"
        with on_pty("--attach", "-l", hub.address) as screen:
            screen.sees("watched")
            assert program(hub.address, "another").stdout == "delivered\n"
            screen.sees("another")
            hub.end()
            screen.sees("has ended")
            screen.press("ctrl+q")
            assert screen.ends() == 0


def test_when_the_port_is_taken_by_a_hub_its_recording_is_offered(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        assert program(hub.address, "watched").stdout == "delivered\n"
        with on_pty("-l", hub.address) as screen:
            screen.sees("Watch its recording?")
            screen.press("enter")
            screen.sees("watched")
            screen.press("ctrl+q")
            assert screen.ends() == 0


def test_without_a_hub_there_is_nothing_to_attach_to(tmp_path: Path) -> None:
    with on_pty("--attach") as screen:
        screen.sees("no am-dbg of this user is recording")
        assert screen.ends() == 3


def test_random_bytes_and_vanishing_callers_do_not_disturb(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", hub.port)) as caller:
                caller.sendall(os.urandom(100))
        assert program(hub.address).stdout == "delivered\n"
        assert hub.end() == 0
    assert stored(hub.path) == {"lamp": 5}
