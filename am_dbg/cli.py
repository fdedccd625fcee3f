"""The command line: one lazily imported module per command, and the one place that turns failures into exit codes."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from am_dbg import version
from am_dbg.errors import AmDbgError, ExitCode

COMMANDS = {
    "collect": "am_dbg.commands.collect",
    "config": "am_dbg.commands.config",
    "demo": "am_dbg.commands.demo",
    "detail": "am_dbg.commands.detail",
    "doctor": "am_dbg.commands.doctor",
    "export": "am_dbg.commands.export",
    "import": "am_dbg.commands.import_",
    "keys": "am_dbg.commands.keys",
    "open": "am_dbg.commands.open_",
    "query": "am_dbg.commands.query",
    "sessions": "am_dbg.commands.sessions",
    "run": "am_dbg.commands.run",
}
"""Command name -> module holding a click command called ``command``."""

DEFAULT_COMMAND = "open"

COMPLAINING = ("collect", "demo", "open", "run")
"""Commands that say what is wrong with the settings, and go on."""


class LazyGroup(click.Group):
    """Imports a command's module only when that command is used; without a command's name, ``open`` is meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        _name_variables(cmd_name, command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"-h", "--help", "--version"}
        flags = 0
        while flags < len(args) and args[flags] == "--debug":
            flags += 1
        rest = args[flags:]
        if not rest or (rest[0] not in COMMANDS and rest[0] not in own):
            if rest and not rest[0].startswith("-") and not _looks_like_file(rest[0]):
                _require_session(rest[0], ctx)
            args = [*args[:flags], DEFAULT_COMMAND, *rest]
            from am_dbg.commands.open_ import IMPLIED

            ctx.meta[IMPLIED] = True
        return super().parse_args(ctx, args)


def _name_variables(name: str, command: click.Command) -> None:
    """Say in the help of options which variable is meant for the same."""
    from am_dbg.config.declarations import option_setting

    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name and parameter.help:
            setting = option_setting(name, parameter.name)
            note = f"  [env: {setting.env}]" if setting is not None and setting.env else ""
            if note and not parameter.help.endswith(note):
                parameter.help += note


def _apply_settings(context: click.Context) -> None:
    """Let the settings file and the environment give the defaults of options; tell what is wrong with them."""
    from am_dbg.config.resolving import load

    config = load()
    context.obj = config
    context.default_map = {name: config.option_defaults(name) for name in COMMANDS}
    for variable, value in config.exported().items():
        os.environ[variable] = value
    if context.invoked_subcommand in COMPLAINING:
        for problem in config.problems:
            click.echo(f"am-dbg: {problem}", err=True)


def _looks_like_file(text: str) -> bool:
    return os.sep in text or "." in text or Path(text).exists()


def _require_session(text: str, context: click.Context) -> None:
    """What is no command and not like a file may be the name of a recorded session.

    Raises:
        UsageError: there is none, or several could be meant.
    """
    from am_telemetry.store.errors import StoreError
    from am_telemetry.store.folder import find

    try:
        find(text)
    except StoreError as error:
        near = difflib.get_close_matches(text, COMMANDS, n=1)
        commands = f"Commands: {', '.join(sorted(COMMANDS))}."
        hint = f"Did you mean {near[0]!r}?" if near else f"{error} {error.hint} {commands}"
        raise click.UsageError(f"there is no command and no file called {text!r}. {hint}", context) from error


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Run without a command to listen for programs and watch them live; give a session file to look at it.",
)
@click.version_option(version(), prog_name="am-dbg")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
@click.pass_context
def root(context: click.Context, debug: bool) -> None:
    """Debugger and telemetry hub for state machines."""
    _apply_settings(context)


def run(args: Sequence[str]) -> int:
    """Run the command line; returns the exit code and never raises for an expected failure."""
    debug = "--debug" in args
    try:
        result = root.main(list(args), prog_name="am-dbg", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return int(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:  # the last line of defence: every failure becomes a message and a code
        if debug:
            raise
        return _report(error)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _report(error: Exception) -> int:
    from am_telemetry.errors import TelemetryError

    if isinstance(error, AmDbgError):
        message, hint, code = error.message, error.hint, error.exit_code
    elif isinstance(error, TelemetryError):
        message, hint, code = error.message, error.hint, ExitCode(error.exit_code)
    else:
        message = f"unexpected {type(error).__name__}: {error}"
        hint, code = "run the same command with --debug for a traceback", ExitCode.FAILURE
    click.echo(f"am-dbg: {message}", err=True)
    if hint:
        click.echo(f"  → {hint}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
