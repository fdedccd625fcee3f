"""The queue by itself: ticks, tokens, twins, and which mutation is over."""

from __future__ import annotations

from typing import Any

import pytest

from am_core import Machine
from am_core.resolution.mutation import ADD, REMOVE, SET, Mutation, MutationType
from am_core.resolution.queue import EvalMutation, MutationQueue, Position, Queued, matching


def mutation(kind: MutationType = ADD, *states: int, **options: Any) -> Mutation:
    return Mutation(kind, states, sum(1 << i for i in states), options.pop("args", {}), **options)


def queue_of(*mutations: Mutation) -> MutationQueue:
    queue = MutationQueue()
    for one in mutations:
        queue.append(one)
    return queue


def test_appended_mutations_know_their_place() -> None:
    """Ticks are consecutive from 2; each notes how long the queue was with it, and where the queue stood."""
    queue = queue_of(mutation(), mutation())
    assert [(m.queue_tick, m.queue_len, m.queue_tick_now, m.queue_token) for m in queue.items] == [
        (2, 1, 1, 0),
        (3, 2, 1, 0),
    ]
    assert queue.tick == 1
    first = queue.take()
    assert first is not None
    assert (first.queue_tick, queue.tick, len(queue)) == (2, 2, 1)
    late = mutation()
    queue.append(late)
    assert (late.queue_tick, late.queue_len, late.queue_tick_now) == (4, 2, 2)


def test_prepended_mutations_have_tokens_and_no_ticks() -> None:
    """They come first, the last of them before the others; evaluations do not count."""
    queue = queue_of(mutation())
    one, evaluation, two = mutation(), EvalMutation(None), mutation()
    for prepended in (one, evaluation, two):
        queue.prepend(prepended)
    assert [m.queue_token for m in (one, evaluation, two)] == [1, 0, 2]
    assert [m.queue_len for m in (one, evaluation, two)] == [2, 3, 4]
    assert {m.queue_tick for m in (one, evaluation, two)} == {0}
    assert [queue.take(), queue.take(), queue.take()] == [two, evaluation, one]
    assert queue.tick == 1, "what has no tick does not move the queue's"
    assert (evaluation.called, evaluation.called_mask, evaluation.args) == ((), 0, {})


def test_starting_at_once_is_appending_and_taking() -> None:
    """The short way leaves the same traces as the long one."""
    short, long = queue_of(mutation()), queue_of(mutation())
    short.take()
    long.take()
    quick, slow = mutation(), mutation()
    short.start(quick)
    long.append(slow)
    assert long.take() is slow
    for name in ("queue_tick", "queue_len", "queue_tick_now", "queue_token"):
        assert getattr(quick, name) == getattr(slow, name)
    for name in ("tick", "next_tick", "token"):
        assert getattr(short, name) == getattr(long, name)
    assert (short.taken, long.taken) == (quick, slow)


def test_an_empty_queue_gives_nothing() -> None:
    """Neither a mutation nor a token."""
    queue = MutationQueue()
    assert queue.take() is None
    assert (queue.tick, queue.next_tick, queue.token, queue.taken, queue.flush()) == (1, 1, 0, None, [])


def test_flushed_mutations_are_given_back_in_order() -> None:
    """Whoever waits for them has to be told."""
    first, second = mutation(), mutation()
    queue = queue_of(first, second)
    assert queue.flush() == [first, second]
    assert not len(queue)


def test_which_queue_ticks_are_over() -> None:
    """Waiting ones are not, the running one is when it has ended, earlier and discarded ones are."""
    queue = queue_of(mutation(), mutation(), mutation())
    assert [queue.has_finished(tick, None) for tick in range(6)] == [True, True, False, False, False, False]
    second = queue.take()
    assert not queue.has_finished(3, None)
    assert queue.taken is second
    running = queue.take()
    assert [queue.has_finished(tick, None) for tick in (2, 3, 4)] == [True, False, False]
    assert queue.has_finished(3, running)
    assert not queue.has_finished(3, second)
    queue.prepend(mutation())
    assert queue.has_finished(0, None), "executed, whatever waits without a tick"
    queue.flush()
    assert queue.has_finished(4, None), "discarded"
    assert not queue.has_finished(5, None), "not queued yet"


def test_the_first_tick_is_over_when_its_mutation_has_ended() -> None:
    """It looks like the result of what was prepended, but somebody may wait for it while it runs."""
    machine = Machine({"A": {}, "B": {}}, handler_timeout=60)
    seen: list[tuple[bool, bool]] = []
    machine.bind(
        {"AState": lambda e: seen.append((machine.when_queue(2).done, machine.when_queue(machine.can_add("B")).done))}
    )
    machine.add("A")
    assert seen == [(False, True)]
    assert machine.when_queue(2).done


def test_twins_are_looked_for_from_the_end() -> None:
    """The last mutation about the same states decides, others in between do not matter."""
    add_a = mutation(ADD, 0)
    assert queue_of(add_a).twin(ADD, 1) is add_a
    assert queue_of(add_a, mutation(ADD, 1), mutation(REMOVE, 2)).twin(ADD, 1) is add_a
    for between in (mutation(REMOVE, 0), mutation(ADD, 0, 1), mutation(ADD, 0, args={"x": 1}), mutation(SET, 3)):
        assert queue_of(add_a, between).twin(ADD, 1) is None
    later = mutation(ADD, 0)
    assert queue_of(add_a, mutation(REMOVE, 0), later).twin(ADD, 1) is later
    assert queue_of(mutation(ADD, 1)).twin(ADD, 1) is None
    assert queue_of(mutation(ADD, 0, is_auto=True)).twin(ADD, 1) is None


def test_a_twin_of_set_has_to_be_the_last_one() -> None:
    """Anything behind it changes what it leads to."""
    put = mutation(SET, 0)
    assert queue_of(put).twin(SET, 1) is put
    assert queue_of(put, mutation(ADD, 1)).twin(SET, 1) is None
    assert queue_of(put).twin(ADD, 1) is None


@pytest.mark.parametrize("between", [EvalMutation(None), mutation(REMOVE, 0, is_check=True)], ids=["eval", "check"])
def test_evaluations_and_dry_runs_are_no_reason_to_repeat(between: Mutation) -> None:
    """They change nothing, and a dry run is nobody's twin."""
    add_a = mutation(ADD, 0)
    queue = queue_of(add_a)
    queue.items.append(between)
    assert queue.twin(ADD, 1) is add_a
    assert queue.twin(REMOVE, 1) is None


def test_looking_up_what_waits() -> None:
    """By type, states, arguments, tick, being a dry run, and position."""
    a, ab, b_args = mutation(ADD, 0), mutation(ADD, 0, 1), mutation(ADD, 1, args={"x": 1})
    check = mutation(ADD, 0, is_check=True)
    queue = queue_of(a, ab, b_args)
    queue.prepend(check)
    items = list(queue.items)

    def found(*args: Any, **options: Any) -> list[tuple[int, int]]:
        return [(hit.position, hit.queue_tick) for hit in matching(items, *args, **options)]

    assert found(ADD, 0b01) == [(1, 2), (2, 3)]
    assert found(ADD, 0b01, strict_equal=True) == [(1, 2)]
    assert found(ADD, 0b10) == [(2, 3), (3, 4)]
    assert found(ADD, 0b10, without_args_only=True) == [(2, 3)]
    assert found(ADD, 0b10, min_queue_tick=3) == [(2, 3), (3, 4)]
    assert found(ADD, 0b10, min_queue_tick=4) == [(3, 4)]
    assert found(ADD, 0b01, is_check=True) == [(0, 0)]
    assert found(REMOVE, 0b01) == found(ADD, 0b100) == []
    assert found(ADD, 0b01, position=Position.FIRST) == []
    assert found(ADD, 0b01, is_check=True, position=Position.FIRST) == [(0, 0)]
    assert found(ADD, 0b10, position=Position.LAST) == [(3, 4)]
    assert found(ADD, 0b01, position=Position.LAST) == []
    assert list(matching([], ADD, 1, position=Position.FIRST)) == []
    assert next(matching(items, ADD, 0b11)) == Queued(True, 2, 3)
