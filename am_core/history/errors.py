"""Errors of histories."""

from __future__ import annotations

from am_core.errors import AmError


class HistoryError(AmError):
    """A history cannot do what it was asked to."""


class ConditionError(HistoryError):
    """A query asks for something that the history does not know."""


class HistoryFileError(HistoryError):
    """A history file cannot be used: it is damaged, of another program, or of a newer version."""
