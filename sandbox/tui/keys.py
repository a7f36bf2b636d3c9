"""Every key of the app, once: bindings, help, key bar, command palette and keymap all read this list."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Action(NamedTuple):
    """Something that a key does. ``id``: its name in a keymap; ``brief``: its word in the key bar ("" keeps it out)."""

    id: str
    keys: str
    brief: str
    says: str


ACTIONS = (
    Action("pause", "space", "pause", "Pause: stop every process and the clock; again: go on"),
    Action("step", "full_stop", "step", "Step: go on until one scheduling decision has been made"),
    Action("policy", "p", "policy", "Choose another scheduling policy; it takes over at once"),
    Action("quantum_down", "left_square_bracket", "", "Make the time slice shorter"),
    Action("quantum_up", "right_square_bracket", "quantum", "Make the time slice longer"),
    Action("new", "n", "new", "Start a new process: type a command line"),
    Action("kill", "k", "kill", "End the chosen process"),
    Action("select_next", "down", "", "Choose the next process"),
    Action("select_previous", "up", "", "Choose the process before"),
    Action("inspect", "enter", "inspect", "Look into the chosen process, and type into its console"),
    Action("open", "o", "open", "Open another scenario"),
    Action("restart", "r", "restart", "Run the scenario again from the start"),
    Action("lesson", "l", "lesson", "Read the lesson of this scenario"),
    Action("lesson_down", "pagedown", "", "Scroll the lesson down"),
    Action("lesson_up", "pageup", "", "Scroll the lesson up"),
    Action("zoom_in", "plus,equals_sign", "", "Show a shorter time in the timeline"),
    Action("zoom_out", "minus", "", "Show a longer time in the timeline"),
    Action("theme", "t", "", "Change between dark and light"),
    Action("screenshot", "f12", "", "Save a picture of the screen (SVG)"),
    Action("palette", "ctrl+p", "", "Find any of these by name"),
    Action("help", "question_mark,f1", "help", "Show all keys"),
    Action("quit", "q,ctrl+q", "quit", "End every process and leave"),
)

#: How the key bar and the help write a key.
_WRITTEN = {
    "full_stop": ".",
    "comma": ",",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "enter": "⏎",
    "down": "↓",
    "up": "↑",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
}


def written(keys: str) -> str:
    """A binding's keys as people write them: ``?`` for ``question_mark``."""
    return " ".join(_WRITTEN.get(key, key) for key in keys.split(","))


def bindings() -> list[BindingType]:
    """The bindings of the app; each has an id, so that a keymap can move it to other keys."""
    return [Binding(action.keys, action.id, action.says, show=False, id=action.id) for action in ACTIONS]
