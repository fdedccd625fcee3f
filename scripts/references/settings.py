"""The settings and environment variables. A test compares this list with the names that the sources read."""

from __future__ import annotations

from am_dbg.config.declarations import SETTINGS
from am_telemetry.settings import DEFAULT_ADDRESS, LOG_LEVELS, Settings
from references.markdown import code, page, table

DEFAULTS = Settings()
LEVELS = ", ".join(f"{code(name)} ({number})" for number, name in enumerate(LOG_LEVELS))

LEAD = """
Debugger and hub have a settings file, environment variables and options of the command line. Programs that are traced
have environment variables and the arguments of `init`.
"""
FILE = """
An option of the command line wins over an environment variable, that over the settings file, that over the default.
`am-dbg config show --origin` tells what counts and why, `am-dbg config set KEY VALUE` writes it into the file without
touching the rest, `am-dbg config check` finds mistakes. What is wrong in the file costs only the entry it is in: it is
told with line and nearest name, and the program starts all the same. Lists in variables are separated by commas or
spaces.

```text
[ui]
theme = "light"

[hub]
listen = ["localhost:6831", "10.0.0.5:6831"]

[keys]
profile = "default"
"time.play" = ["space", "F5"]
"view.theme" = []
```

The table `[keys]` gives actions other keys: the id of an action, as `am-dbg keys` lists them, and its keys; an empty
list takes its keys away. Keys are written as they are printed, such as `"?"`, `"ctrl+k"`, `"PgUp"`, `"F5"`. A key that
no terminal sends, or that two actions were given, is told of.

How the debugger was left (panes, colours, log level, the options of the log) is kept in `layout.json` in the user's
folder of state, unless `ui.remember` is false. Filters are not kept: nothing should be hidden because it was hidden the
last time.
"""
TRACING = """
Read by `am_telemetry.init()`. A value that makes no sense causes a warning, never an exception.
"""
ARGUMENTS = """
`init` takes two more arguments: `machines`, shell patterns of the machine ids to trace (default `*`), and `scrub`, a
function that is given a machine id and the arguments of a mutation and returns those that may leave the program.
"""
AROUND = """
The engine needs none of these. `AM_LOG`, `AM_LOG_FULL` and `AM_DBG_ADDR` mean the same to `am_core.helpers` as above.
"""

PROGRAM = [
    [
        "AM_DBG_ADDR",
        "addr",
        "not set",
        f"Where to report to: `1` for {DEFAULT_ADDRESS}, a port, `host`, or `host:port`; `tls://host:port` for a hub "
        "that speaks TLS, `unix:/path` for its Unix socket. `0` or empty: nowhere.",
    ],
    ["AM_DBG_TOKEN", "", "not set", "The token that the hub wants. It is sent with every call and never logged."],
    [
        "AM_DBG_CA",
        "",
        "the system's",
        "PEM file with the authorities that may have signed the hub's certificate, for `tls://`. "
        "`AM_DBG_TLS_CA` means the same.",
    ],
    [
        "AM_DBG_CERT",
        "",
        "not set",
        "PEM file with this program's certificate, for hubs that want one; `AM_DBG_KEY` is that of its private key.",
    ],
    ["AM_SERVICE", "service", "name of the script or module", "What the program is called in the debugger."],
    [
        "AM_LOG",
        "log",
        code(LOG_LEVELS[DEFAULTS.log_level]),
        f"How much log text is recorded, by name or number: {LEVELS}. Nothing is printed.",
    ],
    [
        "AM_DETAIL",
        "detail",
        code(str(DEFAULTS.detail)),
        "`0` state changes only; `1` also called states, handlers, causes, names of arguments, logs, errors; "
        "`2` also the steps of each transition, and tracebacks; `3` also values of arguments, shortened.",
    ],
    [
        "AM_DETAIL_MAX",
        "",
        "`2`, or `detail` if that is more",
        "How much a hub may ask for while somebody looks at a machine. `3` permits it values of arguments.",
    ],
    [
        "AM_SPOOL",
        "spool",
        "not set",
        "A folder for what cannot be sent before the program ends. The next program with the same folder sends it. "
        "`AM_DBG_SPOOL` means the same.",
    ],
    [
        "AM_SPOOL_SYNC",
        "",
        "`1`",
        "Seconds between flushes of that folder to the disk: a power failure takes no more than that. `0` leaves it to "
        "the operating system. Programs that are killed lose nothing of it either way.",
    ],
    ["AM_LOG_FULL", "", "not set", "`1` is short for `AM_DETAIL=3`, for those used to it. `AM_DETAIL` wins."],
    ["AM_DBG_NO_TRACE", "", "not set", "`1` leaves out the tracebacks of errors."],
]

ENGINE = [
    [
        "AM_PLAN_CACHE",
        "engine",
        "`auto`",
        "Whether machines reuse what they know of earlier mutations: `auto`, `always`, `never`.",
    ],
    [
        "AM_DEBUG",
        "engine, helpers",
        "not set",
        "`1`: time limits of helpers are 100 times longer, handlers of machines given to "
        "`mach_debug` may take ten minutes, and calls that block an event loop cause a warning.",
    ],
    ["AM_LOG_STEPS", "`mach_debug_env`", "not set", "`1`: steps of transitions are recorded."],
    ["AM_LOG_ARGS", "`mach_debug_env`", "not set", "`1`: arguments of mutations are logged."],
    ["AM_LOG_PRINT", "`mach_debug_env`", "not set", "`1`: lines of the log are printed."],
    [
        "AM_HEALTHCHECK",
        "helpers",
        "not set",
        "`1`: machines give signs of life where the program asks for it by environment.",
    ],
    [
        "AM_TEST_RUNNER",
        "`is_test_runner`",
        "not set",
        "`1`: this is an automatic test run. For programs to ask; nothing else reads it.",
    ],
    [
        "AM_TEST_DEBUG",
        "`is_test_debug`",
        "not set",
        "`1`: tests are being debugged. For programs to ask; nothing else reads it.",
    ],
]

DEBUGGER = [
    [
        "AM_DBG_CONFIG",
        "`config.toml` in the user's folder of settings, as the system defines it, below `am-dbg`",
        "The settings file. `am-dbg config path` prints where it is.",
    ],
    [
        "AM_DBG_RUNTIME_DIR",
        "the user's runtime folder, as the system defines it, below `am-dbg`",
        "Folder of Unix sockets and of notes by which `am-dbg --attach` finds running hubs.",
    ],
    ["NO_COLOR", "not set", "Anything but empty: no colours. Every distinction is also made by a sign or a letter."],
]


def declared() -> list[list[str]]:
    """A row for every declared setting."""
    return [
        [
            code(setting.key),
            code(setting.env),
            code(setting.flag) if setting.flag else "",
            setting.kind.name,
            setting.default,
            setting.help,
        ]
        for setting in SETTINGS
    ]


def build() -> str:
    """The page."""
    program = [[code(name), code(argument) if argument else "", *rest] for name, argument, *rest in PROGRAM]
    debugger = [[code(name), *rest] for name, *rest in DEBUGGER]
    return page(
        "Settings",
        LEAD,
        "## In the debugger",
        FILE,
        table(["Setting", "Variable", "Option", "Values", "Default", "Meaning"], declared()),
        "## Further variables of the debugger",
        table(["Variable", "Default", "Meaning"], debugger),
        "## In a traced program",
        TRACING,
        table(["Variable", "Argument of `init`", "Default", "Meaning"], program),
        ARGUMENTS,
        "## In the engine and its helpers",
        AROUND,
        table(["Variable", "Read by", "Default", "Meaning"], [[code(name), *rest] for name, *rest in ENGINE]),
    )
