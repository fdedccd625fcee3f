"""``am-dbg config``: what is set, where it comes from, and the file that sets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.config.declarations import Setting
    from am_dbg.config.resolving import Config, Resolved


@click.group("config")
def command() -> None:
    """Show and change settings.

    An option of the command line wins over an environment variable, that over the settings file, that over the default.
    """


@command.command("show")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--origin", is_flag=True, help="Also say where each value comes from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with origins.")
def show(keys: tuple[str, ...], origin: bool, as_json: bool) -> None:
    """Print the settings, all or some, as they are without options of the command line."""
    config = _load()
    wanted = [config[_setting(key).key] for key in keys] if keys else config.all()
    own = {} if keys else dict(config.file.keys)
    if as_json:
        listed = [
            {"key": r.setting.key, "value": r.value, "origin": r.origin, "where": r.where, "default": r.setting.default}
            for r in wanted
        ]
        table = {action: entry.value for action, entry in own.items()}
        document = {"file": str(config.file.path), "settings": listed, "keys": table}
        return click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    lines = [(f"{r.setting.key} = {_value(r)}", _origin(r)) for r in wanted]
    lines += [
        (f'keys."{action}" = {_shown(entry.value)}', f"file, {config.file.place(entry.line)}")
        for action, entry in own.items()
    ]
    room = min(60, max((len(text) for text, _ in lines), default=0))
    for text, where in lines:
        click.echo(f"{text:<{room}}  # {where}" if origin else text)
    return None


@command.command("path")
def path_() -> None:
    """Print the path of the settings file, whether it is there or not."""
    from am_dbg.config.file import config_path

    click.echo(config_path())


@command.command("set")
@click.argument("key")
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
def set_(key: str, values: tuple[str, ...]) -> None:
    """Write a setting into the file. Comments and order of the file stay.

    Lists take several values. KEY is one of those that show lists, or keys.ACTION with the keys for an action.
    """
    from am_dbg.config.editing import set_value
    from am_dbg.config.file import config_path

    path = config_path()
    action = _action(key)
    if action is not None:
        _check_keys(action, values)
        set_value(path, "keys", action, values)
    else:
        setting = _setting(key)
        table, _, name = setting.key.partition(".")
        set_value(path, table, name, _read(setting, values))
        _warn_of_variable(setting)
    click.echo(f"written to {path}", err=True)


@command.command("unset")
@click.argument("key")
def unset(key: str) -> None:
    """Take a setting out of the file, so that its default counts again."""
    from am_dbg.config.editing import remove_value
    from am_dbg.config.file import config_path

    path = config_path()
    # What is no setting may stand in the file all the same, and has to be removable.
    table, _, name = key.partition(".")
    if not name or not remove_value(path, table, name):
        raise AmDbgError(f"{key} is not set in {path}", "am-dbg config show --origin", ExitCode.FAILURE)
    click.echo(f"removed from {path}", err=True)


@command.command("check")
def check() -> None:
    """Look for mistakes in the settings; the exit code is 2 when there are any."""
    config = _load()
    problems = [str(problem) for problem in all_problems(config)]
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.exceptions.Exit(ExitCode.USAGE)
    click.echo(f"{config.file.path}: {'no mistakes' if config.file.path.exists() else 'not there, so no mistakes'}")


@command.command("edit")
def edit() -> None:
    """Open the settings file in your editor, then check it."""
    from am_dbg.config.editing import write_atomically
    from am_dbg.config.file import config_path

    path = config_path()
    if not path.exists():
        write_atomically(path, "# Settings of am-dbg. `am-dbg config show` lists what there is.\n")
    click.edit(filename=str(path))
    context = click.get_current_context()
    context.find_root().obj = None  # what was read before is out of date
    context.invoke(check)


def all_problems(config: Config) -> list[object]:
    """What is wrong in file, variables and keys."""
    from am_dbg.config.file import Problem
    from am_dbg.config.key_settings import own_keys
    from am_dbg.ui.keymap import build_keymap

    _, wrong = build_keymap(config.value("keys.profile"), own_keys(config.file))
    lines = {action: entry.line for action, entry in config.file.keys.items()}
    return [
        *config.problems,
        *(Problem(config.file.place(lines[p.action]), f"{p.action}: {p.message}", p.hint) for p in wrong),
    ]


def _load() -> Config:
    from am_dbg.commands.view_settings import config_of_command

    return config_of_command()


def _setting(key: str) -> Setting:
    from am_dbg.config.declarations import BY_KEY
    from am_dbg.config.file import nearest_setting

    if key not in BY_KEY:
        raise AmDbgError(f"there is no setting {key!r}", nearest_setting(key), ExitCode.USAGE)
    return BY_KEY[key]


def _action(key: str) -> str | None:
    """The action of ``keys.ACTION``; None when the key is a setting."""
    from am_dbg.config.declarations import BY_KEY

    return None if key in BY_KEY or not key.startswith("keys.") else key.removeprefix("keys.").strip('"')


def _check_keys(action: str, values: tuple[str, ...]) -> None:
    from am_dbg.config.key_settings import own_keys
    from am_dbg.ui.keymap import build_keymap

    config = _load()
    others = {name: keys for name, keys in own_keys(config.file).items() if name != action}
    _, problems = build_keymap(config.value("keys.profile"), {**others, action: values})
    for problem in problems:
        if problem.action != action:
            continue
        text = f"{problem.action}: {problem.message}"
        if problem.fatal:
            raise AmDbgError(text, problem.hint, ExitCode.USAGE)
        click.echo(f"am-dbg: {text}" + (f"; {problem.hint}" if problem.hint else ""), err=True)


def _read(setting: Setting, values: tuple[str, ...]) -> Any:
    from am_dbg.config.kinds import LIST

    try:
        if setting.kind is LIST:
            return setting.kind.read(list(values))
        return setting.kind.read(" ".join(values))
    except ValueError as error:
        raise AmDbgError(f"{setting.key}: {error}", f"the default is: {setting.default}", ExitCode.USAGE) from error


def _warn_of_variable(setting: Setting) -> None:
    import os

    if setting.env and os.environ.get(setting.env):
        click.echo(f"am-dbg: {setting.env} is set in the environment, and wins over the file", err=True)


def _value(resolved: Resolved) -> str:
    return f"({resolved.setting.default})" if resolved.value is None else _shown(resolved.value)


def _shown(value: object) -> str:
    from am_dbg.config.kinds import shown

    return shown(value)


def _origin(resolved: Resolved) -> str:
    return resolved.origin + (f", {resolved.where}" if resolved.where else "")
