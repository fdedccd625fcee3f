"""Steps of Go machines in the one form the debugger draws, whatever version recorded them.

Versions differ in which side of a step holds a handler's state, in how a relation is told, and in whether states are
named or numbered.
"""

from __future__ import annotations

from typing import Any, Final, get_args

from am_telemetry.facts import ANY_STATE, NO_STATE, Relation, SchemaFact, StepFact, StepKind
from am_telemetry.formats.errors import FormatError

MAX_STEPS: Final = 500_000

_KINDS: Final[dict[int, StepKind]] = {
    1: "rel",
    2: "handler",
    4: "activate",
    8: "deactivate",
    16: "deactivate-passive",
    32: "called",
    64: "cancel",
}
_RELATIONS: Final[tuple[Relation, ...]] = tuple(name for name in get_args(Relation) if name)
_ANY: Final = "Any"


class StepReader:
    """Steps of the machines that share a schema; equal steps become the same object with the same number.

    Args:
        schema: what state numbers and names refer to.
        numbered: the recording refers to states by number where it does not name them.
    """

    def __init__(self, schema: SchemaFact, numbered: bool) -> None:
        self._schema = schema
        self.numbered = numbered
        self._known: dict[tuple[Any, ...], int] = {}
        self.steps: list[StepFact | None] = []
        self.names: list[str] = []
        """Per step: the handler's name, empty for other kinds."""

    def read(self, steps: list[dict[str, Any]]) -> tuple[int, ...]:
        """The numbers of the steps (indexes of ``self.steps``), in order. Steps of unknown kinds are left out."""
        known = self._known
        numbers = []
        for step in steps:
            get = step.get
            data = get("Data")
            key = (
                get("Type"),
                get("FromState"),
                get("ToState"),
                get("FromStateIdx"),
                get("ToStateIdx"),
                get("RelType"),
                get("IsFinal"),
                get("IsEnter"),
                get("IsSelf"),
                data.value if data is not None and isinstance(data.value, int | str) else None,
            )
            number = known.get(key)
            if number is None:
                number = self._learn(key)
            if self.steps[number] is not None:
                numbers.append(number)
        return tuple(numbers)

    def forget(self) -> None:
        """Start anew. Numbers given so far lose their meaning."""
        self._known.clear()
        self.steps.clear()
        self.names.clear()

    def handlers(self, numbers: tuple[int, ...]) -> tuple[str, ...]:
        """Names of the handlers that ran, in order."""
        return tuple(name for number in numbers if (name := self.names[number]))

    def _learn(self, key: tuple[Any, ...]) -> int:
        if len(self.steps) >= MAX_STEPS:
            raise FormatError(f"more than {MAX_STEPS:,} different steps in machines of one schema")
        step, name = self._convert(*key)
        number = self._known[key] = len(self.steps)
        self.steps.append(step)
        self.names.append(name)
        return number

    def _convert(
        self,
        kind_bit: int | None,
        from_name: str | None,
        to_name: str | None,
        from_index: int | None,
        to_index: int | None,
        relation: int | None,
        is_final: bool | None,
        is_enter: bool | None,
        is_self: bool | None,
        data: int | str | None,
    ) -> tuple[StepFact | None, str]:
        kind = _KINDS.get(kind_bit or 0)
        if kind is None:
            return None, ""
        source = self._state(from_name, from_index)
        target = self._state(to_name, to_index)
        if kind == "rel":
            # The oldest recordings tell the relation through an interface value instead of a field of its own.
            code = data if isinstance(data, int) else relation or 0
            name = _RELATIONS[code] if 0 <= code < len(_RELATIONS) else ""
            return StepFact(kind, source, target, name), ""
        if kind == "handler":
            return self._handler(source, target, bool(is_final), bool(is_enter), bool(is_self), data)
        return StepFact(kind, source, target), ""

    def _handler(
        self, source: int, target: int, is_final: bool, is_enter: bool, is_self: bool, data: int | str | None
    ) -> tuple[StepFact, str]:
        state = self._schema.state_name
        if (is_final or is_self) and target == NO_STATE:
            source, target = NO_STATE, source
        if is_final:
            name = state(target) + ("State" if is_enter else "End")
        elif source == ANY_STATE and target == ANY_STATE:
            name, is_enter = "AnyEnter", True
        elif source == NO_STATE and not is_self:
            name, is_enter = state(target) + "Enter", True
        elif target == NO_STATE:
            name = state(source) + "Exit"
        else:
            name = state(target if is_self else source) + state(target)
        if isinstance(data, str) and data:
            name = data
        return StepFact("handler", source, target, "", is_final, is_self, is_enter), name

    def _state(self, name: str | None, index: int | None) -> int:
        if name:
            return ANY_STATE if name == _ANY else self._schema.index.get(name, NO_STATE)
        number = (index or 0) if self.numbered else NO_STATE
        return number if 0 <= number < len(self._schema.states) else NO_STATE
