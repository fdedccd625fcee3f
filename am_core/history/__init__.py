"""What machines went through: records of their transitions, and questions about them.

:func:`track` is the short way to know what was activated lately. :class:`MemoryHistory` keeps records with ticks and
answers queries; ``am_core.history.sqlite`` keeps the same in a file.
"""

from am_core.history.config import HistoryConfig
from am_core.history.errors import ConditionError, HistoryError, HistoryFileError
from am_core.history.memory import MemoryHistory
from am_core.history.protocol import History
from am_core.history.query import Query
from am_core.history.recent import Entry, RecentHistory, track
from am_core.history.records import MachineRecord, Record, TransitionRecord

__all__ = [
    "ConditionError",
    "Entry",
    "History",
    "HistoryConfig",
    "HistoryError",
    "HistoryFileError",
    "MachineRecord",
    "MemoryHistory",
    "Query",
    "RecentHistory",
    "Record",
    "TransitionRecord",
    "track",
]
