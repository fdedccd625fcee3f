"""The address line, and what is said where there is nothing to show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from am_dbg.session import Mode, Session
from am_dbg.session.filters import Filter
from am_dbg.session.targets import ClearFilters, StepMachine, ToggleFilter
from am_dbg.viewmodels import address, empty
from am_dbg.viewmodels.spans import Line, line_text, line_width
from tests.support.memory_recording import MemoryRecording
from tests.support.sample_recordings import shop


def opened(machine_id: int, number: int = 1) -> Session:
    session = Session(shop(), live=False)
    session.select_machine(machine_id)
    session.go_to_number(number)
    return session


def joined(lines: tuple[Line, ...]) -> str:
    return "\n".join(line_text(line) for line in lines)


class TestAddress:
    def test_it_names_the_place_the_connection_and_the_tags_of_all_ancestors(self) -> None:
        shown = line_text(address.line(opened(2, 3), 100))
        assert shown.startswith("◀ ▶  mach://orders/#3  ● connected  #svc:shop #eu … #svc:edge")
        assert shown.endswith("app (4242)")

    def test_a_program_with_another_library_tells_which(self) -> None:
        """Ours goes without saying; the version of a Go program decides what its messages can tell."""
        session = opened(2, 3)
        process = session.recording.process(session.recording.machines[1].process_id)
        foreign = replace(process, library="asyncmachine-go v0.19")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session.recording, "process", lambda _: foreign)
            assert line_text(address.line(session, 120)).endswith("app (4242)  asyncmachine-go v0.19")
            assert "asyncmachine" not in line_text(address.line(session, 80))

    def test_a_tag_is_shown_once(self) -> None:
        recording = MemoryRecording()
        recording.machine("shop", ["A"], tags=("svc:shop", "eu"))
        recording.machine("orders", ["A"], parent="shop", tags=("svc:shop",))
        session = Session(recording, live=False)
        session.select_machine(2)
        assert "connected  #svc:shop … #eu" in line_text(address.line(session, 100))

    def test_a_machine_that_is_gone_says_since_when(self) -> None:
        assert "○ disconnected 20" in line_text(address.line(opened(3), 100))

    def test_runs_and_tail_are_shown(self) -> None:
        recording = MemoryRecording()
        for _ in range(2):
            recording.machine("orders", ["A"]).add("A")
        session = Session(recording, live=False)
        session.select_machine(2)
        session.set_mode(Mode.TAIL)
        shown = line_text(address.line(session, 100))
        assert "run 2 of 2" in shown
        assert "tail" in shown
        assert "mach://orders/#1?run=2" in shown

    def test_arrows_walk_the_machine_list(self) -> None:
        targets = [span.target for span in address.line(opened(1), 100) if span.target]
        assert targets[:2] == [StepMachine(-1), StepMachine(1)]

    def test_without_a_machine_it_says_so(self) -> None:
        assert "no machine yet" in line_text(address.line(Session(MemoryRecording()), 60))

    def test_a_long_name_is_cut_before_the_connection_goes(self) -> None:
        recording = MemoryRecording()
        recording.machine("x" * 300, ["A"])
        shown = line_text(address.line(Session(recording, live=False), 80))
        assert shown.startswith("◀ ▶  mach://xxx")
        assert "…" in shown
        assert "● connected" in shown

    @pytest.mark.parametrize("width", [30, 40, 50, 60, 80])
    def test_a_short_name_is_never_left_out(self, width: int) -> None:
        recording = MemoryRecording()
        for _ in range(2):
            recording.machine("light", ["A"], tags=("a", "b")).end()
        session = Session(recording, live=False)
        assert "mach://light/#0?run=1" in line_text(address.line(session, width))

    @pytest.mark.parametrize("width", [0, 10, 20, 40, 60, 80, 200])
    def test_it_fits_any_width_with_any_name(self, width: int) -> None:
        recording = MemoryRecording()
        recording.machine("日本\x1b[31m/" * 9, ["A"], parent="日本\x1b[31m/" * 9, tags=("\x1b]0;x\x07", "t" * 999))
        session = Session(recording, live=False)
        shown = address.line(session, width)
        assert line_width(shown) <= width
        assert "\x1b" not in line_text(shown)


class TestEmpty:
    @pytest.mark.parametrize(
        ("listen", "setting"), [("localhost:6831", "1"), ("127.0.0.1:6831", "1"), ("localhost:7000", "localhost:7000")]
    )
    def test_before_the_first_machine_the_exact_lines_to_paste_are_shown(self, listen: str, setting: str) -> None:
        shown = joined(empty.text(Session(MemoryRecording()), listen))
        assert f"\n    AM_DBG_ADDR={setting} python app.py\n" in shown
        assert "\n    import am_telemetry\n    am_telemetry.init()\n" in shown

    def test_an_empty_file_says_what_to_open_instead(self) -> None:
        assert "nothing.db holds no machines" in joined(empty.text(Session(MemoryRecording("nothing.db")), None))

    def test_a_machine_that_did_nothing_is_explained(self) -> None:
        recording = MemoryRecording()
        machine = recording.machine("idle", ["A"])
        session = Session(recording, live=False)
        assert "idle has not done anything yet" in joined(empty.text(session))
        machine.end()
        session.refresh()
        assert "idle never did anything" in joined(empty.text(session))

    def test_when_all_is_hidden_each_filter_tells_how_much_and_can_be_lifted(self) -> None:
        recording = MemoryRecording()
        machine = recording.machine("m", ["A", "Heartbeat"])
        for _ in range(3):
            machine.add("A", check=True)
        machine.add("Heartbeat")
        session = Session(recording, live=False)
        assert (session.number, len(session.visible)) == (0, 0)
        lines = empty.text(session)
        shown = joined(lines)
        assert "All 4 transitions are hidden" in shown
        assert "3  dry runs" in shown
        assert "1  health checks" in shown
        assert "Press F" in shown
        targets = {span.target for line in lines for span in line}
        assert {ToggleFilter(Filter.CHECKS), ToggleFilter(Filter.HEALTH), ClearFilters()} <= targets
        session.follow(ClearFilters())
        assert empty.text(session) == ()
        session.next()
        assert session.number == 1
