"""The actions that move through a recording: in time, by steps, by jumps; and those about marked moments."""

from __future__ import annotations

from typing import Final

from am_dbg.ui.action import Action, Group

MOVING_ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "time.previous", "Previous transition", "Step back to the transition before, among those that are shown.",
        ("left", "comma"), Group.TIME, "previous_transition", footer="←→ move", partner="time.next",
    ),
    Action(
        "time.next", "Next transition", "Step forward to the transition after, among those that are shown.",
        ("right", "full_stop"), Group.TIME, "next_transition",
    ),
    Action(
        "time.first", "Initial structure", "Go to the moment before the first transition.",
        ("home",), Group.TIME, "first_transition",
    ),
    Action(
        "time.last", "Last transition", "Go to the newest transition that is shown.",
        ("end",), Group.TIME, "last_transition",
    ),
    Action(
        "time.play", "Play or pause",
        "Step forward by itself until the end or a key: two transitions a second, or as + - ~ say.",
        ("space",), Group.TIME, "toggle_play", footer="Space play",
    ),
    Action(
        "time.faster", "Play faster", "The next of the speeds up to a hundred times.", ("plus",), Group.TIME,
        "play_faster",
    ),
    Action(
        "time.slower", "Play slower", "The next of the speeds down to a tenth.", ("minus",), Group.TIME, "play_slower",
    ),
    Action(
        "time.real", "Play in real time", "Play with the gaps between transitions as they were, or evenly again.",
        ("tilde",), Group.TIME, "toggle_real_time",
    ),
    Action(
        "time.lock", "Lock the moment",
        "Look around on machines without leaving the moment that all panes show; selecting a machine leads back to it.",
        ("G",), Group.TIME, "toggle_lock",
    ),
    Action(
        "time.tail", "Follow the newest", "Stay at the end while new transitions arrive; any move by hand ends it.",
        ("T", "alt+v"), Group.TIME, "toggle_tail", footer="T tail",
    ),
    Action(
        "step.previous", "Previous step",
        "Undo a step; before the first step of a transition, go to the last one of the transition before.",
        ("less_than_sign", "alt+j"), Group.STEPS, "previous_step", footer="<> step", partner="step.next",
    ),
    Action(
        "step.next", "Next step",
        "One step into the next transition: what was called, what relations did, which handlers ran. "
        "After its last step, go to that transition.",
        ("greater_than_sign", "alt+k"), Group.STEPS, "next_step",
    ),
    Action(
        "step.inspect", "Steps …", "All steps of the transition as a table, and why it was refused; Enter goes to one.",
        ("I",), Group.STEPS, "inspect_steps", footer="I steps",
    ),
    Action(
        "step.order", "Touched states first",
        "While stepping, show the states that take part on top, or where they always are.",
        ("O",), Group.STEPS, "toggle_touched_first",
    ),
    Action(
        "jump.back", "Jump back",
        "With selected states: the last transition before that added, removed or called one. Otherwise 50 back.",
        ("H", "alt+h", "alt+left"), Group.JUMP, "jump_back", footer="H/L jump", partner="jump.forward",
    ),
    Action(
        "jump.forward", "Jump forward",
        "With selected states: the next transition that adds, removes or calls one. Otherwise 50 forward.",
        ("L", "alt+l", "alt+right"), Group.JUMP, "jump_forward",
    ),
    Action(
        "jump.back-active", "Back to where it became active",
        "The last transition before in which a selected state became active.",
        ("circumflex_accent", "ctrl+left"), Group.JUMP, "jump_back_to_activation",
    ),
    Action(
        "jump.forward-active", "Forward to where it becomes active",
        "The next transition in which a selected state becomes active.",
        ("ampersand", "ctrl+right"), Group.JUMP, "jump_forward_to_activation",
    ),
    Action(
        "jump.back-touched", "Back to where it took part",
        "The last transition before with a step that is about a selected state, even if nothing came of it.",
        ("dollar_sign",), Group.JUMP, "jump_back_to_touch",
    ),
    Action(
        "jump.forward-touched", "Forward to where it takes part",
        "The next transition with a step that is about a selected state, even if nothing comes of it.",
        ("percent_sign",), Group.JUMP, "jump_forward_to_touch",
    ),
    Action(
        "jump.next-problem", "Next problem", "The next error, cancellation or broken transition of this machine.",
        ("J",), Group.JUMP, "next_problem", footer="J/K problem", partner="jump.previous-problem",
    ),
    Action(
        "jump.previous-problem", "Previous problem", "The error, cancellation or broken transition before.",
        ("K",), Group.JUMP, "previous_problem",
    ),
    Action(
        "jump.problems", "Problems …", "Everything that went wrong on all machines, newest first; Enter goes there.",
        ("exclamation_mark",), Group.JUMP, "list_problems", footer="! problems",
    ),
    Action(
        "jump.why", "Why, or why not? …",
        "Why the selected state, or the one the transition was for, is active or not: who asked for it, what refused.",
        ("W",), Group.JUMP, "explain", footer="W why",
    ),
    Action(
        "jump.causes", "Causes and effects …",
        "The chain of causes up to the first one, and what the transition led to, on all machines; Enter goes there.",
        ("C",), Group.JUMP, "show_causes", footer="C cause",
    ),
    Action(
        "jump.cause", "Go to the cause",
        "The transition, often of another machine, that caused this one; its name stands after ← in the line.",
        ("quotation_mark",), Group.JUMP, "go_to_cause",
    ),
    Action(
        "jump.history-back", "Back to where you were", "Return to where the last jump started, as in a browser.",
        ("left_square_bracket",), Group.JUMP, "go_back", footer="[] back", partner="jump.history-forward",
    ),
    Action(
        "jump.history-forward", "Forward again", "Undo a step back.",
        ("right_square_bracket",), Group.JUMP, "go_forward",
    ),
    Action(
        "jump.machine-back", "Back to another machine", "Return to the last place on another machine.",
        ("left_curly_bracket",), Group.JUMP, "go_back_elsewhere",
    ),
    Action(
        "jump.machine-forward", "Forward to another machine", "Go on to the next place on another machine.",
        ("right_curly_bracket",), Group.JUMP, "go_forward_elsewhere",
    ),
    Action(
        "jump.history", "Where you have been …", "The history of jumps, newest first; Enter returns to one.",
        ("ctrl+y",), Group.JUMP, "list_history",
    ),
    Action(
        "jump.goto", "Go to …", "Type a transition number, a machine time, a time of day or a machine address.",
        ("at",), Group.JUMP, "go_to", footer="@ go to",
    ),
    Action(
        "jump.copy-address", "Copy the address",
        "Send the address of this place to the clipboard of the terminal (OSC 52); paste such an address to go there.",
        ("Y",), Group.JUMP, "copy_address",
    ),
    Action(
        "jump.paste-address", "Go to the copied address",
        "Go where Y was pressed last. What the terminal itself pastes leads to its place as well.",
        ("ctrl+v",), Group.JUMP, "paste_address",
    ),
    Action(
        "jump.find", "Find …",
        "Type words: machines and states with such names are listed, and all places in logs, arguments and errors.",
        ("slash",), Group.JUMP, "find", footer="/ find",
    ),
    Action(
        "jump.query", "Query …",
        "Type what transitions are like, as in canceled & called:Ready: lists what matches, or shows nothing else.",
        ("Q",), Group.JUMP, "ask", footer="Q query",
    ),
    Action(
        "jump.next-hit", "Next hit", "The next place of the text that was looked for, on whatever machine it is.",
        ("right_parenthesis", "f3"), Group.JUMP, "next_hit",
    ),
    Action(
        "jump.previous-hit", "Previous hit", "The place of the text before.",
        ("left_parenthesis", "shift+f3"), Group.JUMP, "previous_hit",
    ),
    Action(
        "mark.bookmark", "Bookmark …",
        "Mark the transition at the cursor for later, with a title and a note. What is marked is never removed.",
        ("B",), Group.MARKS, "add_bookmark", footer="B bookmark",
    ),
    Action(
        "mark.bookmarks", "Bookmarks …", "All bookmarks of this session: go there, change or remove them.",
        ("apostrophe",), Group.MARKS, "list_bookmarks",
    ),
    Action(
        "mark.set", "Set the mark", "Remember the cursor, to compare another place with it; again: forget it.",
        ("M",), Group.MARKS, "set_mark",
    ),
    Action(
        "mark.compare", "What differs from the mark …",
        "States, ticks, queue, waits and pipes of this machine: at the marked moment, and at the cursor.",
        ("D",), Group.MARKS, "compare",
    ),
)  # fmt: skip
