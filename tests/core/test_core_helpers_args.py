"""Arguments as dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Protocol

import pytest
from engine_setups import machine_of, noted
from hypothesis import given
from hypothesis import strategies as st

from am_core import Event, InvalidArgs
from am_core.helpers import args_as, args_names, args_to_args, args_to_log_map, pass_args, typed_log_args

if TYPE_CHECKING:
    from decimal import Decimal

UserId = NewType("UserId", int)


class Closable(Protocol):
    """Anything that can be closed."""

    def close(self) -> None:
        """Close it."""


@dataclass
class Download:
    """A small set of arguments."""

    url: str = field(metadata={"log": True})
    retries: int = field(default=3, metadata={"log": "tries"})
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Everything:
    """Every kind of annotation."""

    text: str | None = None
    number: float = 0
    mode: Literal["r", "w", 1] = "r"
    user: UserId | None = None
    short: Annotated[str, "at most ten"] = ""
    call: Callable[[int], int] | None = None
    items: Sequence[int] = ()
    mapping: Mapping[str, int] = field(default_factory=dict)
    anything: Any = None
    closable: Closable | None = None


def test_mutations_take_dataclasses_and_handlers_get_them_back() -> None:
    """As plain arguments in between."""
    machine = machine_of()
    seen: list[Download] = []

    def got(e: Event) -> None:
        seen.append(e.args_as(Download))

    machine.bind({"AState": got})
    notes = noted(machine)
    sent = Download("https://x", headers={"a": "b"})
    assert machine.add("A", sent).executed
    assert seen == [sent]
    assert notes.all[0].args == {"url": "https://x", "retries": 3, "headers": {"a": "b"}}
    machine.add("B", sent, retries=5)
    assert notes.all[1].args["retries"] == 5
    machine.remove("A", sent)
    machine.set("B", sent)
    machine.toggle("B", sent)
    machine.can_add("B", sent)
    machine.add_err(ValueError("x"), sent)
    assert all(tx.args["url"] == "https://x" for tx in notes.all)
    assert machine.mutation(notes.all[0].type, "A", sent).args["url"] == "https://x"
    with pytest.raises(TypeError, match="a mapping or a dataclass"):
        machine.add("A", 5)  # type: ignore[arg-type]  # wrong use


def test_wrong_arguments_are_listed() -> None:
    """In the handler, where they become an error of the machine, with every reason."""
    machine = machine_of(id="mach")
    machine.bind({"AEnter": lambda e: e.args_as(Download)})
    assert machine.add("A", retries="many", other=1).canceled
    assert isinstance(machine.err(), InvalidArgs)
    assert str(machine.err()) == (
        "invalid arguments: no Download in those of AEnter of mach: url is missing; retries is 'many', int was expected"
    )


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("text", ["x", None], [1, b"x"]),
        ("number", [1, 1.5], ["1", None]),
        ("mode", ["r", 1], ["x", True, 1.0]),
        ("user", [3, None], ["x"]),
        ("short", ["x"], [1]),
        ("call", [len, None], [1]),
        ("items", [[1], (1,), "text"], [1, {1}]),
        ("mapping", [{}, {"a": 1}], [[], None]),
        ("anything", [None, 1, "x"], []),
        ("closable", [None, object()], []),
    ],
)
def test_values_are_compared_with_annotations(name: str, good: list[object], bad: list[object]) -> None:
    """Unions, literals, containers, new types; protocols that cannot be checked accept all."""
    for value in good:
        assert getattr(args_as({name: value}, Everything), name) == value
    for value in bad:
        with pytest.raises(InvalidArgs, match=name):
            args_as({name: value}, Everything)


def test_annotations_for_type_checkers_only_are_taken_as_they_are() -> None:
    """There is nothing to compare with."""

    @dataclass
    class Price:
        amount: Decimal
        kind: str = field(default="net", init=False)

    assert args_as({"amount": "1", "kind": "x"}, Price).kind == "net"
    with pytest.raises(InvalidArgs, match="amount is missing"):
        args_as({}, Price)


def test_what_the_class_refuses_is_told() -> None:
    """As invalid arguments too."""

    @dataclass
    class Positive:
        number: int

        def __post_init__(self) -> None:
            if self.number <= 0:
                raise ValueError("number has to be positive")

    with pytest.raises(InvalidArgs, match="Positive in those of X: number has to be positive"):
        args_as({"number": 0}, Positive, "X")
    with pytest.raises(TypeError, match="dataclass"):
        args_as({}, int)


def test_arguments_are_passed_on() -> None:
    """From several places, and from one dataclass to another."""

    @dataclass
    class Retry:
        retries: int
        reason: str = "none"

    assert pass_args(Retry(1), {"x": 1}, None, reason="why") == {"retries": 1, "reason": "why", "x": 1}
    assert args_to_args(Download("u", 7), Retry) == Retry(7)
    with pytest.raises(InvalidArgs, match="of Retry: url is missing"):
        args_to_args(Retry(1), Download)
    assert args_names(Download) == ("url", "retries", "headers")
    with pytest.raises(TypeError):
        pass_args(Retry)
    with pytest.raises(TypeError):
        args_names(dict)


def test_marked_arguments_are_logged() -> None:
    """Shortened, under their names."""
    assert args_to_log_map(Download("https://example.org/long"), 10) == {"url": "https:/...", "tries": "3"}
    machine = machine_of(log_args=typed_log_args(Download, max_len=9, names=["id"]))
    notes = noted(machine)
    machine.add("A", Download("https://x"), id=7, secret="s")
    machine.add("B", other=1)
    assert "[state] +A (id=7 tries=3 url=https://x)" in notes.log
    assert "[state] +B" in notes.log


@given(
    st.builds(
        Everything,
        text=st.none() | st.text(),
        number=st.floats(allow_nan=False),
        mode=st.sampled_from(["r", "w", 1]),
        items=st.lists(st.integers()),
        mapping=st.dictionaries(st.text(), st.integers()),
        anything=st.integers(),
        closable=st.none(),
        call=st.none(),
        user=st.none() | st.integers(),
        short=st.text(),
    )
)
def test_what_is_passed_comes_back(value: Everything) -> None:
    """For any values of the right types."""
    assert args_as(pass_args(value, {"more": 1}), Everything) == value
