"""An expense on its way through an office: people decide, days pass, and programs are restarted in between.

Who may do what is decided before anything changes, by handlers that look at the arguments. What has to come together
is a relation. How far it got is kept as a snapshot, and a new machine goes on from there.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/expense_approval.py`` in another: J leads to every
attempt that was refused, and the line above the strip says by whom.
"""

import json

import am_telemetry
from am_core import Event, LastTxTracer, Machine, Snapshot, State, States, on

am_telemetry.init()

LIMIT = 1000
LEADS = {"lea", "lou"}
DIRECTORS = {"dora"}


class ExpenseStates(States):
    """Approvals are facts beside each other. All of them need what was submitted, and end with it."""

    Submitted = State(multi=True, remove=["Rejected"])
    Rejected = State(remove=[Submitted])
    Large = State(require=[Submitted])
    LeadAgrees = State(require=[Submitted])
    DirectorAgrees = State(require=[Submitted])
    Approved = State(auto=True, require=[LeadAgrees])
    Paid = State(require=[Approved])


class Rules:
    """Who may do what."""

    @on.enter(ExpenseStates.Submitted)
    def is_an_expense(self, e: Event) -> bool:
        return e.args.get("amount", 0) > 0 and bool(e.args.get("by"))

    @on.state(ExpenseStates.Submitted)
    def is_it_large(self, e: Event) -> None:
        # Submitted again: who agreed did so to another amount.
        e.machine.remove([ExpenseStates.Large, ExpenseStates.LeadAgrees, ExpenseStates.DirectorAgrees])
        if e.args["amount"] > LIMIT:
            e.machine.add(ExpenseStates.Large)

    @on.enter(ExpenseStates.LeadAgrees)
    @on.enter(ExpenseStates.Rejected)
    def is_a_lead(self, e: Event) -> bool:
        return e.args.get("by") in LEADS | DIRECTORS

    @on.enter(ExpenseStates.DirectorAgrees)
    def is_a_director(self, e: Event) -> bool:
        return e.args.get("by") in DIRECTORS

    @on.enter(ExpenseStates.Approved)
    def has_all_signatures(self, e: Event) -> bool:
        targets = e.transition.target_states()
        return ExpenseStates.Large not in targets or ExpenseStates.DirectorAgrees in targets


def expense() -> Machine:
    """A new one."""
    return Machine.create(ExpenseStates, [Rules()], id="expense-7")


def main() -> list[str]:
    """An expense is submitted, refused, approved and paid, over a restart; returns a line for each attempt."""
    said: list[str] = []
    machine = expense()
    last = LastTxTracer()
    machine.bind_tracer(last)

    def attempt(state: str, **args: object) -> None:
        result = machine.add(state, args)
        why = f" by {last.last.canceled_by}" if result.canceled and last.last else ""
        said.append(
            f"{args.get('by', 'the cashier')}: {state} {result}{why}; {' '.join(sorted(machine.active)) or '-'}"
        )

    attempt(ExpenseStates.Submitted, by="ann", amount=0)
    attempt(ExpenseStates.Submitted, by="ann", amount=1500)
    attempt(ExpenseStates.LeadAgrees, by="ann")
    attempt(ExpenseStates.LeadAgrees, by="lea")
    attempt(ExpenseStates.Paid)

    # The program ends here, and another one goes on some days later.
    saved = json.dumps(machine.export().to_dict())
    machine.dispose_force()
    machine = expense()
    machine.restore(Snapshot.from_dict(json.loads(saved)))
    machine.bind_tracer(last)
    said.append(f"restarted; {' '.join(sorted(machine.active))}")

    attempt(ExpenseStates.DirectorAgrees, by="lou")
    attempt(ExpenseStates.DirectorAgrees, by="dora")
    attempt(ExpenseStates.Paid)
    print("\n".join(said))
    return said


if __name__ == "__main__":
    main()
