"""The queue: order, duplicates, limits, dry runs, threads. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import random
import threading
import time

import pytest
from engine_setups import PLAIN, in_thread, machine_of, noted, record, until, veto

from am_core import Check, Event, Machine, MutationType, Position, Result

ADD, REMOVE = MutationType.ADD, MutationType.REMOVE


def test_scenario_55_a_nested_mutation_runs_afterwards() -> None:
    """It is queued, and its result says when it starts."""
    machine = machine_of(active="A")
    results: list[Result] = []
    order = record(machine, {"BEnter": lambda e: results.append(e.machine.add("C"))})
    assert machine.set("B").executed
    assert " ".join(order[order.index("AnyState") + 1 :]) == "CEnter BB BC AnyEnter CState AnyState"
    assert machine.active == ("C", "B")
    assert results == [4]


def test_scenario_56_asking_for_what_is_queued() -> None:
    """Only called states count."""
    machine = machine_of()
    answers: list[object] = []

    def ask(e: Event) -> None:
        m = e.machine
        for state in "BCD":
            m.add(state)
        answers.append(m.queue_len())
        answers.append(m.is_queued(ADD, ["C"]))
        answers.append(m.is_queued(ADD, "A").found)
        answers.append((m.will_be("C"), m.will_be1("A"), m.will_be_any(["A", "D"]), m.will_be_removed("C")))
        answers.append((m.will_be("B", Position.FIRST), m.will_be("B", Position.LAST)))
        answers.append((m.is_queued_above(1, ADD, "B"), m.is_queued_above(2, ADD, "B")))
        answers.append([mutation.text(m.states) for mutation in m.queue()])

    machine.bind({"AState": ask})
    machine.add("A")
    assert answers == [
        3, (True, 1, 4), False, (True, False, True, False), (True, False), (True, False),
        ["[add] B", "[add] C", "[add] D"],
    ]  # fmt: skip
    assert not machine.is_queued(ADD, "B", position=Position.FIRST).found


def test_scenario_57_needless_duplicates_are_not_queued() -> None:
    """Adding thrice and removing twice are two mutations."""
    machine = machine_of(active="B")
    lengths: list[int] = []
    results: list[int] = []

    def repeat(e: Event) -> None:
        for _ in range(3):
            results.append(e.machine.add("B"))
        lengths.append(e.machine.queue_len())
        for _ in range(2):
            results.append(e.machine.remove("B"))
            lengths.append(e.machine.queue_len())

    machine.bind({"AState": repeat})
    notes = noted(machine)
    machine.add("A")
    assert lengths == [1, 2, 2]
    assert results == [4, 4, 4, 5, 5]
    assert "[queue:skipped] Duplicate detected for [add] B" in notes.log
    assert machine.active == ("A",)


def test_scenario_58_a_duplicate_behind_its_opposite_is_needed() -> None:
    """Add, remove, add ends with the state active."""
    machine = machine_of()

    def swing(e: Event) -> None:
        e.machine.add("B")
        e.machine.remove("B")
        e.machine.add("B")

    machine.bind({"AState": swing})
    machine.add("A")
    assert (machine.is_("B"), machine.tick("B")) == (True, 3)


def test_duplicates_with_arguments_or_multi_states_count() -> None:
    """They may mean something else each time."""
    machine = machine_of({**PLAIN, "M": {"multi": True}})
    lengths: list[int] = []

    def repeat(e: Event) -> None:
        for _ in range(2):
            e.machine.add("B", x=1)
            e.machine.add("M")
            e.machine.set("C")
        lengths.append(e.machine.queue_len())
        e.machine.set("C")
        lengths.append(e.machine.queue_len())

    machine.bind({"AState": repeat})
    machine.add("A")
    assert lengths == [6, 6]


def test_scenario_59_removing_the_inactive_while_busy_is_done_at_once() -> None:
    """Outside a transition the same call runs one."""
    machine = machine_of()
    results: list[object] = []
    machine.bind({"AState": lambda e: results.append((e.machine.remove("B"), e.machine.queue_len()))})
    machine.add("A")
    assert results == [(Result.EXECUTED, 0)]
    notes = noted(machine)
    assert machine.remove("B").executed
    assert len(notes.all) == 1


def test_scenario_60_a_full_queue_takes_only_errors() -> None:
    """The exemption holds for one error."""
    machine = machine_of(queue_limit=2)
    results: list[int] = []

    def fill(e: Event) -> None:
        m = e.machine
        results.extend(m.add("B", n=n) for n in range(4))
        results.append(m.add("Exception"))
        results.append(m.set("C"))
        results.append(m.remove("A"))

    machine.bind({"AState": fill})
    machine.add("A")
    assert results == [3, 4, 1, 1, 5, 1, 1]
    assert machine.is_err()


def test_scenario_61_another_thread_is_told_that_it_is_queued() -> None:
    """It does not wait for the handler."""
    machine = machine_of()
    started, go_on = threading.Event(), threading.Event()

    def slow(_: Event) -> None:
        started.set()
        assert go_on.wait(10)

    machine.bind({"AState": slow})
    thread = in_thread(lambda: machine.add("A"))
    assert started.wait(10)
    begun = time.monotonic()
    assert machine.add("B") == 3
    assert time.monotonic() - begun < 5
    go_on.set()
    thread.join(10)
    assert machine.is_(["A", "B"])


def test_scenario_62_prepended_mutations_come_first() -> None:
    """Before what was queued earlier."""
    machine = machine_of()
    results: list[int] = []

    def nested(e: Event) -> None:
        results.append(e.machine.add("C"))
        results.append(e.machine.prepend_mut(e.machine.mutation(ADD, "B")))

    machine.bind({"AEnter": nested})
    notes = noted(machine)
    machine.add("A")
    assert [tx.called_states() for tx in notes.all] == [["A"], ["B"], ["C"]]
    assert results == [3, 2]
    assert [tx.mutation.queue_tick for tx in notes.all] == [2, 0, 3]
    assert notes.all[1].mutation.queue_token > 0


def test_scenario_63_dry_runs_change_nothing() -> None:
    """They answer whether the mutation would be accepted."""
    machine = machine_of({**PLAIN, "A": {"require": ["C"]}, "M": {"multi": True, "require": ["C"]}})
    before = (machine.time(), machine.queue_tick())
    assert machine.can_add("A").canceled
    assert machine.can_add("M").canceled
    assert machine.can_add("C").executed
    assert machine.can_remove("C").executed
    assert (machine.time(), machine.queue_tick()) == before
    answers = [Check(), Check()]
    results: list[int] = []
    seen: list[object] = []

    def nested(e: Event) -> None:
        results.append(e.machine.can_add("A", answer=answers[0]))
        results.append(e.machine.can_remove("B", answer=answers[1], reason="x"))
        assert not answers[0].done

    machine.bind(
        {"BState": nested, "BExit": lambda e: seen.append((e.is_check, e.args)), "BEnd": lambda e: seen.append("end")}
    )
    machine.add("B")
    assert results == [2, 2]
    assert [(answer.done, answer.accepted) for answer in answers] == [(True, False), (True, True)]
    assert seen == [(True, {"reason": "x"})]


def test_a_dry_run_asks_the_handlers() -> None:
    """A refusing one makes it impossible, a failing one adds an error."""
    machine = machine_of()
    machine.bind({"AEnter": veto, "BEnter": lambda e: 1 / 0})
    assert machine.can_add("A").canceled
    assert not machine.is_err()
    assert machine.can_add("B").canceled
    assert machine.is_err()


def test_the_drainer_gets_the_result_of_its_own_mutation() -> None:
    """Not that of what others had queued before."""
    machine = machine_of()
    machine.bind({"BEnter": veto})
    machine.post(ADD, "B")
    results: list[Result] = []

    def nested(e: Event) -> None:
        e.machine.add("B")

    machine.bind({"AState": nested})
    results.append(machine.add("A"))
    results.append(machine.add("B"))
    assert [str(result) for result in results] == ["executed", "canceled"]


def test_mutations_in_handlers_carry_their_source() -> None:
    """Unless that is declined."""
    machine = machine_of(active="C")
    other = machine_of()

    def nested(e: Event) -> None:
        e.machine.add("B")
        e.machine.add("D", event=None)
        other.add("A")

    machine.bind({"AState": nested})
    notes, others = noted(machine), noted(other)
    machine.add("A")
    by_state = {tx.called_states()[0]: tx for tx in notes.all}
    source = by_state["B"].mutation.source
    assert source is not None
    assert source == (machine.id, by_state["A"].id, 1, by_state["A"].number)
    assert by_state["A"].mutation.source is None
    assert by_state["D"].mutation.source is None
    assert others.all[0].mutation.source == source
    assert f"[source] {machine.id}/{by_state['A'].id}/1" in others.log


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_threads_hammering_one_machine_lose_nothing(runner: str) -> None:
    """Every mutation that was taken runs exactly once, and the machine is idle in the end."""
    names = [f"S{i}" for i in range(6)]
    machine = machine_of({name: {"multi": True} for name in names}, runner=runner, queue_limit=10**6, log_level=0)
    ran: list[int] = []
    machine.bind({"AnyState": lambda e: ran.append(e.args["n"])})
    per_thread, threads = (150, 6)
    refused: list[int] = []
    start = threading.Barrier(threads)

    def hammer(number: int) -> None:
        choose = random.Random(number)
        start.wait(10)
        for i in range(per_thread):
            n = number * per_thread + i
            if machine.add(choose.choice(names), n=n).canceled:
                refused.append(n)

    workers = [threading.Thread(target=hammer, args=(i,), daemon=True) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    until(lambda: len(ran) == per_thread * threads)
    assert refused == []
    assert sorted(ran) == list(range(per_thread * threads))
    assert machine.queue_len() == 0
    assert machine.transition is None
    assert machine.queue_tick() == per_thread * threads + 1
    assert machine.add("S0", n=-1).executed
    machine.dispose_force()


def test_readers_never_see_half_a_transition() -> None:
    """Ticks and activity are of one moment, whenever another thread looks."""
    machine = Machine({"A": {"remove": ["B"]}, "B": {"remove": ["A"]}}, handler_timeout=60)
    machine.add("A")
    stop = threading.Event()
    torn: list[object] = []

    def look() -> None:
        while not stop.is_set():
            clock = machine.clock(["A", "B"])
            if (clock["A"] + clock["B"]) % 2 == 0 or len(machine.active) != 1:
                torn.append(clock)

    readers = [in_thread(look) for _ in range(2)]
    for _ in range(1500):
        machine.add("B")
        machine.add("A")
    stop.set()
    for reader in readers:
        reader.join(10)
    assert torn == []
