"""Mistakes are told where they are made, with what to do about them."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from engine_setups import PATIENT, machine_of

from am_core import (
    AmError,
    Event,
    HandlerBindError,
    InvalidArgs,
    InvalidStates,
    Machine,
    MachineDisposed,
    MutationType,
    SchemaError,
    State,
    States,
    Tracer,
    UnknownStateError,
    pipes,
)

READY: dict[str, Any] = {"Ready": {}, "Start": {}, "Connected": {"require": ["Start"]}}


def ready() -> Machine:
    return Machine(READY, handler_timeout=PATIENT)


# Unknown states

LENIENT = {
    "is_", "is1", "any", "any1", "switch", "has", "index", "index1", "parse_states", "active_states", "tick", "time",
    "clock", "is_clock", "was_clock", "is_time", "was_time",
}  # fmt: skip
"""Methods that answer for unknown states as well: they are inactive, at tick 0, without an index."""

GIVEN: dict[str, Any] = {
    "type_": MutationType.ADD, "kind": MutationType.ADD, "error": RuntimeError("drawn"), "times": [1], "tick": 1,
    "ticks": 1, "threshold": 1, "names": ["Redy"], "snapshot": None, "dur": 1.0,
}  # fmt: skip
OWN_ERROR = {"verify_states": SchemaError}
"""Methods that list unknown states among other problems."""
STATE_PARAMETERS = {"states", "state", "added", "names"}


def methods_with_states() -> list[str]:
    """Every public method of a machine that takes names of states."""
    found: list[str] = []
    for name, method in inspect.getmembers(Machine, inspect.isfunction):
        parameters = set(inspect.signature(method).parameters) if not name.startswith("_") else set()
        if parameters & STATE_PARAMETERS and name not in ("set_schema", "set_groups"):
            found.append(name)
    return found


def test_the_methods_with_states_are_found() -> None:
    """The search below sees what it should."""
    found = set(methods_with_states())
    assert {"add", "remove", "set", "toggle", "can_add", "post", "add_err_state", "when", "when_time1"} <= found
    assert {
        "when_args",
        "state_ctx",
        "while_active",
        "not_",
        "will_be_any",
        "is_queued_above",
        "verify_states",
    } <= found
    assert len(found) > 35


def entered(manager: Any) -> None:
    """Context managers look at their states when they are entered or left, coroutines when they run."""
    if inspect.iscoroutine(manager):
        asyncio.run(manager)
    with manager:
        raise RuntimeError("of the enclosed code")


@pytest.mark.parametrize("name", [name for name in methods_with_states() if name not in LENIENT])
def test_every_method_names_the_state_that_was_meant(name: str) -> None:
    """An unknown state is refused with the nearest known name, and the machine is as it was."""
    machine = ready()
    machine.add("Start")
    before = (machine.clock(), machine.active, machine.queue_tick(), machine.err(), machine.states)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter in list(inspect.signature(getattr(Machine, name)).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        plural = parameter.name in ("states", "added")
        if parameter.name in ("states", "state", "added"):
            args.append(["Redy"] if plural else "Redy")
        elif parameter.default is parameter.empty:
            if parameter.kind is parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = GIVEN[parameter.name]
            else:
                args.append(GIVEN[parameter.name])
    with pytest.raises(OWN_ERROR.get(name, UnknownStateError), match="Redy") as caught:
        entered(getattr(machine, name)(*args, **kwargs))
    if name not in OWN_ERROR:
        assert isinstance(caught.value, LookupError)
        assert "did you mean Ready?" in str(caught.value)
    assert (machine.clock(), machine.active, machine.queue_tick(), machine.err(), machine.states) == before


@pytest.mark.parametrize("name", sorted(LENIENT - {"is_clock", "was_clock", "is_time", "was_time"}))
def test_questions_about_unknown_states_have_an_answer(name: str) -> None:
    """What does not exist is not active, has no index and never ticked."""
    machine = ready()
    single = name in ("is1", "any1", "index1", "tick")
    answer = getattr(machine, name)("Redy" if single else ["Redy"])
    expected: dict[str, object] = {
        "index": [-1], "index1": -1, "parse_states": [], "active_states": [], "switch": "", "tick": 0, "time": [0],
        "clock": {"Redy": 0},
    }  # fmt: skip
    assert (list(answer) if name == "time" else answer) == expected.get(name, False)


def test_pipes_name_the_machine_that_lacks_the_state() -> None:
    """Both ends are looked at before anything is bound."""
    source, target = ready(), Machine({"Other": {}}, id="the-target")
    with pytest.raises(UnknownStateError, match=r"Redy.*did you mean Ready"):
        pipes.bind(source, target, "Redy", "Other")
    with pytest.raises(UnknownStateError, match=r"Othr.*the-target.*did you mean Other"):
        pipes.bind(source, target, "Ready", "Othr")
    assert source.handlers() == target.handlers() == []


# States that are no names

NO_NAMES: list[Any] = [None, 3, [["Ready"]], [None], b"Ready", State(), ["Ready", 1]]


@pytest.mark.parametrize("given", NO_NAMES, ids=repr)
@pytest.mark.parametrize(
    "name", ["add", "remove", "set", "toggle", "can_add", "is_", "not_", "any", "has", "when", "when_not", "switch"]
)
def test_states_that_are_no_names_are_shown(name: str, given: Any) -> None:
    """None, numbers and nested lists are a TypeError that shows what was given, with an example of how it is meant."""
    machine = ready()
    if name == "is_" and given == ["Ready", 1]:
        return  # Answered by the first name.
    with pytest.raises(InvalidStates, match="as 'Ready' or") as caught:
        getattr(machine, name)(given)
    assert isinstance(caught.value, TypeError)
    assert machine.queue_tick() == 1


@pytest.mark.parametrize("name", ["when_ticks", "when_next_active", "when_args", "state_ctx", "tick", "while_active"])
def test_a_list_is_not_one_state(name: str) -> None:
    """Methods about one state do not take several."""
    args = {"when_ticks": (1,)}.get(name, ())
    machine = ready()
    with pytest.raises((InvalidStates, AmError), match="states are given by name"):
        getattr(machine, name)(["Ready", "Start"], *args)


def test_long_values_are_shortened_in_messages() -> None:
    """The message stays readable."""
    with pytest.raises(InvalidStates) as caught:
        ready().add([list(range(1000))])
    assert len(str(caught.value)) < 160


# Mutations and errors

WRONG: dict[str, tuple[Callable[[Machine], object], type[Exception], str]] = {
    "two states instead of a list": (
        lambda m: m.add("Ready", "Start"),
        TypeError,
        r"as in add\(\['Ready', 'Start'\]\)",
    ),
    "a list as arguments": (lambda m: m.add("Ready", [1]), TypeError, r"a mapping .* got \[1\]"),
    "a number as arguments": (lambda m: m.remove("Ready", 3), TypeError, "a mapping .* got 3"),
    "a type of mutation by name": (lambda m: m.post("add", "Ready"), InvalidArgs, "use MutationType.ADD"),
    "a mutation of no type": (lambda m: m.mutation("remove", "Ready"), InvalidArgs, "use MutationType.ADD"),
    "a question of no type": (lambda m: m.is_queued("add", "Ready"), InvalidArgs, "use MutationType.ADD"),
    "no mutation": (lambda m: m.prepend_mut(None), InvalidArgs, r"machine.mutation\(\) makes one"),
    "a text as error": (lambda m: m.add_err("oops"), InvalidArgs, r"as RuntimeError\('text'\), and not 'oops'"),
    "a class as error": (lambda m: m.add_err(ValueError), InvalidArgs, "exception object"),
    "a text as callback": (lambda m: m.on_dispose("x"), AmError, "on_dispose takes a function, got 'x'"),
    "a text as query": (lambda m: m.when_query("x"), AmError, "when_query takes a function, got 'x'"),
    "a number as evaluation": (lambda m: m.eval(3), AmError, "eval takes a function, got 3"),
    "an evaluation of nothing": (lambda m: m.eval(lambda: None, ""), AmError, "say in a few words who asks"),
    "no handlers": (lambda m: m.bind(None), HandlerBindError, "bind an object with handlers"),
    "a class of handlers": (lambda m: m.bind(Handlers), HandlerBindError, r"bind\(Handlers\(\)\)"),
    "a misspelt state": (lambda m: m.bind({"RedyState": print}), HandlerBindError, "Redy .*did you mean ReadyState"),
    "a misspelt suffix": (lambda m: m.bind({"ReadyStat": print}), HandlerBindError, "did you mean ReadyState"),
    "a misspelt case": (lambda m: m.bind({"readyEnter": print}), HandlerBindError, "did you mean ReadyEnter"),
    "a method's misspelt case": (lambda m: m.bind(Lowered()), HandlerBindError, "readyState; did you mean ReadyState"),
    "a misspelt global": (lambda m: m.bind({"AnyEntr": print}), HandlerBindError, "did you mean AnyEnter"),
    "a handler that is none": (lambda m: m.bind({"ReadyEnter": 3}), HandlerBindError, "3, a function was expected"),
    "a generator as handler": (lambda m: m.bind({"ReadyEnter": yields}), HandlerBindError, "take the yield out"),
    "a coroutine that decides": (lambda m: m.bind({"ReadyEnter": sleeps}), HandlerBindError, "has to answer before"),
    "one binding twice": (lambda m: [m.bind({}, id="a"), m.bind({}, id="a")], HandlerBindError, "choose another id"),
    "a binding that is not": (lambda m: m.detach("nothing"), HandlerBindError, "not bound: nothing .bound are none."),
    "a class as tracer": (lambda m: m.bind_tracer(Tracer), AmError, r"an object of it: Tracer\(\)"),
    "nothing as tracer": (lambda m: m.bind_tracer(None), AmError, "derive from Tracer"),
    "a list as schema": (lambda m: m.set_schema(["A"], ["A"]), SchemaError, r"maps names to states.*\['A'\] was given"),
    "a misspelt level": (
        lambda m: setattr(m, "log_level", "chnages"),
        AmError,
        "no log level 'chnages'; .*changes, ops",
    ),
    "an order that is a text": (lambda m: m.verify_states("Ready"), SchemaError, "not listed"),
}


class Handlers:
    def ReadyState(self, e: Event) -> None: ...


class Lowered:
    def readyState(self, e: Event) -> None: ...

    def refreshState(self) -> None:
        """Of no state of the machine, so a method like any other."""


def yields(e: Event) -> Any:
    yield e


async def sleeps(e: Event) -> None: ...


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_an_error_that_tells_what_to_do(case: str) -> None:
    """At the call, and without any effect."""
    act, error, text = WRONG[case]
    machine = ready()
    with pytest.raises(error, match=text):
        act(machine)
    assert (machine.queue_tick(), machine.active, machine.err(), machine.tracers()) == (1, (), None, ())
    assert machine.add("Ready").executed


# Construction

NO_MACHINE: dict[str, tuple[Callable[[], object], str]] = {
    "a list": (lambda: Machine(["A"]), r"maps names to states.*\['A'\] was given"),
    "nothing": (lambda: Machine(None), "maps names to states"),
    "a text": (lambda: Machine("A"), "maps names to states"),
    "another class": (lambda: Machine(dict), "dict is no class of states; derive it from States"),
    "an object of typed states": (lambda: Machine(States()), "give the class itself"),
    "a list as state": (lambda: Machine({"A": ["B"]}), r"state A is \['B'\], a State or a mapping"),
    "True as state": (lambda: Machine({"A": True}), "state A is True, a State or a mapping"),
    "an unknown key": (lambda: Machine({"A": {"requires": []}}), "unknown keys requires; did you mean require"),
    "a capital key": (lambda: Machine({"A": {"Remove": []}}), "unknown keys Remove; did you mean remove"),
    "a nonsense key": (lambda: Machine({"A": {"zzz": []}}), "unknown keys zzz; known are auto, multi"),
    "a text as relation": (lambda: Machine({"A": {"add": "B"}}), "state A: add is 'B', a list of names"),
    "a number as relation": (lambda: Machine({"A": {"add": 3}}), "state A: add is 3, a list of names"),
    "a number in a relation": (lambda: Machine({"A": {"add": [3]}}), "state A: add holds 3, which is not a name"),
    "a text as switch": (lambda: Machine({"A": {"auto": "no"}}), "auto is the text 'no', True or False"),
    "an unknown relation": (lambda: Machine({"Ready": {"add": ["Redy"]}}), "unknown Redy in add; did you mean Ready"),
    "a conflict": (lambda: Machine({"A": {"require": ["B"], "remove": ["B"]}, "B": {}}), "conflict for A to B"),
    "a number as name": (lambda: Machine({3: {}}), "3 cannot be a state's name"),
    "an empty name": (lambda: Machine({"": {}}), "'' cannot be a state's name"),
    "a reserved name": (
        lambda: Machine({"Enter": {}}),
        "'Enter' cannot be .* choose another .reserved are Any, End, Enter",
    ),
    "an unknown runner": (lambda: Machine(READY, runner="loopy"), "no runner 'loopy', use one of 'inline'"),
    "a text as limit": (lambda: Machine(READY, handler_timeout="1"), "handler_timeout is '1'; it is in seconds"),
    "a negative limit": (lambda: Machine(READY, eval_timeout=-1), "eval_timeout is -1; it is in seconds"),
    "no number as limit": (lambda: Machine(READY, dispose_timeout=float("nan")), "dispose_timeout is nan"),
    "a misspelt level": (
        lambda: Machine(READY, log_level="al"),
        "no log level 'al'; levels are 0 to 5, or nothing, ext",
    ),
    "a number as id": (lambda: Machine(READY, id=3), "id is 3, a text was expected"),
    "one text as tags": (lambda: Machine(READY, tags="web"), r"write tags=\['web'\]"),
    "one tracer": (lambda: Machine(READY, tracers=Tracer()), "tracers are a list"),
    "a class as tracer": (lambda: Machine(READY, tracers=[Tracer]), r"Tracer\(\)"),
}


@pytest.mark.parametrize("case", NO_MACHINE)
def test_no_machine_is_made_of_what_cannot_be_one(case: str) -> None:
    """The constructor says what is wrong with what it was given."""
    make, text = NO_MACHINE[case]
    with pytest.raises(AmError, match=text):
        make()


def test_everything_wrong_with_a_schema_is_told_at_once() -> None:
    """One does not have to fix problems one by one."""
    with pytest.raises(SchemaError) as caught:
        Machine({"A": {"add": ["X"], "require": ["B"], "remove": ["B"]}, "B": {"after": ["Y"]}})
    assert len(caught.value.problems) == 3


def test_forgotten_base_initializers_are_named() -> None:
    """A subclass that uses the machine before it is one gets to know why it does not work."""

    class Early(Machine):
        def __init__(self) -> None:
            self.add("Ready")
            super().__init__(READY)

    class Never(Machine):
        def __init__(self) -> None:
            self.own = 1

    hint = r"call super\(\).__init__\(schema\)"
    with pytest.raises(AmError, match=hint):
        Early()
    never = Never()
    assert never.own == 1
    assert "not initialized" in repr(never)
    for act in (
        lambda: never.add("Ready"), lambda: never.remove("Ready"), lambda: never.can_add("Ready"),
        lambda: never.is_("Ready"), lambda: never.when("Ready"), lambda: never.active, lambda: never.tick("Ready"),
        lambda: never.bind({}), never.dispose_force, never.string,
        lambda: never.add_err(RuntimeError()),
    ):  # fmt: skip
        with pytest.raises(AmError, match=hint):
            act()


def test_subclasses_may_have_slots_and_attributes() -> None:
    """A machine itself takes no new attributes, so that misspelt options are noticed; subclasses may have their own."""

    class Slotted(Machine):
        __slots__ = ("own",)

        def __init__(self) -> None:
            super().__init__(READY)
            self.own = 1

    class Open(Machine):
        pass

    slotted, loose = Slotted(), Open(READY)
    loose.anything = 2  # type: ignore[attr-defined]  # the subclass has a dictionary
    assert slotted.add("Ready").executed
    assert loose.add("Ready").executed
    with pytest.raises(AttributeError):
        slotted.handler_timout = 1.0  # type: ignore[attr-defined]  # misspelt on purpose
    with pytest.raises(AttributeError):
        ready().queue_limt = 1  # type: ignore[attr-defined]  # misspelt on purpose


@pytest.mark.parametrize("act", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
def test_machines_are_neither_copied_nor_pickled(act: Callable[[Machine], object]) -> None:
    """A copy would share the lock and the queue; the message names what to do instead."""
    machine = ready()
    with pytest.raises(TypeError, match=r"machine.schema\(\)"):
        act(machine)
    assert machine.add("Ready").executed


# After the end


def test_a_disposed_machine_takes_no_handlers_and_no_schema() -> None:
    """What cannot be meant is refused as such, and not with an unknown state."""
    machine = ready()
    machine.dispose_force()
    for act in (
        lambda: machine.bind({"ReadyState": print}), lambda: machine.mutation(MutationType.ADD, "Ready"),
        lambda: machine.add_breakpoint("Ready"), lambda: pipes.bind(machine, ready(), "Ready"),
        lambda: pipes.bind(ready(), machine, "Ready"),
        lambda: machine.set_schema({**READY, "More": {}}, ["Exception", *READY, "More"]),
    ):  # fmt: skip
        with pytest.raises(MachineDisposed, match=machine.id):
            act()


def test_a_disposed_machine_answers_everything_else() -> None:
    """Requests are refused, questions get empty answers, waiters are done."""
    machine = machine_of(active="A")
    tracer = Tracer()
    binding = machine.bind({"AState": print})
    machine.dispose_force()
    machine.detach(binding)
    machine.dispose()
    machine.dispose_force()
    assert machine.add("Nowhere").canceled
    assert machine.post(MutationType.ADD, "A").canceled
    assert machine.prepend_mut(machine_of().mutation(MutationType.ADD, "A")).canceled
    assert machine.add_err(RuntimeError()).canceled
    assert machine.can_remove("A").canceled
    assert not machine.not_("Nowhere")
    assert not machine.eval(lambda: None, "the test")
    assert machine.state_ctx("Nowhere").expired
    assert machine.when("Nowhere").reason == "disposed"
    assert (machine.inspect(), machine.string(), machine.string_all(), str(machine.queue())) == ("", "", "", "[]")
    machine.bind_tracer(tracer)
    assert machine.detach_tracer(tracer)
    assert isinstance(machine.err(), MachineDisposed)
