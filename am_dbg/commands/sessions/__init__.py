"""``am-dbg sessions``: look after recorded sessions. One module for each thing to do."""

from __future__ import annotations

import difflib
import importlib

import click

SUBCOMMANDS = {
    "bookmark": "am_dbg.commands.sessions.bookmarking",
    "check": "am_dbg.commands.sessions.checking",
    "gc": "am_dbg.commands.sessions.collecting",
    "ls": "am_dbg.commands.sessions.listing",
    "merge": "am_dbg.commands.sessions.merging",
    "rm": "am_dbg.commands.sessions.removing",
    "search": "am_dbg.commands.sessions.searching",
    "show": "am_dbg.commands.sessions.showing",
}
"""Name -> module holding a click command called ``command``."""


class SessionsGroup(click.Group):
    """Imports a command's module only when that command is used; without a name, ``ls`` is meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        found: click.Command = importlib.import_module(SUBCOMMANDS[cmd_name]).command
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["ls", *args]
        elif not args[0].startswith("-") and args[0] not in SUBCOMMANDS:
            near = difflib.get_close_matches(args[0], SUBCOMMANDS, n=1)
            raise click.UsageError(
                f"there is nothing called {args[0]!r} to do with sessions."
                + (f" Did you mean {near[0]!r}?" if near else f" Choose from: {', '.join(sorted(SUBCOMMANDS))}."),
                ctx,
            )
        return super().parse_args(ctx, args)


@click.command("sessions", cls=SessionsGroup)
def command() -> None:
    """List, examine, merge and remove recorded sessions.

    A session is named by its path, or by its name in the folder of sessions, of which the beginning is enough; "last"
    is the newest one. Without a command, the sessions are listed.
    """
