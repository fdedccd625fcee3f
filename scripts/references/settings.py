"""The environment variables. A test compares this list with the names that the sources read."""

from __future__ import annotations

from am_telemetry.settings import DEFAULT_ADDRESS, LOG_LEVELS, Settings
from am_telemetry.store.limits import DEFAULT_KEEP, DEFAULT_KEEP_SIZE
from references.markdown import code, page, table

DEFAULTS = Settings()
LEVELS = ", ".join(f"{code(name)} ({number})" for number, name in enumerate(LOG_LEVELS))

LEAD = """
There is no configuration file. Settings are environment variables; where a function or command has an argument for the
same, that wins.
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
        "PEM file with the authorities that may have signed the hub's certificate, for `tls://`.",
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
        "A folder for what cannot be sent before the program ends. The next program with the same folder sends it.",
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
        "AM_DBG_DIR",
        "the user's data folder, as the system defines it, below `am-dbg/sessions`",
        "Folder of session files that are not given a name with `--output`.",
    ],
    [
        "AM_DBG_KEEP",
        code(DEFAULT_KEEP),
        "Sessions of that folder which were not written to for so long are removed when am-dbg starts to record there; "
        "`never` keeps them. Live, bookmarked and unreadable ones stay in any case.",
    ],
    [
        "AM_DBG_KEEP_SIZE",
        code(DEFAULT_KEEP_SIZE),
        "When that folder is larger, its oldest sessions are removed in the same way; `never` sets no limit.",
    ],
    [
        "AM_DBG_RUNTIME_DIR",
        "the user's runtime folder, as the system defines it, below `am-dbg`",
        "Folder of Unix sockets and of notes by which `am-dbg --attach` finds running hubs.",
    ],
    ["NO_COLOR", "not set", "Anything but empty: no colours. Every distinction is also made by a sign or a letter."],
]


def build() -> str:
    """The page."""
    program = [[code(name), code(argument) if argument else "", *rest] for name, argument, *rest in PROGRAM]
    debugger = [[code(name), *rest] for name, *rest in DEBUGGER]
    return page(
        "Settings",
        LEAD,
        "## In a traced program",
        TRACING,
        table(["Variable", "Argument of `init`", "Default", "Meaning"], program),
        ARGUMENTS,
        "## In the engine and its helpers",
        AROUND,
        table(["Variable", "Read by", "Default", "Meaning"], [[code(name), *rest] for name, *rest in ENGINE]),
        "## In the debugger",
        table(["Variable", "Default", "Meaning"], debugger),
    )
