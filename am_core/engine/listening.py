"""Who hears of transitions that take the express path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from am_core.logs import DECISIONS

if TYPE_CHECKING:
    from am_core.tracer import ExpressSink, Hooks, Tracer


class Listener:
    """A tracer that has express transitions noted instead of its hook called. Immutable."""

    __slots__ = ("level", "sink", "tracer")

    def __init__(self, tracer: Tracer | None, sink: ExpressSink, level: int) -> None:
        self.tracer = tracer
        self.sink = sink
        self.level = level
        """The machine's log level. Lines of express transitions are not written but follow from their outcome."""


class _NoSink:
    __slots__ = ("items", "limit")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.limit = 0
        """Nothing is ever noted."""


NOBODY: Final = Listener(None, _NoSink(), 0)


def listener_among(hooks: Hooks, level: int, has_logger: bool) -> Listener | None:
    """Who hears of the express transitions of a machine with these hooks and this log level; None when it must not take
    that path, because somebody wants to be told in another way."""
    if hooks.queue_end:
        return None
    if not hooks.transition_end and not level:
        return NOBODY
    tracer = hooks.only_end
    if tracer is None or tracer.express_sink is None or has_logger or level > DECISIONS:
        return None
    return Listener(tracer, tracer.express_sink, level)
