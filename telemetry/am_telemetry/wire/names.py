"""Numbers of the protocol for the words of the facts."""

from __future__ import annotations

from typing import Final

from am_telemetry.facts import Mutation, Relation, StepKind

MUTATIONS: Final[tuple[Mutation, ...]] = ("add", "remove", "set")
RELATIONS: Final[tuple[Relation, ...]] = ("", "after", "add", "require", "remove")
STEP_KINDS: Final[tuple[StepKind | None, ...]] = (
    None,
    "called",
    "activate",
    "deactivate",
    "deactivate-passive",
    "rel",
    "handler",
    "cancel",
)

RELATION_NUMBERS: Final = {name: number for number, name in enumerate(RELATIONS)}
STEP_KIND_NUMBERS: Final = {name: number for number, name in enumerate(STEP_KINDS) if name is not None}

STEP_INDEX_OFFSET: Final = 2
"""Added to the state indexes of steps, which may be -1 or -2."""
STEP_FINAL: Final = 1
STEP_SELF: Final = 2
STEP_ENTER: Final = 4
