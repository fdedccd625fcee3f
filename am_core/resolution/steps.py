"""Steps of a transition: what the relations and handlers did, in order."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from am_core.schemas.names import ANY_INDEX, NO_INDEX

StepKind = Literal["called", "activate", "deactivate", "deactivate-passive", "rel", "handler", "cancel"]
Relation = Literal["", "after", "add", "require", "remove"]


class Step(NamedTuple):
    """One step. States are indexes; -1 means none and -2 the global handlers' ``Any``."""

    kind: StepKind
    relation: Relation = ""
    source: int = NO_INDEX
    target: int = NO_INDEX
    is_final: bool = False
    is_self: bool = False
    is_enter: bool = False

    def text(self, names: tuple[str, ...]) -> str:
        """``called **A**``, ``handler **A**Exit``, ``**A** add **B**``."""
        source, target = _bold(self.source, names), _bold(self.target, names)
        if self.kind == "rel":
            return f"{source} {self.relation} {target}"
        if self.kind != "handler":
            return f"{self.kind} {target or source}"
        if self.source >= 0 and self.target < 0:
            return f"handler {source}Exit"
        if self.source >= 0 or self.is_self:
            return f"handler {source or target}{target}"
        suffix = ("State" if self.is_enter else "End") if self.is_final else "Enter"
        return f"handler {target}{suffix}"


def _bold(index: int, names: tuple[str, ...]) -> str:
    if index == ANY_INDEX:
        return "Any"
    return f"**{names[index]}**" if 0 <= index < len(names) else ""


HANDLER: Final[StepKind] = "handler"
