"""What the user says is understood, and what makes no sense is answered with a warning, never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.endpoints import parse_endpoint
from am_telemetry.settings import is_loopback, read_settings


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("", ""),
        ("0", ""),
        ("off", ""),
        (False, ""),
        ("1", "localhost:6831"),
        (1, "localhost:6831"),
        (True, "localhost:6831"),
        (7000, "localhost:7000"),
        (":7000", "localhost:7000"),
        ("hub", "hub:6831"),
        ("hub:7000", "hub:7000"),
        (" 10.0.0.1:7000 ", "10.0.0.1:7000"),
        ("[::1]:7000", "[::1]:7000"),
        ("[::1]", "[::1]:6831"),
    ],
)
def test_addresses_are_understood(value: Any, address: str) -> None:
    found = read_settings(value, environ={})
    assert (found.address, found.warnings) == (address, ())


@pytest.mark.parametrize("value", ["hub:port", "::1", "http://hub:1", "a b:1", "hub:99999", "hub:0"])
def test_a_bad_address_switches_telemetry_off_and_says_so(value: str) -> None:
    found = read_settings(value, environ={})
    assert found.address == ""
    assert "AM_DBG_ADDR=1" in found.warnings[0]


def test_the_environment_is_read_and_arguments_come_first() -> None:
    env = {"AM_DBG_ADDR": "hub:1", "AM_SERVICE": "shop", "AM_DETAIL": "1", "AM_LOG": "changes"}
    found = read_settings(environ=env)
    assert (found.address, found.service, found.detail, found.log_level) == ("hub:1", "shop", 1, 2)
    found = read_settings("other:2", service="till", detail=3, log="everything", environ=env)
    assert (found.address, found.service, found.detail, found.log_level) == ("other:2", "till", 3, 5)
    assert read_settings(environ={"AM_LOG_FULL": "1"}).detail == 3
    assert not read_settings(environ={"AM_DBG_NO_TRACE": "1"}).tracebacks


def test_nothing_said_means_off_with_sensible_defaults() -> None:
    found = read_settings(environ={})
    assert (found.address, found.detail, found.log_level, found.machines) == ("", 2, 3, ("*",))
    assert found.service
    assert found.warnings == ()


def test_a_misspelt_log_level_is_answered_with_the_nearest_one() -> None:
    found = read_settings(log="chnages", environ={})
    assert found.log_level == 3
    assert "'changes'" in found.warnings[0]


@pytest.mark.parametrize(
    "arguments", [{"detail": 9}, {"detail": "x"}, {"machines": 5}, {"machines": ()}, {"scrub": "no"}, {"log": 9}]
)
def test_bad_values_become_warnings(arguments: dict[str, Any]) -> None:
    assert len(read_settings("1", environ={}, **arguments).warnings) == 1


def test_a_scrubber_that_cannot_be_called_hides_everything() -> None:
    scrub = read_settings(scrub="no", environ={}).scrub  # type: ignore[arg-type]  # the mistake under test
    assert scrub is not None
    assert dict(scrub("m", {"a": 1})) == {"a": "[hidden]"}


def test_machines_are_chosen_by_patterns() -> None:
    found = read_settings(machines="shop-*, till", environ={})
    assert [found.wants(name) for name in ("shop-1", "till", "Till", "other")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "address", "is_local"),
    [
        ("tls://hub.example:7000", "tls://hub.example:7000", False),
        ("tls://hub.example", "tls://hub.example:6831", False),
        ("tls://7000", "tls://localhost:7000", True),
        ("tls://[2001:db8::1]", "tls://[2001:db8::1]:6831", False),
        ("tcp://localhost:1", "localhost:1", True),
        ("unix:/run/user/1/am-dbg/6831.sock", "unix:/run/user/1/am-dbg/6831.sock", True),
        ("unix:///run/a.sock", "unix:/run/a.sock", True),
    ],
)
def test_a_scheme_says_how_to_reach_the_hub(text: str, address: str, is_local: bool) -> None:
    found = read_settings(text, environ={})
    assert (found.address, found.is_local, found.warnings) == (address, is_local, ())


@pytest.mark.parametrize("text", ["unix:relative.sock", "unix:", "tls://", "http://localhost:1", "tls://a/b:1"])
def test_an_address_that_makes_no_sense_is_a_warning(text: str) -> None:
    found = read_settings(text, environ={})
    assert found.address == "" or text == "tls://"
    assert bool(found.warnings) == (found.address == "")


def test_two_variables_have_a_second_name() -> None:
    found = read_settings(1, environ={"AM_DBG_TLS_CA": "ca.pem", "AM_DBG_SPOOL": "folder"})
    assert (found.security.ca, found.spool) == ("ca.pem", "folder")
    both = read_settings(1, environ={"AM_DBG_TLS_CA": "x", "AM_DBG_CA": "y", "AM_DBG_SPOOL": "x", "AM_SPOOL": "y"})
    assert (both.security.ca, both.spool) == ("y", "y")


def test_a_token_is_not_shown_when_settings_are_printed() -> None:
    found = read_settings(1, environ={"AM_DBG_TOKEN": " secret-secret-secret\n", "AM_DBG_CA": "ca.pem"})
    assert found.security.token == "secret-secret-secret"
    assert "secret" not in repr(found)
    assert "ca.pem" in repr(found)


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_no_text_makes_reading_fail(text: str) -> None:
    env = dict.fromkeys(("AM_DBG_ADDR", "AM_SERVICE", "AM_DETAIL", "AM_LOG", "AM_LOG_FULL", "AM_DBG_NO_TRACE"), text)
    found = read_settings(environ=env)
    if found.address:
        assert str(parse_endpoint(found.address)) == found.address


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("app.localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_only_addresses_of_this_computer_are_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("text", "seconds", "warns"),
    [("", 1.0, False), ("0", 0.0, False), ("2.5", 2.5, False), ("-1", 1.0, True), ("often", 1.0, True)],
)
def test_how_often_the_spool_is_flushed(text: str, seconds: float, warns: bool) -> None:
    settings = read_settings("1", environ={"AM_SPOOL_SYNC": text})
    assert settings.spool_sync == seconds
    assert ["AM_SPOOL_SYNC" in warning for warning in settings.warnings] == [True] * warns
