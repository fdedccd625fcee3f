"""What a mutation would do, and the trail of how that was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from am_core.resolution.mutation import ADD, REMOVE, MutationType
from am_core.resolution.steps import Step
from am_core.schemas.model import Model

if TYPE_CHECKING:
    from am_core.resolution.transition import Transition

OPS = 3
DECISIONS = 4

Notes = Sequence[tuple[int, str]]
"""Log level and text of every decision worth telling."""
Recorded = tuple[tuple[Step, ...], Notes]
"""What a trail has collected."""


class Plan:
    """Outcome of resolving one mutation in one configuration. Never changed after construction, so it may be kept."""

    __slots__ = ("enters", "exits", "rejected", "target", "target_mask")

    def __init__(
        self, target: tuple[int, ...], target_mask: int, enters: tuple[int, ...], exits: tuple[int, ...], rejected: int
    ) -> None:
        self.target = target
        """Active states after the transition, in their new order."""
        self.target_mask = target_mask
        self.enters = enters
        """States whose activation handlers run: new ones, and active multi states that were called."""
        self.exits = exits
        self.rejected = rejected
        """Mask of called states that the relations keep out."""


def ticks_of(plan: Plan | Transition, before: int, auto: bool) -> tuple[int, ...]:
    """Indexes of states, once for every tick they make, coming from the active states of a mask."""
    enters, exits = plan.enters, plan.exits
    again = [i for i in enters if before >> i & 1] if enters else None
    if not again:
        return (*exits, *enters)
    if auto:
        # What is active already and multi is not called by an automatic mutation.
        return (*exits, *[i for i in enters if not before >> i & 1])
    return (*exits, *enters, *again)


def later(time: tuple[int, ...], ticks: Sequence[int]) -> tuple[int, ...]:
    """Ticks of all states after some states have made theirs."""
    if not ticks:
        return time
    after = list(time)
    for i in ticks:
        after[i] += 1
    return tuple(after)


class Trail:
    """Collects steps and log notes while a mutation is resolved; only made when somebody wants them."""

    __slots__ = ("auto", "model", "notes", "second", "steps")

    def __init__(self, model: Model, auto: bool, steps: list[Step] | None, notes: bool, second: bool = False) -> None:
        self.model = model
        self.auto = auto
        self.steps = steps
        self.notes: list[tuple[int, str]] | None = [] if notes else None
        self.second = second
        """The second resolution of an automatic transition does not repeat what was called."""

    def recorded(self) -> Recorded:
        """A copy of everything."""
        return tuple(self.steps or ()), tuple(self.notes or ())

    def restart(self) -> None:
        """Forget everything: another attempt follows."""
        if self.steps is not None:
            self.steps.clear()
        if self.notes is not None:
            self.notes.clear()

    def seed(
        self, kind: MutationType, called: Sequence[int], active: Sequence[int], active_mask: int, called_mask: int
    ) -> None:
        if self.steps is None:
            return
        if not self.second:
            self.steps += [Step("called", target=i) for i in called]
        if kind is REMOVE:
            self.steps += [Step("deactivate", target=i) for i in called]
            return
        self.steps += [Step("activate", target=i) for i in called if not active_mask >> i & 1]
        if kind is not ADD:
            self.steps += [Step("deactivate", target=i) for i in active if not called_mask >> i & 1]

    def adds(self, owner: int, implied: Sequence[int]) -> None:
        if self.steps is not None:
            self.steps += [Step("rel", "add", owner, i) for i in implied]
            self.steps += [Step("activate", target=i) for i in implied]

    def requires(self, owner: int, needed: Sequence[int], mask: int, called: int) -> None:
        missing = [i for i in needed if not mask >> i & 1]
        if self.steps is not None:
            for i in needed:
                known = i if i < len(self.model.names) else -1
                self.steps.append(Step("rel", "require", owner, known))
                if not mask >> i & 1:
                    self.steps.append(Step("deactivate-passive", source=owner))
                    if called >> owner & 1:
                        self.steps.append(Step("cancel", target=known))
        if missing and self.notes is not None:
            self._reject(owner, missing)

    def _reject(self, owner: int, missing: Sequence[int]) -> None:
        assert self.notes is not None
        name = self.model.state_name
        text = f"{name(owner)}({' '.join('-' + name(i) for i in missing)})"
        level, head = (DECISIONS, "[reject:auto]") if self.auto else (OPS, "[reject]")
        if self.notes and self.notes[-1][1].startswith(head + " "):
            text = f"{self.notes.pop()[1]} {text}"
        else:
            text = f"{head} {text}"
        self.notes.append((level, text))

    def removes(self, state: int, candidates: Iterable[int], blockers: int, before: int) -> None:
        was_active = bool(before >> state & 1)
        if self.steps is not None:
            self.steps += [Step("rel", "remove", i, state) for i in candidates]
            if blockers:
                self.steps.append(Step("deactivate" if was_active else "deactivate-passive", target=state))
        if blockers and self.notes is not None:
            by = self.model.text(i for i in candidates if blockers >> i & 1)
            level = OPS if was_active else DECISIONS
            self.notes.append((level, f"[rel:remove] {self.model.names[state]} by {by}"))

    def follows(self, state: int, predecessors: Iterable[int]) -> None:
        if self.steps is not None:
            self.steps += [Step("rel", "after", i, state) for i in predecessors]

    def implied(self, target: Sequence[int], seed: int) -> None:
        if self.notes is not None:
            implied = [i for i in target if not seed >> i & 1]
            if implied:
                self.notes.append((OPS, f"[implied] {self.model.text(implied)}"))

    def rejected(self, called: Sequence[int], rejected: int) -> None:
        if self.steps is not None:
            self.steps += [Step("cancel", target=i) for i in called if rejected >> i & 1]
