"""Telling about mistakes in using a machine where they are made, and not where they have their effects."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Final, NoReturn, TypeVar

from am_core.errors import AmError, HandlerBindError

F = TypeVar("F", bound=Callable[..., object])


class NotInitialized:
    """Stands for what ``Machine.__init__`` sets, until it does so."""

    def _raise(self, *_: object) -> NoReturn:
        raise AmError("the machine is not initialized: call super().__init__(schema) before anything else")

    __bool__ = __enter__ = __exit__ = __getitem__ = __iter__ = __getattr__ = _raise


NOT_INITIALIZED: Final[Any] = NotInitialized()


def function(fn: F, what: str) -> F:
    """The function itself; raises :class:`AmError` for anything that cannot be called."""
    if not callable(fn):
        raise AmError(f"{what} takes a function, got {fn!r}")
    return fn


LIMITS: Final = ("handler_timeout", "handler_deadline", "handler_backoff", "eval_timeout", "dispose_timeout")


def check_options(name: object, tags: object, limits: tuple[object, ...]) -> None:
    """Compare a machine's options with their types, as far as a mistake would show up much later only.

    ``limits`` are those of :data:`LIMITS`. Raises :class:`AmError`.
    """
    if not isinstance(name, str):
        raise AmError(f"id is {name!r}, a text was expected")
    if isinstance(tags, str):
        raise AmError(f"tags are several texts, write tags=[{tags!r}]")
    for option, limit in zip(LIMITS, limits, strict=True):
        if not isinstance(limit, (int, float)) or not limit >= 0:
            raise AmError(f"{option} is {limit!r}; it is in seconds, a number of at least 0 was expected")


def refuse_source(source: object) -> None:
    """Raise :class:`HandlerBindError` for what cannot have handlers, or none that could be called."""
    if source is None:
        raise HandlerBindError("there are no handlers in None; bind an object with handlers, or a mapping of functions")
    if isinstance(source, type):
        name = source.__name__
        raise HandlerBindError(f"{name} is a class, its handlers need an object: bind({name}())")


def checked_tracers(tracers: Any) -> tuple[Any, ...]:
    """Tracers as a tuple; raises :class:`AmError` for what cannot be one."""
    try:
        listed = tuple(tracers)
    except TypeError:
        raise AmError(f"tracers are a list, but {tracers!r} was given") from None
    for tracer in listed:
        if isinstance(tracer, type):
            raise AmError(f"{tracer.__name__} is a class, a tracer is an object of it: {tracer.__name__}()")
        if not callable(getattr(tracer, "tracer_id", None)):
            raise AmError(f"{tracer!r} is no tracer; derive from Tracer and override the hooks that are needed")
    return listed


def nearest(name: str, known: Any) -> str:
    """``; did you mean …?`` with the nearest known name, or nothing."""
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
