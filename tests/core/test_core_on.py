"""Handlers that are found by their decorators."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest
from engine_setups import machine_of

from am_core import Event, HandlerBindError, Machine, State, States, on


class Calls:
    """Keeps the names under which its handlers were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def note(self, e: Event) -> None:
        self.calls.append(e.name)


class Everything(Calls):
    """One method for every decorator."""

    @on.enter("B")
    def may_enter(self, e: Event) -> None:
        self.note(e)

    @on.exit("A")
    def may_leave(self, e: Event) -> None:
        self.note(e)

    @on.state("B")
    def entered(self, e: Event) -> None:
        self.note(e)

    @on.end("A")
    def left(self, e: Event) -> None:
        self.note(e)

    @on.between("A", "B")
    def may_move(self, e: Event) -> None:
        self.note(e)

    @on.self_("C")
    def may_stay(self, e: Event) -> None:
        self.note(e)

    @on.any_enter
    def audit(self, e: Event) -> None:
        self.note(e)

    @on.any_state
    def after_all(self, e: Event) -> None:
        self.note(e)


def test_every_decorator_is_a_handler_name_of_the_engine() -> None:
    """The same table, the same order of calls as with names."""
    machine = machine_of(active="AC")
    handlers = Everything()
    machine.bind(handlers)
    machine.set(["B", "C"])
    assert handlers.calls == ["AExit", "BEnter", "CC", "AB", "AnyEnter", "AEnd", "BState", "AnyState"]


def test_decorators_and_names_live_in_one_class() -> None:
    """Also private, static and class methods can be decorated."""

    class Mixed(Calls):
        seen: list[str] = []

        def AState(self, e: Event) -> None:
            self.note(e)

        @on.state("B")
        def _private(self, e: Event) -> None:
            self.note(e)

        @on.state("C")
        @staticmethod
        def outside(e: Event) -> None:
            Mixed.seen.append(e.name)

        @classmethod
        @on.state("D")
        def of_class(cls, e: Event) -> None:
            cls.seen.append(e.name)

    machine = machine_of()
    handlers = Mixed()
    machine.bind(handlers)
    machine.add(["A", "B", "C", "D"])
    assert (handlers.calls, Mixed.seen) == (["AState", "BState"], ["CState", "DState"])


def test_stacked_decorators_bind_one_method_several_times() -> None:
    """The event tells which one it is."""

    class Stacked(Calls):
        @on.state("A")
        @on.end("A")
        @on.state("B")
        def changed(self, e: Event) -> None:
            self.note(e)

    machine = machine_of()
    handlers = Stacked()
    machine.bind(handlers)
    machine.add("A")
    machine.set("B")
    assert handlers.calls == ["AState", "AEnd", "BState"]


def test_a_decorated_handler_can_refuse() -> None:
    """Only with False itself."""

    class Refusing:
        @on.enter("A")
        def never(self, e: Event) -> bool:
            return False

        @on.enter("B")
        def falsy(self, e: Event) -> int:
            return 0

    machine = machine_of()
    machine.bind(Refusing())
    assert machine.add("A").canceled
    assert machine.add("B").executed


def test_an_overriding_method_stays_a_handler() -> None:
    """It can handle something else by its own decorator, or nothing as None."""

    class Base(Calls):
        @on.state("A")
        def first(self, e: Event) -> None:
            self.note(e)

        @on.state("B")
        def second(self, e: Event) -> None:
            self.note(e)

        @on.state("C")
        def third(self, e: Event) -> None:
            self.note(e)

    class Child(Base):
        third: Any = None

        def first(self, e: Event) -> None:
            self.calls.append("child")

        @on.state("D")
        def second(self, e: Event) -> None:
            self.note(e)

    machine = machine_of()
    handlers = Child()
    machine.bind(handlers)
    machine.add(["A", "B", "C", "D"])
    assert handlers.calls == ["child", "DState"]


def test_functions_of_a_module_can_be_decorated() -> None:
    """Whatever a module holds besides is left alone."""
    module = types.ModuleType("handlers")
    calls: list[str] = []

    @on.state("A")
    def started(e: Event) -> None:
        calls.append(e.name)

    module.__dict__.update(started=started, helper=print)
    machine = machine_of()
    machine.bind(module)
    machine.add("A")
    assert calls == ["AState"]


def test_typed_states_are_names() -> None:
    """Renaming them in an editor renames them in decorators."""

    class Light(States):
        Green = State()
        Red = State(remove=[Green])

    class Handlers(Calls):
        @on.between(Light.Green, Light.Red)
        def stopping(self, e: Event) -> None:
            self.note(e)

    handlers = Handlers()
    machine = Machine.create(Light, [handlers], handler_timeout=60)
    machine.add(Light.Green)
    machine.add(Light.Red)
    assert handlers.calls == ["GreenRed"]


def test_a_prefix_applies_to_each_state() -> None:
    """What fits without the prefix only is for other uses of the class."""

    class Part(Calls):
        @on.state("On")
        def one(self, e: Event) -> None:
            self.note(e)

        @on.between("Off", "On")
        def two(self, e: Event) -> None:
            self.note(e)

        @on.any_state
        def three(self, e: Event) -> None:
            self.note(e)

        @on.state("Whole")
        def four(self, e: Event) -> None:
            self.note(e)

    machine = machine_of({"LampOn": {"remove": ["LampOff"]}, "LampOff": {}, "Whole": {}}, active=["LampOff"])
    handlers = Part()
    machine.bind(handlers, prefix="Lamp")
    machine.add(["LampOn", "Whole"])
    assert handlers.calls == ["LampOffLampOn", "LampOnState"]


def test_unknown_states_are_named_with_the_nearest_one() -> None:
    """All at once; lenient binding leaves them out."""

    class Misspelt:
        @on.state("Downloadedd")
        def one(self, e: Event) -> None:
            """Handles nothing."""

        @on.between("Downloaded", "Nowhere")
        def Two(self, e: Event) -> None:
            """Handles nothing."""

    machine = machine_of({"Downloaded": {}})
    with pytest.raises(HandlerBindError) as caught:
        machine.bind(Misspelt())
    assert caught.value.problems == (
        "missing states: Downloadedd from @on.state('Downloadedd') of one; did you mean Downloaded?",
        "missing states: Nowhere from @on.between('Downloaded', 'Nowhere') of Two",
    )
    machine.bind(Misspelt(), lenient=True)


def test_two_methods_for_one_handler_are_refused() -> None:
    """Whether both are decorated or one is named."""

    class Twice:
        @on.state("A")
        def one(self, e: Event) -> None:
            """Is first."""

        @on.state("A")
        def two(self, e: Event) -> None:
            """Is second."""

    class Named:
        @on.state("A")
        def one(self, e: Event) -> None:
            """Is decorated."""

        def AState(self, e: Event) -> None:
            """Is named."""

    class Same:
        @on.state("A")
        def AState(self, e: Event) -> None:
            """Says it twice."""

    with pytest.raises(HandlerBindError, match="two and one both handle AState"):
        machine_of().bind(Twice())
    with pytest.raises(HandlerBindError, match="one and AState both handle AState"):
        machine_of().bind(Named())
    machine_of().bind(Same())


@pytest.mark.filterwarnings("ignore::am_core.AmbiguousHandlers")
def test_a_decorator_whose_name_means_something_else_too_is_refused() -> None:
    """The engine calls by name and could not tell them apart."""

    class Handlers:
        @on.between("X", "YX")
        def move(self, e: Event) -> None:
            """Would also be called from XY to X."""

    with pytest.raises(HandlerBindError, match="ambiguous: XYX also is XY and X"):
        machine_of({"X": {}, "XY": {}, "YX": {}}).bind(Handlers())


def test_coroutine_functions_cannot_negotiate() -> None:
    """The engine does not wait for them."""

    class Handlers:
        @on.enter("A")
        async def later(self, e: Event) -> bool:
            return True

    with pytest.raises(HandlerBindError, match="AEnter"):
        machine_of().bind(Handlers())


def function(e: Event) -> None:
    """Something to decorate."""


WRONG: list[tuple[Callable[[Any], object], str]] = [
    (lambda o: o.state(function), r"on\.state needs a state"),
    (lambda o: o.enter(staticmethod(function)), r"on\.enter needs a state"),
    (lambda o: o.state(State()), "the name of a state was expected"),
    (lambda o: o.state(""), "cannot be a state's name"),
    (lambda o: o.end("Enter"), "cannot be a state's name"),
    (lambda o: o.state("Any"), r"written @on\.any_state"),
    (lambda o: o.between("A", "A"), r"use @on\.self_\('A'\)"),
    (lambda o: o.between("A", function), r"on\.between needs a state"),
    (lambda o: o.any_enter("A"), r"about all states, write @on\.any_enter without 'A'"),
    (lambda o: o.any_state(None), "a function was expected"),
    (lambda o: o.state("A")(int), "a function was expected"),
    (lambda o: o.state("A")(o.state("A")(lambda e: None)), "twice"),
]


@pytest.mark.parametrize(("misuse", "says"), WRONG, ids=[says for _, says in WRONG])
def test_wrong_use_says_what_to_write(misuse: Callable[[Any], object], says: str) -> None:
    """Already where the class is defined."""
    with pytest.raises(HandlerBindError, match=says):
        misuse(on)


def test_a_misspelt_decorator_names_the_nearest_one() -> None:
    """Or all of them."""
    decorators: Any = on
    with pytest.raises(AttributeError, match=r"use on\.between"):
        decorators.betwen("A", "B")
    with pytest.raises(AttributeError, match=r"known: .*'self_'"):
        _ = decorators.xyz
