"""The commands and options of the command line, from click's own declarations."""

from __future__ import annotations

import inspect

import click

from am_dbg.cli import root
from am_dbg.errors import ExitCode
from references.markdown import code, page, table

MEANINGS = {
    ExitCode.OK: "All went well.",
    ExitCode.FAILURE: "Something failed; the message says what.",
    ExitCode.USAGE: "The command line could not be understood, or asks for what cannot be done.",
    ExitCode.NO_CONNECTION: "An address could not be listened on or connected to.",
    ExitCode.BAD_DATA: "A file cannot be read, is not what it should be, or comes from a newer version.",
    ExitCode.REFUSED: "Not authorised.",
    ExitCode.INTERRUPTED: "Interrupted with Ctrl+C.",
}


def build() -> str:
    """The page."""
    context = click.Context(root, info_name="am-dbg", **root.context_settings)
    blocks = [
        "Every command explains itself with `--help`. Results go to standard output, all else to standard error.",
        _command(root, context, "am-dbg", root.epilog or ""),
    ]
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if command is None:
            raise LookupError(f"the command {name!r} is listed but does not exist")
        inner = click.Context(command, info_name=name, parent=context)
        blocks.append(_command(command, inner, f"am-dbg {name}"))
        for subname in command.list_commands(inner) if isinstance(command, click.Group) else ():
            subcommand = command.get_command(inner, subname)
            if subcommand is None:
                raise LookupError(f"the command {name} {subname} is listed but does not exist")
            innermost = click.Context(subcommand, info_name=subname, parent=inner)
            blocks.append(_command(subcommand, innermost, f"am-dbg {name} {subname}"))
    blocks.append("## Exit codes")
    blocks.append(table(["Code", "Meaning"], [[str(int(value)), MEANINGS[value]] for value in ExitCode]))
    return page("Command line", *blocks)


def _command(command: click.Command, context: click.Context, path: str, after: str = "") -> str:
    if not command.help:
        raise LookupError(f"{path} has no help text")
    parts = [f"## {path}", inspect.cleandoc(command.help), after]
    parts.append(f"```\n{path} {' '.join(command.collect_usage_pieces(context))}\n```")
    options = [parameter for parameter in command.get_params(context) if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context))]
    if rows:
        parts.append(table(["Option", "Meaning"], [[code(names), text] for names, text in rows]))
    return "\n\n".join(part for part in parts if part)
