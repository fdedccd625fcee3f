"""``am-dbg doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

import click

from am_dbg.commands.doctor.findings import Area, Finding, Status, fail
from am_dbg.errors import ExitCode

_SIGNS = {"ok": "✓", "warn": "!", "fail": "✕"}
_PLAIN_SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
_COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@click.option("-l", "--listen", multiple=True, metavar="HOST:PORT", help="Address to look at.  [default: the setting]")
@click.option("--hub", metavar="ADDRESS", help="Hub to visit.  [default: AM_DBG_ADDR, or those of this computer]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is not in order.")
def command(listen: tuple[str, ...], hub: str | None, as_json: bool, quiet: bool) -> None:
    """Check terminal, installation, folders, settings, addresses, the hub and the recorded sessions.

    Nothing is changed, and nothing secret is printed. The exit code is 1 when something does not work; what merely
    deserves attention leaves it at 0.
    """
    findings: list[Finding] = []
    for area, check in _checks(listen, hub):
        try:
            found = list(check())
        except Exception as error:  # noqa: BLE001 - a check that stumbles must not hide what the others find
            found = [fail("check", f"could not be done: {type(error).__name__}: {error}", "please report this")]
        findings += found
        if not as_json:
            _print(area, [finding for finding in found if not quiet or finding.status != "ok"])
    counts = {status: sum(f.status == status for f in findings) for status in ("ok", "warn", "fail")}
    if as_json:
        click.echo(json.dumps({"counts": counts, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        click.echo(f"{counts['ok']} in order, {counts['warn']} to look at, {counts['fail']} that do not work", err=True)
    if counts["fail"]:
        raise click.exceptions.Exit(ExitCode.FAILURE)


def _checks(listen: tuple[str, ...], hub: str | None) -> Iterator[tuple[Area, Callable[[], Iterator[Finding]]]]:
    from am_dbg.commands.doctor import folders, hubs, installation, terminal
    from am_dbg.commands.view_settings import config_of_command

    config = config_of_command()
    yield "Terminal", terminal.look
    yield "Installation", installation.look
    yield "Settings", lambda: installation.settings(config)
    yield "Folders", lambda: folders.look(config)
    yield "Sessions", folders.sessions
    yield "Listening", lambda: hubs.listening(listen or tuple(config.value("hub.listen") or ("localhost:6831",)))
    yield "Security", lambda: hubs.security(config)
    yield "Hub", lambda: hubs.reporting(hub)


def _print(area: Area, findings: list[Finding]) -> None:
    if not findings:
        return
    click.echo(click.style(area, bold=True))
    for finding in findings:
        sign = click.style(_sign(finding.status), fg=_COLORS[finding.status])
        click.echo(f"  {sign} {finding.name}: {finding.text}")
        if finding.hint:
            click.echo(f"      → {finding.hint}")


def _sign(status: Status) -> str:
    encoding = sys.stdout.encoding or "ascii"
    try:
        _SIGNS[status].encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _PLAIN_SIGNS[status]
    return _SIGNS[status]
