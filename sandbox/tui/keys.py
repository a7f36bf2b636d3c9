"""All keys of the app: bindings, help, key bar, command palette and keymaps are made from this list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding, BindingType
from textual.keys import format_key


class Action(NamedTuple):
    """An action that a key triggers.

    ``id``: its name in keymaps. ``does``: the action with its arguments, as Textual writes it: ``select(1)`` is the
    method ``action_select(1)`` of the widget that has the binding, ``app.help`` is ``action_help()`` of the app.
    ``brief``: its word in the key bar ("" omits it there). ``name``: its name in the command palette. ``panel``: the
    widget that has the binding and the method: the panel of this name, while in front; the main screen (""), always; an
    input line ("entry"; "typing" for that of a console); a terminal that gets all keys ("terminal"); or the question
    which process runs next ("question").
    """

    id: str
    keys: str
    does: str
    brief: str
    name: str
    says: str
    panel: str = ""


# fmt: off

#: The panels that share the middle of the screen, in the order of ``tab``. Each is a class called like its action
#: (``Board``), in the module of that name in ``sandbox.tui.panels``.
PANELS = (
    Action("board", "1", "panel('board')", "", "Board", "who is ready, running, blocked and done"),
    Action("sockets", "2", "panel('sockets')", "", "Sockets", "who listens, who is connected; send clients there"),
    Action("console", "3", "panel('console')", "", "Console", "what each process writes; type into it"),
    Action("queues", "4", "panel('queues')", "", "Queues", "the policy's own queues, as it sees them"),
    Action("compare", "5", "panel('compare')", "", "Compare", "the scenario under several policies, in virtual time"),
    Action("memory", "6", "panel('memory')", "", "Memory", "the tree of processes, and what memory each has"),
    Action("states", "7", "panel('states')", "", "States", "the states, and every arrow between them as it is taken"),
    Action("quadrants", "8", "panel('quadrants')", "", "Quadrants",
           "synchronous or not, blocking or not: where each process is"),
    Action("waits", "9", "panel('waits')", "", "Waits", "who waits for whom, for what, and whether that is a circle"),
    Action("program", "0", "panel('program')", "", "Program", "the source of each process, its next line marked"),
    Action("log", "y", "panel('log')", "", "Log", "all that has happened, in words; a line is a time to look at"),
)

ACTIONS = (
    Action("pause", "space", "pause", "pause", "Pause or go on", "every process stops, and so does the clock"),
    Action("step", "full_stop", "step", "step", "Step", "go on until one scheduling decision has been made"),
    Action("step_back", "comma", "step_back", "back", "Step back",
           "look at the decision before; the machine keeps its pause"),
    Action("slower", "less_than_sign", "tempo(-1)", "", "Play slower",
           "recordings, and the past from what is looked at, down to 1/1000"),
    Action("faster", "greater_than_sign", "tempo(1)", "tempo", "Play faster",
           "the same, up to 1000 times and as fast as it goes; space stops it"),
    Action("predict", "a", "predict", "", "Ask who runs next", "before each choice between several, or no longer"),
    Action("policy", "p", "policy", "policy", "Choose a policy", "another scheduling policy takes over at once"),
    Action("reload", "ctrl+r", "reload", "", "Reload the policy",
           "load a policy of yours anew from its file; the run goes on"),
    Action("quantum_down", "left_square_bracket", "quantum(-1)", "", "Shorter quantum", "make the time slice shorter"),
    Action("quantum_up", "right_square_bracket", "quantum(1)", "quantum", "Longer quantum",
           "make the time slice longer"),
    Action("select_next", "down", "select(1)", "", "Next process", "choose it; children stand below their parents"),
    Action("select_previous", "up", "select(-1)", "", "Previous process", "choose it; or click one"),
    Action("select_first", "ctrl+home", "select_end(-1)", "", "First process", "choose the first one of the list"),
    Action("select_last", "ctrl+end", "select_end(1)", "", "Last process", "choose the last one of the list"),
    Action("filter", "slash", "filter", "", "Filter",
           "show only processes whose name or program has this in it, or only lines of the log; esc shows all"),
    Action("sort", "s", "sort", "", "Sort", "by name, pid, CPU time, time in the state, and as they stand"),
    Action("sort_backwards", "S", "sort_backwards", "", "Sort backwards", "the same order from its other end"),
    Action("hide_ended", "d", "hide_ended", "", "Hide the ended", "lists without those that have ended, and with them"),
    Action("fold", "f", "fold", "fold", "Fold",
           "show the descendants of the chosen one, or of all, in one line with it"),
    Action("inspect", "enter", "inspect", "inspect", "Inspect", "look into the chosen process; type into its console"),
    Action("new", "n", "new", "new", "New process", "type a command line; it runs like the others"),
    Action("kill", "k", "kill", "kill", "Send a signal",
           "to the chosen one; the first that is offered, SIGTERM, ends it, with SIGKILL after 2 s"),
    Action("kill_surely", "K", "kill(True)", "", "Kill", "send the chosen one SIGKILL, once you have said yes"),
    Action("open", "o", "app.open", "open", "Open a scenario", "a built-in one, or a file of yours"),
    Action("next_lesson", "L", "app.next_lesson", "", "Next lesson", "go on in the course"),
    Action("restart", "r", "app.restart", "restart", "Restart", "run the scenario again from its beginning"),
    Action("next_panel", "tab", "next_panel(1)", "panel", "Next panel", "go on to the next view of the machine"),
    Action("previous_panel", "shift+tab", "next_panel(-1)", "", "Previous panel", "back to the one before"),
    *PANELS,
    Action("lesson", "l", "lesson", "", "Lesson", "show or hide it: what to watch for in this scenario"),
    Action("lesson_down", "pagedown", "scroll_lesson(1)", "", "Lesson: page down", "scroll it"),
    Action("lesson_up", "pageup", "scroll_lesson(-1)", "", "Lesson: page up", "scroll it back"),
    Action("zoom_in", "plus,equals_sign", "zoom(-1)", "", "Timeline: zoom in", "show a shorter time"),
    Action("zoom_out", "minus", "zoom(1)", "", "Timeline: zoom out", "show a longer time"),
    Action("whole_run", "Z", "zoom(0)", "", "Timeline: all", "show the whole run"),
    Action("earlier", "left", "move(-1)", "", "Timeline: earlier", "look at the time one cell to the left"),
    Action("later", "right", "move(1)", "", "Timeline: later", "look at the time one cell to the right"),
    Action("pan_earlier", "shift+left", "pan(-1)", "", "Timeline: pan to the left", "show an earlier stretch of time"),
    Action("pan_later", "shift+right", "pan(1)", "", "Timeline: pan to the right", "show a later stretch of time"),
    Action("mark", "m", "mark", "", "Timeline: mark",
           "mark this time: A, B and what lies between; the third takes them away"),
    Action("start", "home", "start", "", "To the start", "look at the run when nothing had run yet"),
    Action("present", "end", "present", "", "To the present",
           "look at the run as it is now; of a recording, at its end"),
    Action("go_to", "g", "go_to", "", "Go to a time", "look at any time of the run"),
    Action("next_change", "e", "next_change", "", "Next of the chosen",
           "look at the next change of the chosen process"),
    Action("what_if", "i", "app.what_if", "", "What if", "this run up to now under another policy, in virtual time"),
    Action("explore", "x", "explore", "explore", "Explore",
           "where a turn is a line: search the order of turns in which it breaks, and open it"),
    Action("explore_stop", "escape", "stop_exploring", "", "Explore: stop", "end the search, and what it has told"),
    Action("record", "w", "app.record", "", "Record",
           "keep the whole run in a file, from its beginning, and go on recording"),
    Action("theme", "t", "app.theme", "dark/light", "Dark or light", "change the colours"),
    Action("screenshot", "f12", "app.screenshot", "", "Screenshot",
           "save a picture of the screen (SVG) in this folder"),
    Action("suspend", "ctrl+z", "app.suspend", "", "Suspend", "pause, and back to the shell; fg goes on"),
    Action("palette", "ctrl+p", "app.command_palette", "", "Find a command", "find any of these by its name"),
    Action("help", "question_mark,f1", "app.help", "help", "Help", "show all keys"),
    Action("quit", "q,ctrl+q", "app.quit", "quit", "Quit",
           "end every process and leave; programs of yours are asked for"),
    Action("interrupt", "ctrl+c", "app.interrupt", "", "Interrupt",
           "copy what is selected, else close what is open, else end every process and leave: exit status 130"),
    # Questions
    Action("answer_next", "down,right", "choose(1)", "", "Question: next",
           "choose the next of those who could run", "question"),
    Action("answer_previous", "up,left", "choose(-1)", "", "Question: previous", "choose the one before", "question"),
    Action("answer", "enter", "answer", "answer", "Question: answer",
           "say that this one runs next; then, go on", "question"),
    Action("answer_skip", "escape", "skip", "", "Question: skip", "say nothing, and see who is chosen", "question"),
    # Console
    Action("console_type", "enter", "type", "type", "Console: type", "type into the console that is shown", "console"),
    Action("console_previous", "left", "turn(-1)", "", "Console: previous", "show the console before", "console"),
    Action("console_next", "right", "turn(1)", "", "Console: next", "show the next one", "console"),
    Action("console_up", "pageup", "page(-1)", "", "Console: page up", "scroll back", "console"),
    Action("console_down", "pagedown", "page(1)", "", "Console: page down", "scroll it", "console"),
    Action("console_end", "end", "end", "", "Console: end", "to the end, and follow it", "console"),
    Action("typing_interrupt", "ctrl+c", "press('ctrl+c')", "", "Typing: ctrl+c",
           "while one types: interrupt who reads", "typing"),
    Action("typing_end", "ctrl+d", "press('ctrl+d')", "", "Typing: ctrl+d",
           "while one types: end what it reads", "typing"),
    Action("typing_suspend", "ctrl+z", "press('ctrl+z')", "", "Typing: ctrl+z",
           "while one types: suspend it, under a shell", "typing"),
    Action("entry_before", "up", "recall(-1)", "", "Typing: line before", "have what you typed before back", "entry"),
    Action("entry_after", "down", "recall(1)", "", "Typing: line after", "the one after it", "entry"),
    Action("entry_leave", "escape", "leave", "", "Typing: leave",
           "have the keys do again what they do elsewhere", "entry"),
    Action("terminal_leave", "ctrl+right_square_bracket", "leave", "leave", "Terminal: leave",
           "while each key is the program's: have them do again what they do elsewhere", "terminal"),
    # Queues
    Action("edit_parameters", "enter", "edit", "edit", "Queues: edit",
           "change the policy's parameters in place", "queues"),
    Action("show_source", "s", "source", "source", "Queues: source", "read the policy's file, and no longer", "queues"),
    # Compare
    Action("compare_start", "enter", "start", "compare", "Compare: start",
           "run the scenario under each policy", "compare"),
    Action("compare_choose", "c", "choose", "policies", "Compare: policies", "say which policies take part", "compare"),
    Action("compare_graphs", "g", "graphs", "graphs", "Compare: graphs",
           "what came of it as charts, and back to the table", "compare"),
    Action("compare_save", "W", "save", "save", "Compare: save", "the table, or the charts, into a file", "compare"),
    Action("compare_up", "up", "scroll(-1)", "", "Compare: up", "scroll back", "compare"),
    Action("compare_down", "down", "scroll(1)", "", "Compare: down", "scroll", "compare"),
    Action("compare_page_up", "pageup", "page(-1)", "", "Compare: page up", "scroll back", "compare"),
    Action("compare_page_down", "pagedown", "page(1)", "", "Compare: page down", "scroll", "compare"),
    Action("compare_cancel", "escape", "cancel", "", "Compare: cancel",
           "end a comparison that takes too long", "compare"),
    # States
    Action("one_or_all", "v", "one_or_all", "one/all", "States: one or all",
           "the arrows of the chosen process, or of all", "states"),
    # Waits
    Action("wait_next", "down", "choose(1)", "", "Waits: next", "the next process, or what it waits for", "waits"),
    Action("wait_previous", "up", "choose(-1)", "", "Waits: before", "the one before", "waits"),
    Action("wait_go", "enter", "go", "", "Waits: look", "look into the process, or say who has the thing", "waits"),
    # Program
    Action("program_turn", "enter", "turn", "its turn", "Program: its turn",
           "under manual, the chosen process has the next turn; else look into it", "program"),
    Action("program_page_down", "pagedown", "page(1)", "", "Program: page down", "scroll the chosen source", "program"),
    Action("program_page_up", "pageup", "page(-1)", "", "Program: page up", "scroll it back", "program"),
    Action("program_right", "shift+right", "aside(1)", "", "Program: to the right", "see the ends of long lines",
           "program"),
    Action("program_left", "shift+left", "aside(-1)", "", "Program: to the left", "back to where lines begin",
           "program"),
    # Memory
    Action("memory_page_down", "pagedown", "page(1)", "", "Memory: page down", "choose the process a page below",
           "memory"),
    Action("memory_page_up", "pageup", "page(-1)", "", "Memory: page up", "choose the one a page above", "memory"),
    Action("memory_first", "home", "end(-1)", "", "Memory: first", "choose the first process", "memory"),
    Action("memory_last", "end", "end(1)", "", "Memory: last", "choose the last process", "memory"),
    # Log
    Action("log_next", "down", "choose(1)", "", "Log: next line", "look at the time of the line below", "log"),
    Action("log_previous", "up", "choose(-1)", "", "Log: line before", "look at the time of the line above", "log"),
    Action("log_page_down", "pagedown", "page(1)", "", "Log: page down", "a page on", "log"),
    Action("log_page_up", "pageup", "page(-1)", "", "Log: page up", "a page back", "log"),
    Action("log_first", "home", "first", "", "Log: first line", "to the beginning of the run", "log"),
    Action("log_last", "end", "last", "present", "Log: last line", "to the present, and follow it", "log"),
    Action("log_copy", "c", "copy", "copy", "Log: copy", "the chosen line into the clipboard", "log"),
    Action("log_save", "W", "save", "save", "Log: save", "all lines that are shown into a file", "log"),
    # Sockets
    Action("talk_page_down", "pagedown", "page(1)", "", "Sockets: page down", "choose the connection a page below",
           "sockets"),
    Action("talk_page_up", "pageup", "page(-1)", "", "Sockets: page up", "choose the one a page above", "sockets"),
    Action("talk_first", "home", "end(-1)", "", "Sockets: first", "choose the first connection", "sockets"),
    Action("talk_last", "end", "end(1)", "", "Sockets: last", "choose the last connection", "sockets"),
    Action("talk_next", "down", "choose(1)", "", "Sockets: next",
           "choose the next connection, and its process", "sockets"),
    Action("talk_previous", "up", "choose(-1)", "", "Sockets: previous", "choose the connection before", "sockets"),
    Action("client_new", "c", "connect", "client", "Sockets: new client", "it connects to the server", "sockets"),
    Action("client_say", "enter", "say", "say", "Sockets: say", "type something for a client to say", "sockets"),
    Action("client_tick", "h", "tick", "hello", "Sockets: hello", "a client that says hello every 0.5 s", "sockets"),
    Action("client_burst", "b", "burst", "burst", "Sockets: burst", "many clients at once", "sockets"),
    Action("client_close", "x", "close", "close", "Sockets: close", "the chosen client leaves", "sockets"),
    Action("client_close_all", "X", "close_all", "", "Sockets: close all",
           "all clients of this panel leave", "sockets"),
)

# fmt: on

#: Actions that leave or suspend the app, bound by the app itself so that they work whichever widget has the focus.
FROM_ANYWHERE = ("interrupt", "suspend")


def written(keys: str) -> str:
    """Return a binding's keys as users write them: ``?`` for ``question_mark``."""
    return " ".join(_written(key.strip()) for key in keys.split(","))


def _written(key: str) -> str:
    *held, name = key.split("+")
    return "+".join([*held, format_key(name)])


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """Return the keys of an action: the user's own, or else the default ones."""
    return keymap.get(action.id, action.keys)


def key_of(action_id: str, keymap: Mapping[str, str]) -> str:
    """Return the first key of an action, as users write it."""
    action = next(action for action in ACTIONS if action.id == action_id)
    return written(keys_of(action, keymap).split(",")[0])


def moved_keys(keymap: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that the user has moved, as users write them: the present key by the default one. If several
    actions share a default key, the main screen's action counts, as texts refer to that."""
    moved = [action for action in ACTIONS if action.id in keymap]
    return {
        written(action.keys.split(",")[0]): key_of(action.id, keymap)
        for action in sorted(moved, key=lambda action: not action.panel)
    }


def bindings(panel: str = "") -> list[BindingType]:
    """Return the bindings of a panel or an input line, or those of the main screen ("")."""
    return [_binding(action) for action in ACTIONS if action.panel == panel and action.id not in FROM_ANYWHERE]


def bindings_from_anywhere() -> list[BindingType]:
    """Return the bindings of the app."""
    return [_binding(action, priority=True) for action in ACTIONS if action.id in FROM_ANYWHERE]


def _binding(action: Action, priority: bool = False) -> Binding:
    """Return the binding of an action, with an id, so that a keymap can move it to other keys."""
    return Binding(action.keys, action.does, action.says, show=False, id=action.id, priority=priority)
