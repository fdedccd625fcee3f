"""Going to an address whose machine may only appear later."""

from __future__ import annotations

from am_dbg.session import Session
from am_dbg.session.addressing import go_to_url, is_recorded
from am_dbg.session.urls import MachineUrl


class Awaited:
    """Goes to a machine URL once its place is there; called often, costs next to nothing when there is no news."""

    def __init__(self, session: Session, url: MachineUrl) -> None:
        self._session = session
        self._url: MachineUrl | None = url
        self._version = -1

    def __call__(self) -> None:
        url, session = self._url, self._session
        if url is None or session.recording.version == self._version:
            return
        first = self._version < 0
        self._version = session.recording.version
        if is_recorded(session, url):
            self._url = None
            go_to_url(session, url)
        elif first:
            session.say(f"waiting for {url.machine}, which has not got there yet")
