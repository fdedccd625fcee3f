"""A nondeterministic finite automaton, without turning it into a deterministic one first.

The automaton accepts words over ``a`` and ``b`` whose third letter from the end is an ``a``. Where it could be in
several states after a letter, it is: a machine may have any number of active states. A deterministic automaton for the
same words needs eight states, this one four.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/nfa.py`` in another: step through ``nfa`` and watch
the active states spread.
"""

import am_telemetry
from am_core import Event, Machine, State, States, on

am_telemetry.init()


class Nfa(States):
    """The automaton's states, and two of the machine's: a letter was read, the word so far is accepted."""

    Q0 = State()
    Q1 = State()
    Q2 = State()
    Q3 = State()
    Letter = State(multi=True)
    Accepted = State(auto=True, require=[Q3])


EDGES: dict[tuple[str, str], tuple[str, ...]] = {
    (Nfa.Q0, "a"): (Nfa.Q0, Nfa.Q1),
    (Nfa.Q0, "b"): (Nfa.Q0,),
    (Nfa.Q1, "a"): (Nfa.Q2,),
    (Nfa.Q1, "b"): (Nfa.Q2,),
    (Nfa.Q2, "a"): (Nfa.Q3,),
    (Nfa.Q2, "b"): (Nfa.Q3,),
}


class Reader:
    """Reads letters."""

    @on.enter(Nfa.Letter)
    def is_in_the_alphabet(self, e: Event) -> bool:
        return e.args["letter"] in ("a", "b")

    @on.state(Nfa.Letter)
    def move(self, e: Event) -> None:
        letter = e.args["letter"]
        targets = {target for state in e.machine.active for target in EDGES.get((state, letter), ())}
        e.machine.set(sorted(targets))


def accepts(nfa: Machine, word: str) -> bool:
    """Read a word from the beginning."""
    nfa.set(Nfa.Q0)
    trace = []
    for letter in word:
        nfa.add(Nfa.Letter, letter=letter)
        trace.append("".join(sorted(state[1] for state in nfa.active if state.startswith("Q"))))
    print(f"{word:8} {' '.join(trace):28} {'accepted' if Nfa.Accepted in nfa else 'refused'}")
    return Nfa.Accepted in nfa


def main() -> dict[str, bool]:
    """Try some words; returns which are accepted."""
    nfa = Machine.create(Nfa, [Reader()], id="nfa")
    return {word: accepts(nfa, word) for word in ("abb", "babaab", "aab", "bbb", "ab", "abbab", "babb")}


if __name__ == "__main__":
    main()
