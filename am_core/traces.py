"""Stacks as text for those who look for their own mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from traceback import TracebackException

ENGINE: Final = __file__.removesuffix("traces.py")
"""How the file names of this package begin."""


def trace_text(error: BaseException) -> str:
    """The stack of an exception, and of its causes, without the frames of this package.

    A stack that has no other frames is left as it is, and so is ``error.__traceback__``. Stacks of runaway recursions
    are shortened as by the interpreter itself.
    """
    from traceback import TracebackException

    whole = TracebackException.from_exception(error)
    _strip(whole)
    return "".join(whole.format())


def stack_text() -> str:
    """Where this thread is, without the frames of this package."""
    from traceback import extract_stack, format_list

    return "".join(format_list([frame for frame in extract_stack() if not frame.filename.startswith(ENGINE)]))


def _strip(trace: TracebackException) -> None:
    pending = [trace]
    while pending:
        part = pending.pop()
        own = [frame for frame in part.stack if not frame.filename.startswith(ENGINE)]
        if own:
            part.stack[:] = own
        pending += [other for other in (part.__cause__, part.__context__, *(part.exceptions or ())) if other]
