"""``am-dbg keys``: which keys do what, for this user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from am_dbg.config.declarations import PROFILES

if TYPE_CHECKING:
    from am_dbg.ui.actions import Action
    from am_dbg.ui.keymap import Keymap


@click.command("keys")
@click.option("--profile", type=click.Choice(PROFILES), help="The keys of a profile, without your own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print tables in Markdown.")
@click.option("--press", is_flag=True, help="Show what your terminal sends for the keys you press. Ctrl+C ends it.")
def command(profile: str | None, as_json: bool, markdown: bool, press: bool) -> None:
    """Print all actions with their keys, as your settings have them.

    To change one: am-dbg config set keys.ACTION KEY..., for example: am-dbg config set keys.time.play space f5
    """
    from am_dbg.commands.view_settings import config_of_command
    from am_dbg.config.key_settings import own_keys
    from am_dbg.ui.actions import ACTIONS, Group
    from am_dbg.ui.keymap import build_keymap, printed

    config = config_of_command()
    own = {} if profile is not None else own_keys(config.file)
    keymap, problems = build_keymap(profile or config.value("keys.profile"), own)
    if press:
        return _press(keymap)
    if as_json:
        listed = [
            {
                "action": action.id,
                "title": action.title,
                "keys": list(keymap.of(action)),
                "printed": [printed(key) for key in keymap.of(action)],
                "panes": sorted(pane.value for pane in action.where),
                "origin": _origin(keymap, action),
            }
            for action in ACTIONS
        ]
        return click.echo(json.dumps({"profile": keymap.profile, "actions": listed}, indent=2, ensure_ascii=False))
    for group in Group:
        actions = [action for action in ACTIONS if action.group is group]
        if actions:
            click.echo(_markdown(group, actions, keymap) if markdown else _text(group, actions, keymap))
    for problem in problems:
        line = config.file.keys[problem.action].line
        hint = f"; {problem.hint}" if problem.hint else ""
        click.echo(f"am-dbg: {config.file.place(line)}: {problem.action}: {problem.message}{hint}", err=True)
    return None


def _press(keymap: Keymap) -> None:
    """Until Ctrl+C. Carriage returns, because the terminal is in raw mode meanwhile."""
    from am_dbg.errors import AmDbgError, ExitCode
    from am_dbg.ui.pressing import meaning, presses

    click.echo("Press keys to see what arrives; Ctrl+C ends it.", err=True)
    try:
        for press in presses():
            click.echo(f"{press.shown:<20}  {press.key or '-':<20}  {meaning(press, keymap)}\r")
    except OSError as error:
        raise AmDbgError(f"keys cannot be read: {error}", "run it in a terminal", ExitCode.USAGE) from error


def _origin(keymap: Keymap, action: Action) -> str:
    return "settings file" if action.id in keymap.own else f"profile {keymap.profile}"


def _text(group: str, actions: list[Action], keymap: Keymap) -> str:
    lines = [
        f"  {keymap.printed(action) or '–':<24}  {action.id:<24}  {action.title}"
        + ("  (yours)" if action.id in keymap.own else "")
        for action in actions
    ]
    return "\n".join([group, *lines, ""])


def _markdown(group: str, actions: list[Action], keymap: Keymap) -> str:
    from am_dbg.ui.keymap import printed

    rows = [
        f"| {' '.join(_code(printed(key)) for key in keymap.of(action)) or '–'} | `{action.id}` | {action.title} |"
        for action in actions
    ]
    return "\n".join([f"## {group}", "", "| Keys | Action | What it does |", "| --- | --- | --- |", *rows, ""])


def _code(text: str) -> str:
    shown = text.replace("|", "\\|")
    return f"`` {shown} ``" if "`" in text else f"`{shown}`"
