"""One person's debugger without a user interface."""

from am_dbg.session.session import Mode, Session

__all__ = ["Mode", "Session"]
