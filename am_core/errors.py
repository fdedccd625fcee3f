"""Errors raised or stored by the engine."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches


class AmError(Exception):
    """Base of every error of the engine."""


class SchemaError(AmError):
    """A schema, or an order of its states, cannot be used. ``problems`` lists every reason found."""

    def __init__(self, problems: Iterable[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("schema error: " + "; ".join(self.problems))


class UnknownStateError(AmError, LookupError):
    """A name is not a state of the machine. ``missing`` lists the names."""

    def __init__(self, missing: Iterable[str], known: Iterable[str], machine_id: str) -> None:
        self.missing = tuple(missing)
        names = list(known)
        hints = [hit for name in self.missing for hit in get_close_matches(name, names, 1)]
        hint = f"; did you mean {', '.join(dict.fromkeys(hints))}?" if hints else ""
        super().__init__(f"missing states: {', '.join(self.missing)} not defined in schema for {machine_id}{hint}")


class InvalidStates(AmError, TypeError):
    """States were given as something else than a name or several names."""

    def __init__(self, states: object) -> None:
        text = repr(states)
        shown = text if len(text) <= 80 else text[:77] + "..."
        super().__init__(f"states are given by name, as 'Ready' or ['Ready', 'Start'], not as {shown}")


class HandlerBindError(AmError):
    """Handlers cannot be bound or detached. ``problems`` lists every reason found."""

    def __init__(self, problems: Iterable[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("; ".join(self.problems))


class HandlerTimeout(AmError):
    """A handler ran longer than its limit. ``handler`` is its name."""

    def __init__(self, handler: str, binding: str, what: str = "timeout") -> None:
        self.handler = handler
        self.binding = binding
        super().__init__(f"handler {what}: {handler} from {binding}")


class EvalTimeout(AmError):
    """An evaluation did not get its turn, or did not end, in time."""


class NestedEvalError(AmError):
    """An evaluation was asked for from inside a handler or another evaluation of the same machine."""


class CanceledError(AmError):
    """A mutation that had to happen was canceled."""


class InvalidArgs(AmError):
    """A mutation came without arguments that its state needs."""


class MachineDisposed(AmError):
    """The machine does not work any more."""


class DeadlockError(AmError):
    """Waiting was refused, because what would end it needs the very thread that wants to wait."""


class StateExpired(AmError):
    """What a state context stood for is over: the tick of its state has changed. ``state`` is the state's name."""

    def __init__(self, state: str, message: str) -> None:
        self.state = state
        super().__init__(message)


class LoopClosedError(AmError):
    """The event loop that a machine runs on is closed, so nothing can be executed any more."""


class TracerError(AmError):
    """A tracer hook or callback raised; the original error is the cause."""


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception only says that something was called off: a context that expired, or a canceled task.

    Exceptions that were caused by such a one are errors.
    """
    if isinstance(error, StateExpired):
        return True
    # asyncio and concurrent.futures are not imported for this: where they are not loaded, nobody can raise theirs.
    modules = (sys.modules.get("asyncio.exceptions"), sys.modules.get("concurrent.futures._base"))
    return any(module is not None and isinstance(error, module.CancelledError) for module in modules)
