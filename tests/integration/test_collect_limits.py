"""``am-dbg collect`` with limits for its session."""

from __future__ import annotations

from pathlib import Path

import pytest

from am_dbg.hub import Hub, HubOptions
from am_telemetry.store.trimming import Limits
from tests.support.hub_process import until
from tests.support.recordings import START_NS, batches, process
from tests.support.session_folder import am_dbg


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--keep", "a while"), "--keep: not a length of time like"),
        (("--keep", "0.5s"), "less than a second"),
        (("--max-size", "much"), "--max-size: not a size like"),
        (("--max-size", "5kB"), "give at least 1MB"),
    ],
)
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, options: tuple[str, str], said: str) -> None:
    result = am_dbg("collect", *options, "--session", tmp_path / "s.db", folder=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr
    assert not (tmp_path / "s.db").exists()


def test_a_hub_keeps_what_it_was_told_to(tmp_path: Path) -> None:
    """All that was recorded is long ago; of each machine the last transition stays."""
    options = HubOptions(keep=Limits(keep_ns=10**9, keep_text="1s"))
    with Hub(tmp_path / "s.db", "localhost:0", options) as hub:
        hub.writer.open_session(process(), START_NS)
        for batch in batches(2, 2_000):
            hub.writer.put(process().session, batch)
        until(lambda: hub.writer.upkeep.removed == 1_998)
        hub.recording.catch_up()
        totals = hub.recording.totals()
        assert (totals.transitions, totals.removed) == (2, 1_998)
