"""Checks of the terminal: size, colours, characters, mouse, clipboard, keys."""

from __future__ import annotations

import locale
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from am_dbg.commands.doctor.asking import Answers, ask_terminal
from am_dbg.commands.doctor.findings import Finding, fail, ok, warn

LEAST: Final = (60, 16)
COMFORTABLE: Final = (100, 30)


def look() -> Iterator[Finding]:
    """All checks. Asks the terminal a few questions when there is one."""
    env = os.environ
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    yield from _kind(env, on_terminal)
    if on_terminal:
        yield _size(*shutil.get_terminal_size())
    yield _colors(env)
    yield _encoding()
    answers = ask_terminal() if on_terminal and env.get("TERM", "dumb") != "dumb" else Answers()
    yield from _answers(answers)
    yield _clipboard(env)
    yield ok("keys", "nothing needs Alt or F keys; am-dbg keys lists them, am-dbg config set keys.ACTION changes one")


def _kind(env: Mapping[str, str], on_terminal: bool) -> Iterator[Finding]:
    if not on_terminal:
        yield warn("terminal", "input or output is none, so it cannot be asked", "run am-dbg doctor without a pipe")
    term = env.get("TERM", "")
    if not term:
        yield fail("TERM", "is not set", "set it to what the terminal is, mostly: TERM=xterm-256color")
    elif term in ("dumb", "unknown"):
        yield fail("TERM", f"{term}: it cannot move its cursor", "use another terminal, or TERM=xterm-256color")
    else:
        program = env.get("TERM_PROGRAM", "")
        over = " over SSH" if env.get("SSH_CONNECTION") else ""
        inside = " inside tmux" if env.get("TMUX") else " inside screen" if env.get("STY") else ""
        yield ok("TERM", f"{term}{f' ({_printable(program)})' if program else ''}{inside}{over}")


def _size(columns: int, rows: int) -> Finding:
    text = f"{columns} columns, {rows} rows"
    if columns < LEAST[0] or rows < LEAST[1]:
        return fail("size", text, f"at least {LEAST[0]} × {LEAST[1]} are needed")
    if columns < COMFORTABLE[0] or rows < COMFORTABLE[1]:
        return ok("size", f"{text}; with {COMFORTABLE[0]} columns machines and schema stand side by side")
    return ok("size", text)


def _colors(env: Mapping[str, str]) -> Finding:
    if env.get("NO_COLOR"):
        return ok("colours", "none, as NO_COLOR wants it; everything is told by signs as well")
    from am_dbg.remote.terminal import color_system_of

    system = color_system_of(env)
    if system == "none":
        return warn("colours", f"none with TERM={env.get('TERM', '')}", "signs tell the same; or: TERM=xterm-256color")
    if system == "standard":
        return warn("colours", "16", "if the terminal has more: TERM=xterm-256color, or COLORTERM=truecolor")
    return ok("colours", "16 million" if system == "truecolor" else "256")


def _encoding() -> Finding:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "").replace("_", "")
    name = locale.setlocale(locale.LC_CTYPE, None)
    if encoding == "utf8":
        return ok("characters", f"UTF-8 (locale {name})")
    return warn(
        "characters", f"{sys.stdout.encoding} (locale {name}): lines and signs cannot be shown", "set LC_ALL=C.UTF-8"
    )


def _answers(answers: Answers) -> Iterator[Finding]:
    if not answers.answered:
        return
    if answers.columns is not None:
        if answers.columns == answers.expected_columns:
            yield ok("width of signs", "as expected")
        else:
            yield warn(
                "width of signs",
                f"{answers.columns} cells instead of {answers.expected_columns}, which shifts lines and frames",
                "switch off 'ambiguous characters are wide' in the settings of the terminal",
            )
    if answers.mouse is False:
        yield warn("mouse", "the terminal reports none", "everything has a key as well")
    elif answers.mouse:
        yield ok("mouse", "yes; with --no-mouse the terminal selects text with it, mostly so does Shift")
    if answers.synchronized:
        yield ok("flicker", "the terminal draws whole pictures")


def _clipboard(env: Mapping[str, str]) -> Finding:
    """Terminals do not say whether they take what is sent to the clipboard."""
    if env.get("TMUX"):
        return warn("clipboard", "tmux passes it on only when it is told to", "tmux set -g set-clipboard on")
    if env.get("STY"):
        return warn("clipboard", "screen does not pass it on", "select with the mouse: am-dbg --no-mouse")
    if env.get("TERM_PROGRAM") == "Apple_Terminal":
        return warn("clipboard", "Apple's Terminal ignores OSC 52", "use another terminal, or select with the mouse")
    if env.get("TERM") == "linux":
        return warn("clipboard", "the console of Linux has none", "write to a file: am-dbg export")
    return ok("clipboard", "sent as OSC 52; whether it is taken only the terminal knows")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:60])
