"""Machines that follow some states of another one."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import AmError, EvalTimeout, Event, HandlerBindError, Machine, MachineDisposed, UnknownStateError
from am_core.mirrors import new_mirror

SCHEMA: dict[str, Any] = {
    "A": {"add": ["B"]},
    "B": {"remove": ["C"]},
    "C": {"remove": ["B"]},
    "M": {"multi": True},
    "ErrNet": {"require": ["Exception"]},
}


def source_of(**options: Any) -> Machine:
    return Machine(SCHEMA, id="source", **options)


@pytest.mark.parametrize("flat", [False, True])
def test_a_mirror_follows_its_source(flat: bool) -> None:
    """It begins with what is active, and has only the states that were asked for."""
    source = source_of()
    source.add("A")
    mirror = new_mirror(source, ["C", "B", "M"], flat=flat)
    assert mirror.id == "mirror-source"
    assert mirror.parent_id == "source"
    assert mirror.states == ("C", "B", "M", "Exception")
    assert mirror.states_verified
    assert mirror.active == ("B",)
    source.add("C")
    assert mirror.string() == "(C:1)"
    source.remove("C")
    assert mirror.string() == "()"
    assert mirror.schema()["M"].multi
    assert mirror.schema()["B"].remove is None


def test_every_instance_of_a_multi_state_is_followed() -> None:
    """With its arguments; a flat mirror only knows that the state is active."""
    source = source_of()
    seen: list[object] = []
    mirror = new_mirror(source, ["M"], id="full", handlers=[{"MState": lambda e: seen.append(e.args.get("n"))}])
    flat = new_mirror(source, ["M"], id="flat", flat=True)
    for n in range(3):
        source.add("M", n=n)
    assert (mirror.tick("M"), flat.tick("M")) == (5, 1)
    assert seen == [0, 1, 2]


def test_handlers_see_what_a_mirror_begins_with() -> None:
    """They are bound before."""
    source = source_of()
    source.add("A")
    calls: list[str] = []

    class Handlers:
        def AState(self, e: Event) -> None:
            calls.append(e.name)

        def AEnd(self, e: Event) -> None:
            calls.append(e.name)

    new_mirror(source, ["A"], handlers=[Handlers()])
    source.remove("A")
    assert calls == ["AState", "AEnd"]


def test_errors_are_followed_with_their_exception() -> None:
    """And are over when they are over on the source."""
    source = source_of()
    mirror = new_mirror(source, ["ErrNet"])
    source.add_err_state("ErrNet", ValueError("no"))
    assert mirror.is_(["ErrNet", "Exception"])
    source.remove(["ErrNet", "Exception"])
    assert mirror.active == ()


def test_a_mirror_can_be_made_in_a_handler_of_its_source() -> None:
    """It sees the transition that is being executed, and what follows."""
    source = source_of()
    made: list[Machine] = []

    def created(e: Event) -> None:
        made.append(new_mirror(e.machine, ["B", "C"]))
        e.machine.add("C")

    source.bind({"BState": created})
    source.add("B")
    assert made[0].string() == "(C:1)"
    source.remove("C")
    assert made[0].string() == "()"


def test_the_end_of_one_is_noticed_by_the_other() -> None:
    """A mirror ends with its source; the pipes end with the mirror, and then nothing keeps it."""
    source = source_of()
    first, second = new_mirror(source, ["A"], id="first"), new_mirror(source, ["A"], id="second")
    first.dispose_force()
    assert len(source.handlers()) == 1
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    source.dispose_force()
    assert second.wait_disposed(10)


def test_what_cannot_be_mirrored_is_told_and_leaves_nothing_behind() -> None:
    """Unknown states, no states, handlers of other states, disposed and busy machines."""
    source = source_of()
    with pytest.raises(UnknownStateError, match="did you mean M"):
        new_mirror(source, ["MM"])
    with pytest.raises(AmError, match="needs at least one state"):
        new_mirror(source, [])
    with pytest.raises(HandlerBindError):
        new_mirror(source, ["A"], handlers=[{"BState": lambda e: None}])
    assert source.handlers() == []
    source.eval_timeout = 0.02
    entered, leave = threading.Event(), threading.Event()

    def busy() -> None:
        entered.set()
        leave.wait(10)

    thread = threading.Thread(target=source.eval, args=(busy, "busy"))
    thread.start()
    assert entered.wait(10)
    with pytest.raises(EvalTimeout, match=r"source was busy for more than 0\.02 s; mirror it later"):
        new_mirror(source, ["A"])
    leave.set()
    thread.join(10)
    source.add("B")
    assert source.handlers() == []
    source.dispose_force()
    with pytest.raises(MachineDisposed, match="cannot be mirrored"):
        new_mirror(source, ["A"])


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set"]), st.lists(st.sampled_from("ABCM"), min_size=1, max_size=2)),
    max_size=10,
)


@settings(max_examples=50, deadline=None)
@given(STEPS, STEPS, st.lists(st.sampled_from("ABCM"), min_size=1, unique=True), st.booleans())
def test_a_mirror_is_never_out_of_step(
    before: list[tuple[str, list[str]]], after: list[tuple[str, list[str]]], states: list[str], flat: bool
) -> None:
    """Whatever its source does, before and after it was made."""
    source = source_of()
    for kind, names in before:
        getattr(source, kind)(names)
    mirror = new_mirror(source, states, flat=flat)
    for kind, names in [("add", []), *after]:
        getattr(source, kind)(names)
        assert set(mirror.active) == set(source.active_states(states))


def test_mirrors_made_while_other_threads_mutate_are_in_step() -> None:
    """No transition gets lost between the first look and the pipes."""
    source = source_of()
    source.eval_timeout = 20.0
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            source.add("B")
            source.add("C")

    thread = threading.Thread(target=work)
    thread.start()
    mirrors = [new_mirror(source, ["B", "C"], id=f"mirror-{i}") for i in range(8)]
    stop.set()
    thread.join(10)
    for mirror in [source, *mirrors]:
        assert mirror.when_queue_ends().wait(10)
    assert [mirror.active for mirror in mirrors] == [source.active] * 8
