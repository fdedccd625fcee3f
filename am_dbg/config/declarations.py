"""Every setting of the debugger and the hub, declared once.

The settings file, the environment variables, the options of the command line that take their default from here,
``am-dbg config`` and the reference page are derived from ``SETTINGS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from am_dbg.config.kinds import AGE, BYTES, LENGTH, LIST, PATH, SIZE, YES_OR_NO, Kind, Value, choice, count

VIEWS: Final = ("tree-log", "tree-matrix", "tree-rain", "matrix", "rain")
THEMES: Final = ("dark", "light", "contrast", "ansi")
PROFILES: Final = ("default", "classic")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    key: str
    """``table.name`` in the file."""
    kind: Kind
    env: str
    """Environment variable; empty for none."""
    help: str
    """One or two sentences for the reference."""
    default: str
    """In words or as TOML, for people."""
    flag: str = ""
    """Option of the command line for the same; empty for none."""
    commands: tuple[str, ...] = ()
    """Commands that have the option."""
    initial: Value | None = None
    """What the program goes by when nothing is set; None leaves that to the code in question."""

    fallback: Value | None = None
    """What counts in place of a value in the file that makes no sense; None for the default."""

    @property
    def parameter(self) -> str:
        """The name of the option in the program."""
        return self.flag.removeprefix("--").replace("-", "_")


_HUB: Final = ("open", "collect")
_SCREENS: Final = ("open", "demo", "run")


def _hub(name: str, kind: Kind, default: str, text: str) -> Setting:
    flag = "--" + name.replace("_", "-")
    return Setting(f"hub.{name}", kind, f"AM_DBG_{name.upper()}", text, default, flag, _HUB)


def _ui(name: str, kind: Kind, default: str, text: str, initial: Value | None = None, flag: str = "") -> Setting:
    commands = _SCREENS if flag else ()
    return Setting(f"ui.{name}", kind, f"AM_DBG_{name.upper()}", text, default, flag, commands, initial)


SETTINGS: Final[tuple[Setting, ...]] = (
    _ui("view", choice(*VIEWS), "the one used last", "What stands beside the machines at the start.", flag="--view"),
    _ui("theme", choice(*THEMES), "the one used last",
        "Colours; `ansi` are the sixteen of the terminal. `NO_COLOR` wins.", flag="--theme"),
    _ui("reader", YES_OR_NO, "as it was left, or where there is room", "Show the reader.", flag="--reader"),
    _ui("log_level", count(0, 5), "the one used last", "How much of the log is shown, 0 to 5."),
    _ui("mouse", YES_OR_NO, "true", "Whether the mouse is for the debugger; if not, the terminal selects text with it.",
        True, "--mouse"),
    _ui("select_connected", YES_OR_NO, "false", "Select a new machine when it is the only connected one.",
        False, "--select-connected"),
    _ui("remember", YES_OR_NO, "true",
        "Begin as it was left: panes, colours, log level, options of the log. `--fresh`: not this time.", True),
    Setting(
        "keys.profile", choice(*PROFILES), "AM_DBG_KEY_PROFILE",
        "The keys to start from: `classic` are those of the Go am-dbg v0.10 and no others.", "default",
        initial="default",
    ),
    Setting(
        "sessions.dir", PATH, "AM_DBG_DIR", "Folder of session files that are not given a name with `--output`.",
        "the user's data folder, as the system defines it, below `am-dbg/sessions`",
    ),
    Setting(
        "sessions.keep", LENGTH, "AM_DBG_KEEP",
        "Sessions of that folder which were not written to for so long are removed when am-dbg starts to record there; "
        "`never` keeps them. Live, bookmarked and unreadable ones stay in any case.", "60d",
        fallback="never",
    ),
    Setting(
        "sessions.keep_size", SIZE, "AM_DBG_KEEP_SIZE",
        "When that folder is larger, its oldest sessions are removed in the same way; `never` sets no limit.", "10GB",
        fallback="never",
    ),
    Setting(
        "hub.listen", LIST, "AM_DBG_LISTEN", "Where programs report to.", '["localhost:6831"]', "--listen", _HUB,
    ),
    _hub("socket", PATH, "in the runtime folder", "Unix socket to listen on."),
    _hub("tls_cert", PATH, "not set", "Certificate in PEM format; makes the hub speak TLS."),
    _hub("tls_key", PATH, "not set", "Private key of the certificate."),
    _hub("tls_client_ca", PATH, "not set", "Accept only programs with a certificate of these authorities."),
    _hub("token_file", PATH, "not set", "Accept only programs that send the token in this file."),
    _hub("forward", LIST, "nowhere", "Other hubs that all records are sent to as well."),
    _hub("max_clients", count(1), "2000", "Programs at the same time."),
    _hub("max_machines", count(), "20000", "Machines per program."),
    _hub("max_batch", count(1), "65536", "Transitions in one message."),
    _hub("max_message", BYTES, "4MiB", "Size of one message, at least 1MB."),
    _hub("max_rate", count(), "no limit", "Transitions per second and program."),
    Setting(
        "hub.keep", AGE, "AM_DBG_SESSION_KEEP", "Remove transitions from the session when they are older.", "for ever",
        "--keep", _HUB,
    ),
    Setting(
        "hub.max_size", BYTES, "AM_DBG_SESSION_MAX_SIZE",
        "Remove the oldest transitions when the session is larger.", "no limit", "--max-size", _HUB,
    ),
    _hub("min_free", BYTES, "256MB", "Report trouble when the disk has less room."),
)  # fmt: skip

BY_KEY: Final = {setting.key: setting for setting in SETTINGS}


def option_setting(command: str, parameter: str) -> Setting | None:
    """The setting that an option of a command belongs to."""
    return next(
        (s for s in SETTINGS if s.flag and s.parameter == parameter and command in s.commands),
        None,
    )
