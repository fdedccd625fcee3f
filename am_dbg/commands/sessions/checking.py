"""``am-dbg sessions check``: is a session whole, and can it be made whole?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from am_dbg.commands import texts
from am_dbg.errors import AmDbgError, ExitCode
from am_dbg.viewmodels.spans import clean

if TYPE_CHECKING:
    from am_telemetry.store.checking import Finding


@click.command("check")
@click.argument("session", metavar="SESSION")
@click.option("--repair", is_flag=True, help="Make anew what can be made anew; a copy of the file is kept beside it.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
def command(session: str, repair: bool, as_json: bool) -> None:
    """Look for damage in a session.

    Checked are the database, references between its rows, the numbers of transitions and the holes in them, and all
    that follows from the transitions: ticks, clocks, stored timelines. Ends with code 4 when something is wrong.
    """
    from am_telemetry.store.checking import check_session
    from am_telemetry.store.folder import find
    from am_telemetry.store.repairing import repair_session

    path = find(session)
    findings = check_session(path)
    if repair and findings:
        if any(finding.area == "database" for finding in findings):
            _tell(findings, as_json)
            raise AmDbgError(
                f"{path} is damaged in a way that cannot be repaired here",
                f'save the rows that can still be read: sqlite3 {path} ".recover" | sqlite3 rescued.db',
                ExitCode.BAD_DATA,
            )
        copy = repair_session(path)
        click.echo(f"{len(findings)} findings, repairing; the file as it was: {copy}", err=True)
        findings = check_session(path)
    _tell(findings, as_json)
    if findings:
        repairable = sum(finding.repairable for finding in findings)
        hint = f"{repairable} of them can be repaired: --repair" if repairable and not repair else ""
        raise AmDbgError(f"{path} has {len(findings)} findings", hint, ExitCode.BAD_DATA)
    if not as_json:
        click.echo(f"{path} is whole")


def _tell(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        texts.echo_json([{"area": f.area, "text": f.text, "repairable": f.repairable} for f in findings])
        return
    for finding in findings:
        click.echo(f"{finding.area}: {clean(finding.text)}")
