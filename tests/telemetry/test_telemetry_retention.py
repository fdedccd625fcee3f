"""What is kept for the hub is bounded, and what is given up is told as gaps under the same record numbers."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from test_telemetry_builder import Watch, replay

from am_core import LogLevel, Machine
from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch
from am_telemetry.facts import PatternFact
from am_telemetry.sending.known import Known
from am_telemetry.sending.retention import MAX_BYTES, MAX_MERGED_COST, Retention
from am_telemetry.wire import Decoder, encode


class Desk:
    """A builder whose batches are retained, and connections that read them."""

    def __init__(self, max_transitions: int, machines: int = 3, max_bytes: int = MAX_BYTES) -> None:
        self.watch = Watch()
        self.retention = Retention(encode, self.watch.builder.schemas, self.watch.dropped, max_transitions, max_bytes)
        self.machines = [Machine({"A": {"multi": True}, "B": {}}, id=f"m{i}") for i in range(machines)]
        self.tracers = [self.watch.trace(machine) for machine in self.machines]
        self._retained = 0
        self.connect(0)

    def work(self, machine: int, count: int) -> None:
        for i in range(count):
            self.machines[machine].toggle("B") if i % 2 else self.machines[machine].add("A")
        self.watch.collect()
        for draft in self.watch.drafts[self._retained :]:
            self.retention.add(draft)
        self._retained = len(self.watch.drafts)

    def connect(self, have_seq: int) -> None:
        self.retention.start_again(have_seq)
        self.known = Known(self.retention, self.watch.builder.schemas)
        self.decoder = Decoder()

    def send(self, count: int = 1000) -> list[Batch]:
        """What the hub decodes of the next items."""
        batches = []
        while count and (item := self.retention.next_to_send()) is not None:
            definitions = encode(self.known.lacking(item), self.watch.builder.schemas.handles)
            frame = pb.ClientFrame.FromString(definitions + self.retention.frame_of(item))
            batches.append(self.decoder.decode(frame.batch))
            self.retention.mark_sent()
            count -= 1
        return batches


def test_everything_fits_and_arrives_as_it_was() -> None:
    desk = Desk(10_000)
    for round_number in range(10):
        desk.work(round_number % 3, 40)
    batches = desk.send()
    assert sum(map(len, batches)) == 400
    desk.retention.acknowledge(batches[-1].last_seq)
    assert (len(desk.retention), desk.retention.transitions, desk.retention.cost) == (0, 0, 0)


def test_the_oldest_are_given_up_and_merge_into_one_hole() -> None:
    desk = Desk(100)
    for _ in range(50):
        desk.work(0, 10)
    assert desk.retention.transitions <= 100
    assert len(desk.retention) <= 12
    batches = desk.send()
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert (gap.after_sequence, gap.lost) == (0, 400)
    assert desk.watch.dropped.reasons == {"buffer full": 400}


def live_briefly(desk: Desk, count: int) -> None:
    """So many machines come and go."""
    for number in range(count):
        machine = Machine({"A": {}}, id=f"short-{number}")
        desk.watch.trace(machine)
        machine.add("A")
        machine.dispose_force()
    desk.work(0, 1)


def test_machines_that_came_and_went_without_a_hub_fit_its_messages() -> None:
    desk = Desk(100)
    for _ in range(20):
        live_briefly(desk, 200)
    batches = [frame for frame in map(desk.retention.frame_of, desk.retention) if frame]
    assert max(map(len, batches)) < MAX_MERGED_COST
    stored = desk.send()
    assert sum(len(batch.opened) for batch in stored) == 4000 + 3
    assert sum(len(batch.closed) for batch in stored) == 4000
    assert sum(map(len, stored)) + sum(gap.lost for batch in stored for gap in batch.gaps) == 4000 + 20


def test_machines_that_came_and_went_do_not_use_up_memory_for_ever() -> None:
    desk = Desk(1000, max_bytes=200_000)
    for _ in range(20):
        live_briefly(desk, 200)
        assert desk.retention.cost <= 200_000
    assert desk.retention.transitions >= 201  # what happened last has not been given up for it
    assert desk.retention.transitions + sum(desk.watch.dropped.reasons.values()) == 4000 + 20


def test_what_is_in_flight_is_never_given_up() -> None:
    desk = Desk(100)
    desk.work(0, 100)
    sent = desk.send()
    desk.work(0, 1000)
    assert not any(item.given_up for item in list(desk.retention)[: len(sent)])
    desk.retention.acknowledge(sent[-1].last_seq)
    assert desk.watch.dropped.reasons.get("buffer full", 0) >= 900


def test_a_new_connection_hears_of_idle_machines_with_their_true_clock() -> None:
    desk = Desk(10_000)
    desk.work(0, 5)
    desk.work(1, 3)
    batches = desk.send()
    desk.retention.acknowledge(batches[-1].last_seq)
    desk.work(1, 1)
    desk.connect(batches[-1].last_seq)
    (batch,) = desk.send()
    facts = {fact.id: fact for _, _, fact in batch.opened}
    assert sorted(facts) == ["m0", "m1", "m2"]
    assert facts["m0"].sequence == 5
    assert facts["m0"].clock == tuple(desk.machines[0].time())
    assert facts["m1"].sequence == 3


def test_a_closed_machine_is_not_announced_again() -> None:
    desk = Desk(10_000)
    desk.work(0, 1)
    desk.machines[0].dispose_force()
    desk.work(1, 1)
    batches = desk.send()
    desk.retention.acknowledge(batches[-1].last_seq)
    desk.connect(batches[-1].last_seq)
    desk.work(1, 1)
    (batch,) = desk.send()
    assert sorted(fact.id for _, _, fact in batch.opened) == ["m1", "m2"]


def test_what_the_hub_may_have_keeps_its_boundaries_when_it_is_given_up() -> None:
    desk = Desk(100)
    desk.work(0, 20)
    desk.work(1, 20)
    sent = desk.send()
    desk.connect(0)
    for machine in (2, 0, 1):  # none of them does more than all others together
        desk.work(machine, 60)
    assert [item.last_seq for item in desk.retention][:2] == [batch.last_seq for batch in sent]
    desk.connect(sent[0].last_seq)
    batches = desk.send()
    assert batches[0].first_seq == sent[0].last_seq + 1
    assert [(gap.machine, gap.lost) for gap in batches[0].gaps] == [(2, 20)]


def test_a_full_pattern_table_starts_again_and_the_hub_follows() -> None:
    desk = Desk(10_000)
    desk.watch.builder.patterns._limit = 3
    stored: list[Batch] = []
    for number in range(12):
        desk.work(number % 3, 1 + number % 4)
        stored += desk.send()
    meanings: dict[int, PatternFact] = {}
    redefined = 0
    clock: dict[int, int] = dict.fromkeys((1, 2, 3), 0)
    for batch in stored:
        redefined += sum(entry.handle in meanings for entry in batch.patterns)
        meanings.update((entry.handle, entry.pattern) for entry in batch.patterns)
        for machine, pattern in zip(batch.transitions.machine, batch.transitions.pattern, strict=True):
            clock[machine] += sum(ticks for _, ticks in meanings[pattern].deltas)
    assert redefined
    assert list(clock.values()) == [sum(machine.time()) for machine in desk.machines]


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 2), st.integers(1, 60)),
        st.tuples(st.just("send"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("lose"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("ack"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(ACTS, st.integers(20, 150))
def test_the_hub_can_always_tell_the_whole_story(acts: list[tuple[str, int, int]], room: int) -> None:
    """Connections are lost with acknowledgements unheard, room runs out; the hub's clocks are right in the end."""
    desk = Desk(room)
    stored: list[Batch] = []
    for act, number, count in acts:
        if act == "work":
            desk.work(number, count)
        elif act == "send":
            stored += desk.send(number)
        elif act == "ack" and stored:
            desk.retention.acknowledge(stored[-1].last_seq)
        elif act == "lose":
            # What was sent last may not have reached the store.
            del stored[max(0, len(stored) - min(number, desk.retention.in_flight)) :]
            desk.connect(stored[-1].last_seq if stored else 0)
    desk.work(0, 1)
    stored += desk.send()
    first: dict[int, int] = {}
    for batch in stored:
        batch.opened = [entry for entry in batch.opened if first.setdefault(entry[0], id(batch)) == id(batch)]
    assert all(a.last_seq + 1 == b.first_seq for a, b in pairwise(stored))
    patterns = {entry.handle: entry.pattern for batch in stored for entry in batch.patterns}
    clocks = replay(stored, patterns)
    for tracer, machine in zip(desk.tracers, desk.machines, strict=True):
        assert clocks[tracer.track.handle] == list(machine.time())


class TestWhatIsGivenUpFirst:
    """Steps, then log lines, then the machine that does more than all others together, then the oldest."""

    def rich(self, max_bytes: int = 400_000, max_transitions: int = 200_000) -> Desk:
        desk = Desk(max_transitions, max_bytes=max_bytes)
        for machine in desk.machines:
            machine.log_level = LogLevel.EVERYTHING
        return desk

    def talk(self, desk: Desk, machine: int, times: int, salt: str) -> None:
        for number in range(times):
            desk.machines[machine].log(f"{salt} {number} " + "x" * 80)
            desk.work(machine, 2)

    def steps_of(self, batches: list[Batch]) -> list[int]:
        patterns: dict[int, PatternFact] = {}
        counts = []
        for batch in batches:
            patterns.update((entry.handle, entry.pattern) for entry in batch.patterns)
            counts += [len(patterns[pattern].steps) for pattern in batch.transitions.pattern]
        return counts

    def test_steps_go_before_lines_and_no_transition_does(self) -> None:
        whole = self.rich()
        self.talk(whole, 0, 120, "a")
        desk = self.rich(max_bytes=whole.retention.cost - 300)
        self.talk(desk, 0, 120, "a")
        batches = desk.send()
        omissions = [entry for batch in batches for entry in batch.omissions]
        assert {entry.what for entry in omissions} >= {"steps"}
        assert sum(map(len, batches)) == 240
        assert not [gap for batch in batches for gap in batch.gaps]
        counts = self.steps_of(batches)
        assert counts[0] == 0, "the oldest have lost theirs"
        lost = sum(entry.count for entry in omissions if entry.what == "steps")
        assert desk.watch.dropped.omitted["steps"] == lost
        assert desk.watch.dropped.reasons == {}

    def test_lines_go_when_steps_are_not_enough(self) -> None:
        whole = self.rich()
        self.talk(whole, 0, 150, "b")
        limit = whole.retention.cost * 95 // 100
        desk = self.rich(max_bytes=limit)
        self.talk(desk, 0, 150, "b")
        assert desk.retention.cost <= limit
        batches = desk.send()
        omissions = [entry for batch in batches for entry in batch.omissions if entry.what == "log lines"]
        assert omissions
        told = sum(len(batch.logs) for batch in batches)
        assert told > 0, "those of what happened last are still there"
        assert sum(map(len, batches)) == 300
        assert sum(entry.count for entry in omissions) == desk.watch.dropped.omitted["log lines"]

    def test_a_noisy_machine_does_not_push_out_the_quiet_ones(self) -> None:
        desk = Desk(200)
        desk.work(0, 20)
        desk.work(1, 20)
        for _ in range(30):
            desk.work(2, 30)
        batches = desk.send()
        kept = Counter(machine for batch in batches for machine in batch.transitions.machine)
        assert (kept[1], kept[2]) == (20, 20)
        assert 0 < kept[3] <= 160
        lost = sum(gap.lost for batch in batches for gap in batch.gaps)
        assert {gap.machine for batch in batches for gap in batch.gaps} == {3}
        assert lost + kept[3] == 900
        assert desk.watch.dropped.reasons == {"buffer full": lost}
        for clock, machine in zip(replay(batches, desk.watch.patterns).values(), desk.machines, strict=True):
            assert clock == list(machine.time())

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), min_size=1, max_size=40),
        st.integers(20, 300),
        st.sampled_from([30_000, 100_000, MAX_BYTES]),
    )
    def test_whatever_is_given_up_sums_and_clocks_agree(
        self, work: list[tuple[int, int]], limit: int, size: int
    ) -> None:
        desk = self.rich(size, limit)
        for number, (machine, count) in enumerate(work):
            desk.machines[machine].log(f"line {number}")
            desk.work(machine, count)
        batches = desk.send()
        total = sum(machine.transition_count for machine in desk.machines)
        lost = sum(gap.lost for batch in batches for gap in batch.gaps)
        assert sum(map(len, batches)) + lost == total
        assert desk.watch.dropped.reasons.get("buffer full", 0) == lost
        for clock, machine in zip(replay(batches, desk.watch.patterns).values(), desk.machines, strict=True):
            assert clock == list(machine.time())
        desk.retention.acknowledge(10**9)
        assert (len(desk.retention), desk.retention.transitions, desk.retention.cost) == (0, 0, 0)
