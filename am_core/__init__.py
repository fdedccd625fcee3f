"""A state machine engine: many states at once, relations instead of listed transitions, negotiable changes.

The package uses nothing but the standard library and starts no thread before a handler runs.
"""

from am_core import pipes
from am_core.background.jobs import Job
from am_core.background.pool import Pool
from am_core.clock import Clock, Time, TimeIndex
from am_core.engine.failures import Panic
from am_core.engine.reschema import AmbiguousHandlers
from am_core.errors import (
    AmError,
    CanceledError,
    DeadlockError,
    EvalTimeout,
    HandlerBindError,
    HandlerTimeout,
    InvalidArgs,
    InvalidStates,
    LoopClosedError,
    MachineDisposed,
    NestedEvalError,
    SchemaError,
    StateExpired,
    TracerError,
    UnknownStateError,
)
from am_core.facets.pipe_info import PipeInfo
from am_core.handling.handlers import Event, ExceptionHandler, current_event
from am_core.handling.on import on
from am_core.logs import LogEntry, LogLevel, log_args_mapper
from am_core.machine import Machine, RawSchema
from am_core.resolution.mutation import Check, Mutation, MutationSource, MutationType, Result
from am_core.resolution.queue import Position
from am_core.resolution.steps import Step
from am_core.resolution.transition import Transition
from am_core.schemas.groups import Group
from am_core.schemas.names import S
from am_core.schemas.schema import Schema, State
from am_core.schemas.snapshot import Snapshot, SnapshotError
from am_core.schemas.typed import StateName, States
from am_core.tracer import LastTxTracer, Tracer, live_machines, on_machine_created
from am_core.waiting.contexts import Context, StateCtx
from am_core.waiting.signals import all_of, any_of
from am_core.waiting.waiters import Waiter

__all__ = [
    "AmError",
    "AmbiguousHandlers",
    "CanceledError",
    "Check",
    "Clock",
    "Context",
    "DeadlockError",
    "EvalTimeout",
    "Event",
    "ExceptionHandler",
    "Group",
    "HandlerBindError",
    "HandlerTimeout",
    "InvalidArgs",
    "InvalidStates",
    "Job",
    "LastTxTracer",
    "LogEntry",
    "LogLevel",
    "LoopClosedError",
    "Machine",
    "MachineDisposed",
    "Mutation",
    "MutationSource",
    "MutationType",
    "NestedEvalError",
    "Panic",
    "PipeInfo",
    "Pool",
    "Position",
    "RawSchema",
    "Result",
    "S",
    "Schema",
    "SchemaError",
    "Snapshot",
    "SnapshotError",
    "State",
    "StateCtx",
    "StateExpired",
    "StateName",
    "States",
    "Step",
    "Time",
    "TimeIndex",
    "Tracer",
    "TracerError",
    "Transition",
    "UnknownStateError",
    "Waiter",
    "all_of",
    "any_of",
    "current_event",
    "live_machines",
    "log_args_mapper",
    "on",
    "on_machine_created",
    "pipes",
]
