"""Helpers that may still change, or go, between minor versions."""

from am_core.experimental.matrices import relations_matrix, time_matrix, transition_matrix
from am_core.experimental.nesting import Nested, nested_state
from am_core.experimental.racing import err_from_ctxs, race_ctx

__all__ = [
    "Nested",
    "err_from_ctxs",
    "nested_state",
    "race_ctx",
    "relations_matrix",
    "time_matrix",
    "transition_matrix",
]
