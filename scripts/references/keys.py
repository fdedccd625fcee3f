"""The keys, from the registry that the program itself uses."""

from __future__ import annotations

from am_dbg.ui.actions import ACTIONS, EVERYWHERE, Group
from am_dbg.ui.keymap import printed
from references.markdown import code, page, table


def build() -> str:
    """The page."""
    blocks = ["The same list, for the pane that has the focus, is shown by `?` in the program."]
    for group in Group:
        actions = [action for action in ACTIONS if action.group is group]
        if not actions:
            continue
        rows = [
            [
                " ".join(code(printed(key)) for key in action.keys),
                f"**{action.title}**"
                + ("" if action.where == EVERYWHERE else f" ({', '.join(sorted(action.where))} only)"),
                action.description,
            ]
            for action in actions
        ]
        blocks += [f"## {group}", table(["Keys", "Action", "What it does"], rows)]
    return page("Keys", *blocks)
