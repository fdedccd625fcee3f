"""A machine as it is described: lists of names, no threads, no logs, no speed. What the engine is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import naive

EXECUTED, CANCELED, QUEUED = 0, 1, 2
Script = Callable[[Any, str], object]


class Failed(Exception):
    """What a handler of the tests raises."""


@dataclass
class Request:
    kind: str
    called: list[str]
    args: bool = False
    auto: bool = False
    check: bool = False
    tick: int = 0
    failed_from: tuple[frozenset[str], ...] = ()
    """Active states from which automatic attempts have failed, of which this is the error, or the next attempt."""


@dataclass
class NaiveMachine:
    world: naive.World
    auto: frozenset[str]
    script: Script
    limit: int = 1000
    active: list[str] = field(default_factory=list)
    ticks: dict[str, int] = field(default_factory=dict)
    bindings: dict[str, frozenset[str]] = field(default_factory=dict)
    queue: list[Request | Callable[[], object]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    transitions: list[tuple[Any, ...]] = field(default_factory=list)
    queue_tick: int = 1
    last_tick: int = 1
    failed: bool = False
    draining: bool = False
    running: bool = False
    before: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)

    def mutate(self, kind: str, states: Iterable[str], args: bool = False, post: bool = False) -> int:
        request = Request(kind, naive.unique(list(states)), args)
        requests = [item for item in self.queue if isinstance(item, Request)]
        if len(self.queue) >= self.limit:
            is_err = "Exception" in self.active
            if "Exception" not in request.called or kind == "set" or is_err != (kind == "remove"):
                return CANCELED
        elif not self.queue and self.running and kind == "remove" and not set(request.called) & set(self.active):
            if not post:
                return EXECUTED
        elif not args and not self.world.multi & set(request.called):
            for item in reversed([item for item in requests if not item.check]):
                same = item.kind == kind and set(item.called) == set(request.called)
                if same and not item.args and not item.auto:
                    return item.tick or QUEUED
                if "set" in (kind, item.kind) or set(item.called) & set(request.called):
                    break
        self.last_tick += 1
        request.tick = self.last_tick
        self.queue.append(request)
        outcome = request.tick if self.draining else self.drain(request)
        return request.tick if post else outcome

    def first(self, request: Request) -> int:
        if request.check and len(self.queue) >= self.limit:
            return CANCELED
        self.queue.insert(0, request)
        return QUEUED if self.draining else self.drain(request)

    def drain(self, own: object) -> int:
        self.draining, result = True, CANCELED
        while self.queue:
            item = self.queue.pop(0)
            if not isinstance(item, Request):
                item()
                continue
            self.queue_tick = item.tick or self.queue_tick
            self.running = True
            outcome = self.execute(item)
            self.running = False
            result = outcome if item is own else result
        self.draining = False
        return result

    def execute(self, request: Request) -> int:
        world, before, ticks = self.world, self.active, dict(self.ticks)
        plan = naive.resolve(world, request.kind, request.called, before)
        ok = not plan.rejected or (request.auto and plan.rejected != set(request.called))
        self.before, self.target = before, plan.target
        ok = ok and self.negotiate(request, plan)
        if ok and request.auto:
            plan = self.settle(request)
        if ok and not request.check:
            self.active = plan.target
            for name in [*plan.exits, *plan.enters]:
                self.ticks[name] += 2 if name in before and name in plan.target else 1
            ok = self.finals(request, plan)
            if ok and not request.auto and self.ticks != ticks:
                self.schedule(request, before)
        self.transitions.append((request.kind, request.called, request.auto, request.check, ok, dict(self.ticks)))
        assert len(self.transitions) < 5000, "the machine does not come to rest"
        if request.auto and ok:
            return EXECUTED if len(plan.target) > len(before) else CANCELED
        return EXECUTED if ok else CANCELED

    def negotiate(self, request: Request, plan: naive.Outcome) -> bool:
        before = self.active
        asked = [(name + "Exit", "") for name in plan.exits] + [(name + "Enter", name) for name in plan.enters]
        if not all(self.asks(request, *each) for each in asked):
            return False
        kept = [name for name in self.target if name in before and request.kind != "remove"]
        if not all(self.asks(request, name * 2, name) for name in kept):
            return False
        pairs = [(one + two, two) for one in before for two in self.target if one != two]
        return all(self.asks(request, *each) for each in [*pairs, ("AnyEnter", "")])

    def asks(self, request: Request, name: str, judged: str) -> bool:
        answer = self.call(request, name)
        if answer is False and request.auto and judged in self.auto:
            self.target = [other for other in self.target if other != judged]
            return bool(self.target)
        return answer is not False and answer is not Failed

    def settle(self, request: Request) -> naive.Outcome:
        """Automatic states that were refused are out, and nobody comes in unasked."""
        called = [name for name in request.called if name in self.target]
        known = {*self.active, *self.target}
        plan = naive.resolve(self.world, "add", called, self.active)
        if set(plan.target) - known:
            plan = naive.resolve(self.world, "add", called, self.active, set(self.world.names) - known)
        return plan

    def finals(self, request: Request, plan: naive.Outcome) -> bool:
        names = [*(name + "End" for name in plan.exits), *(name + "State" for name in plan.enters), "AnyState"]
        for done, name in enumerate(names):
            if self.call(request, name) is Failed:
                off = plan.enters[max(0, done - len(plan.exits)) :]
                self.ticks.update({lost: self.ticks[lost] + 1 for lost in off})
                self.active = [kept for kept in self.active if kept not in off]
                return False
        return True

    def schedule(self, request: Request, before: list[str]) -> None:
        blocked = {name for owner in self.active for name in self.world.remove[owner]}
        wanted = [n for n in self.world.names if n in self.auto and n not in self.active and n not in blocked]
        again = request.failed_from and (set(before) == set(self.active) or set(self.active) in request.failed_from)
        if wanted and not again:
            self.queue.insert(0, Request("add", wanted, auto=True, failed_from=request.failed_from))

    def call(self, request: Request, name: str) -> object:
        answer: object = None
        for binding, names in self.bindings.items():
            if name not in names:
                continue
            self.calls.append((binding, name))
            try:
                answer = self.script(self, name)
            except Failed:
                self.failed = True
                if "Exception" not in request.called:
                    failed_from = (*request.failed_from, frozenset(self.before)) if request.auto else ()
                    self.queue.insert(0, Request("add", ["Exception"], args=True, failed_from=failed_from))
                return Failed
            if answer is False and not name.endswith(("State", "End")):
                return False
        return None
