"""Which value of a setting counts, and why: option before environment before file before default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from am_dbg.config.declarations import BY_KEY, SETTINGS, Setting
from am_dbg.config.file import CONFIG_VARIABLE, ConfigFile, Problem, config_path, read_file
from am_dbg.config.kinds import Value

Origin = Literal["default", "file", "environment"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A setting as it is without options of the command line."""

    setting: Setting
    value: Value | None
    """None when it is not set and its default is up to the code in question."""
    origin: Origin
    where: str = ""
    """``config.toml:12``, or the name of the variable."""


class Config:
    """All settings. Immutable once made.

    Args:
        file: the settings file.
        environ: the environment variables.
    """

    def __init__(self, file: ConfigFile, environ: Mapping[str, str]) -> None:
        self.file = file
        problems = list(file.problems)
        self._resolved = {setting.key: self._resolve(setting, environ, problems) for setting in SETTINGS}
        self.problems = tuple(problems)

    def __getitem__(self, key: str) -> Resolved:
        return self._resolved[key]

    def value(self, key: str) -> Any:
        """What counts, or None.

        Raises:
            KeyError: there is no such setting.
        """
        return self._resolved[key].value

    def all(self) -> list[Resolved]:
        """Every setting in the order of its declaration."""
        return list(self._resolved.values())

    def option_defaults(self, command: str) -> dict[str, Any]:
        """Parameter of a command's option to what environment or file say."""
        return {
            found.setting.parameter: list(found.value) if isinstance(found.value, tuple) else found.value
            for found in self._resolved.values()
            if found.origin != "default" and found.setting.flag and command in found.setting.commands
        }

    def exported(self) -> dict[str, str]:
        """Variables that libraries read themselves, with what the file says."""
        return {
            found.setting.env: str(found.value)
            for found in self._resolved.values()
            if found.origin == "file" and found.setting.key.startswith("sessions.")
        }

    def _resolve(self, setting: Setting, environ: Mapping[str, str], problems: list[Problem]) -> Resolved:
        text = environ.get(setting.env, "") if setting.env else ""
        if text:
            try:
                return Resolved(setting, setting.kind.read(text), "environment", setting.env)
            except ValueError as error:
                problems.append(Problem(setting.env, str(error)))
        entry = self.file.entries.get(setting.key)
        if entry is not None:
            return Resolved(setting, entry.value, "file", self.file.place(entry.line))
        return Resolved(setting, setting.initial, "default")


def load(environ: Mapping[str, str] | None = None, path: Path | None = None) -> Config:
    """The settings of this user. Problems are reported in the result, never raised."""
    env = os.environ if environ is None else environ
    wanted = path is None and bool(env.get(CONFIG_VARIABLE))
    return Config(read_file(path or config_path(env), wanted=wanted), env)


def known_key(key: str) -> bool:
    """Whether there is such a setting."""
    return key in BY_KEY
