"""The keys, from the registry that the program itself uses."""

from __future__ import annotations

from am_dbg.ui.actions import ACTIONS, EVERYWHERE, Group
from am_dbg.ui.keymap import printed
from references.markdown import code, page, table

LEAD = """
The same list, for the pane that has the focus, is shown by `?` in the program; `am-dbg keys` prints it with the ids of
the actions. [Settings](settings.md#in-the-debugger) tells how to change keys. The profile `classic` has the keys of the
Go am-dbg v0.10 and no others: `am-dbg config set keys.profile classic`. What has no key then is in the help, and can be
clicked.
"""


def build() -> str:
    """The page."""
    blocks = [LEAD]
    for group in Group:
        actions = [action for action in ACTIONS if action.group is group]
        if not actions:
            continue
        rows = [
            [
                " ".join(code(printed(key)) for key in action.keys),
                code(action.id),
                f"**{action.title}**"
                + ("" if action.where == EVERYWHERE else f" ({', '.join(sorted(action.where))} only)"),
                action.description,
            ]
            for action in actions
        ]
        blocks += [f"## {group}", table(["Keys", "Id", "Action", "What it does"], rows)]
    return page("Keys", *blocks)
