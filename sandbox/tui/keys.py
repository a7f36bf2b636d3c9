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
    Action("board", "1", "panel('board')", "", "Board", "which processes are ready, running, blocked and done"),
    Action("sockets", "2", "panel('sockets')", "", "Sockets", "listening sockets and connections; start clients here"),
    Action("console", "3", "panel('console')", "", "Console", "the output of each process; type its input here"),
    Action("queues", "4", "panel('queues')", "", "Queues", "the policy's own queues, and its parameters"),
    Action("compare", "5", "panel('compare')", "", "Compare", "the scenario under several policies, in virtual time"),
    Action("memory", "6", "panel('memory')", "", "Memory", "the process tree, and the memory use of each process"),
    Action("states", "7", "panel('states')", "", "States",
           "the process state diagram, with each transition as it happens"),
    Action("quadrants", "8", "panel('quadrants')", "", "Quadrants",
           "synchronous or asynchronous, blocking or nonblocking: the quadrant of each process"),
    Action("waits", "9", "panel('waits')", "", "Waits",
           "which process waits for which, for what, and whether there is a cycle"),
    Action("program", "0", "panel('program')", "", "Program", "the source of each process, with its next line marked"),
    Action("log", "y", "panel('log')", "", "Log", "all events in words; select a line to show its time on all panels"),
)

ACTIONS = (
    Action("pause", "space", "pause", "pause", "Pause or continue", "stop all processes and the clock, or continue"),
    Action("step", "full_stop", "step", "step", "Step", "run until the next scheduling decision"),
    Action("step_back", "comma", "step_back", "back", "Step back",
           "show the previous decision; the machine stays paused"),
    Action("slower", "less_than_sign", "tempo(-1)", "", "Play slower",
           "virtual runs, recordings, and the past from the time that is shown; down to 1/1000"),
    Action("faster", "greater_than_sign", "tempo(1)", "tempo", "Play faster",
           "the same; up to 1000 times, then as fast as possible; space stops it"),
    Action("predict", "a", "predict", "", "Ask who runs next",
           "before each choice between several processes; again: no longer"),
    Action("policy", "p", "policy", "policy", "Choose a policy", "switch to another scheduling policy at once"),
    Action("reload", "ctrl+r", "reload", "", "Reload the policy",
           "load your own policy again from its file; the run continues"),
    Action("quantum_down", "left_square_bracket", "quantum(-1)", "", "Shorter quantum", "make the time slice shorter"),
    Action("quantum_up", "right_square_bracket", "quantum(1)", "quantum", "Longer quantum",
           "make the time slice longer"),
    Action("select_next", "down", "select(1)", "", "Next process",
           "select the next process; children are shown below their parents"),
    Action("select_previous", "up", "select(-1)", "", "Previous process",
           "select the previous process; a click selects one, too"),
    Action("select_first", "ctrl+home", "select_end(-1)", "", "First process", "select the first process of the list"),
    Action("select_last", "ctrl+end", "select_end(1)", "", "Last process", "select the last process of the list"),
    Action("filter", "slash", "filter", "", "Filter",
           "show only processes whose name or program contains a text, or such lines of the log; esc shows all"),
    Action("sort", "s", "sort", "", "Sort", "by name, pid, CPU time, time in the state, then in the original order"),
    Action("sort_backwards", "S", "sort_backwards", "", "Sort backwards", "reverse the order"),
    Action("hide_ended", "d", "hide_ended", "", "Hide ended processes",
           "hide the processes that have ended; again: show them"),
    Action("fold", "f", "fold", "fold", "Fold",
           "combine the selected process (or each process) and its descendants in one line"),
    Action("inspect", "enter", "inspect", "inspect", "Inspect",
           "show details of the selected process; type into its console"),
    Action("new", "n", "new", "new", "New process", "type a command line to run it like the others"),
    Action("kill", "k", "kill", "kill", "Send a signal",
           "to the selected process; the default, SIGTERM, ends it, with SIGKILL after 2 s"),
    Action("kill_surely", "K", "kill(True)", "", "Kill", "send SIGKILL to the selected process, after asking"),
    Action("open", "o", "app.open", "open", "Open a scenario", "a built-in scenario, or a file of your own"),
    Action("next_lesson", "L", "app.next_lesson", "", "Next lesson", "open the next lesson of the course"),
    Action("restart", "r", "app.restart", "restart", "Restart", "run the scenario from its beginning again"),
    Action("next_panel", "tab", "next_panel(1)", "panel", "Next panel", "show the next panel"),
    Action("previous_panel", "shift+tab", "next_panel(-1)", "", "Previous panel", "show the previous panel"),
    *PANELS,
    Action("lesson", "l", "lesson", "", "Lesson", "show or hide the text: what to watch for in this scenario"),
    Action("lesson_down", "pagedown", "scroll_lesson(1)", "", "Lesson: page down", "scroll down"),
    Action("lesson_up", "pageup", "scroll_lesson(-1)", "", "Lesson: page up", "scroll up"),
    Action("zoom_in", "plus,equals_sign", "zoom(-1)", "", "Timeline: zoom in", "show a shorter period"),
    Action("zoom_out", "minus", "zoom(1)", "", "Timeline: zoom out", "show a longer period"),
    Action("whole_run", "Z", "zoom(0)", "", "Timeline: whole run", "show the whole run"),
    Action("earlier", "left", "move(-1)", "", "Timeline: earlier", "show the time one cell to the left"),
    Action("later", "right", "move(1)", "", "Timeline: later", "show the time one cell to the right"),
    Action("pan_earlier", "shift+left", "pan(-1)", "", "Timeline: pan to the left", "show an earlier period"),
    Action("pan_later", "shift+right", "pan(1)", "", "Timeline: pan to the right", "show a later period"),
    Action("mark", "m", "mark", "", "Timeline: mark",
           "mark this time as A, then as B, and show what lies between; a third press removes both"),
    Action("start", "home", "start", "", "To the start", "show the start of the run"),
    Action("present", "end", "present", "", "To the present",
           "show the run as it is now; for a recording, its end"),
    Action("go_to", "g", "go_to", "", "Go to a time", "show any time of the run"),
    Action("next_change", "e", "next_change", "", "Next change",
           "show the next change of state of the selected process"),
    Action("what_if", "i", "app.what_if", "", "What if", "repeat the run so far under another policy, in virtual time"),
    Action("explore", "x", "explore", "explore", "Explore",
           "if a turn is a line: search for an order of turns in which the program breaks, and open it"),
    Action("explore_stop", "escape", "stop_exploring", "", "Explore: stop", "end the search, and close its results"),
    Action("record", "w", "app.record", "", "Record",
           "save the whole run in a file, from its beginning, and continue recording"),
    Action("theme", "t", "app.theme", "dark/light", "Dark or light", "switch between dark and light colours"),
    Action("screenshot", "f12", "app.screenshot", "", "Screenshot",
           "save a picture of the screen (SVG) in the current folder"),
    Action("suspend", "ctrl+z", "app.suspend", "", "Suspend", "pause and return to the shell; fg continues"),
    Action("palette", "ctrl+p", "app.command_palette", "", "Find a command", "find any of these actions by its name"),
    Action("help", "question_mark,f1", "app.help", "help", "Help", "show all keys"),
    Action("quit", "q,ctrl+q", "app.quit", "quit", "Quit",
           "end all processes and quit; asks first if programs of your own run"),
    Action("interrupt", "ctrl+c", "app.interrupt", "", "Interrupt",
           "copy the selected text; else close the open dialog; else end all processes and quit with exit status 130"),
    # Questions
    Action("answer_next", "down,right", "choose(1)", "", "Question: next",
           "select the next process that could run", "question"),
    Action("answer_previous", "up,left", "choose(-1)", "", "Question: previous", "select the previous one", "question"),
    Action("answer", "enter", "answer", "answer", "Question: answer",
           "answer that this process runs next; then continue", "question"),
    Action("answer_skip", "escape", "skip", "", "Question: skip",
           "skip the question, and show which process is chosen", "question"),
    # Console
    Action("console_type", "enter", "type", "type", "Console: type", "type into the console that is shown", "console"),
    Action("console_previous", "left", "turn(-1)", "", "Console: previous", "show the previous console", "console"),
    Action("console_next", "right", "turn(1)", "", "Console: next", "show the next console", "console"),
    Action("console_up", "pageup", "page(-1)", "", "Console: page up", "scroll up", "console"),
    Action("console_down", "pagedown", "page(1)", "", "Console: page down", "scroll down", "console"),
    Action("console_end", "end", "end", "", "Console: end", "go to the end, and follow it", "console"),
    Action("typing_interrupt", "ctrl+c", "press('ctrl+c')", "", "Typing: ctrl+c",
           "while typing: interrupt the process that reads", "typing"),
    Action("typing_end", "ctrl+d", "press('ctrl+d')", "", "Typing: ctrl+d",
           "while typing: end its input", "typing"),
    Action("typing_suspend", "ctrl+z", "press('ctrl+z')", "", "Typing: ctrl+z",
           "while typing: suspend it, if a shell runs it", "typing"),
    Action("entry_before", "up", "recall(-1)", "", "Typing: previous line", "recall the previous line", "entry"),
    Action("entry_after", "down", "recall(1)", "", "Typing: next line", "recall the next line", "entry"),
    Action("entry_leave", "escape", "leave", "", "Typing: leave",
           "stop typing: the keys have their usual functions again", "entry"),
    Action("terminal_leave", "ctrl+right_square_bracket", "leave", "leave", "Terminal: leave",
           "while all keys go to the program: give them their usual functions again", "terminal"),
    # Queues
    Action("edit_parameters", "enter", "edit", "edit", "Queues: edit",
           "edit the policy's parameters in place", "queues"),
    Action("show_source", "s", "source", "source", "Queues: source",
           "show the policy's source; again: hide it", "queues"),
    # Compare
    Action("compare_start", "enter", "start", "compare", "Compare: start",
           "run the scenario under each policy", "compare"),
    Action("compare_choose", "c", "choose", "policies", "Compare: policies",
           "select the policies to compare", "compare"),
    Action("compare_graphs", "g", "graphs", "graphs", "Compare: graphs",
           "show the results as charts; again: as a table", "compare"),
    Action("compare_save", "W", "save", "save", "Compare: save", "save the table, or the charts, in a file", "compare"),
    Action("compare_up", "up", "scroll(-1)", "", "Compare: up", "scroll up", "compare"),
    Action("compare_down", "down", "scroll(1)", "", "Compare: down", "scroll down", "compare"),
    Action("compare_page_up", "pageup", "page(-1)", "", "Compare: page up", "scroll up", "compare"),
    Action("compare_page_down", "pagedown", "page(1)", "", "Compare: page down", "scroll down", "compare"),
    Action("compare_cancel", "escape", "cancel", "", "Compare: cancel",
           "cancel the comparison", "compare"),
    # States
    Action("one_or_all", "v", "one_or_all", "one/all", "States: one or all",
           "show the transitions of the selected process, or of all", "states"),
    # Waits
    Action("wait_next", "down", "choose(1)", "", "Waits: next", "select the next process or resource", "waits"),
    Action("wait_previous", "up", "choose(-1)", "", "Waits: previous", "select the previous one", "waits"),
    Action("wait_go", "enter", "go", "", "Waits: inspect",
           "inspect the process, or name the holder of the resource", "waits"),
    # Program
    Action("program_turn", "enter", "turn", "its turn", "Program: its turn",
           "under manual, give the next turn to the selected process; else inspect it", "program"),
    Action("program_page_down", "pagedown", "page(1)", "", "Program: page down",
           "scroll the selected source down", "program"),
    Action("program_page_up", "pageup", "page(-1)", "", "Program: page up", "scroll up", "program"),
    Action("program_right", "shift+right", "aside(1)", "", "Program: to the right", "scroll to the ends of long lines",
           "program"),
    Action("program_left", "shift+left", "aside(-1)", "", "Program: to the left", "scroll back to the starts of lines",
           "program"),
    # Memory
    Action("memory_page_down", "pagedown", "page(1)", "", "Memory: page down", "select the process one page below",
           "memory"),
    Action("memory_page_up", "pageup", "page(-1)", "", "Memory: page up",
           "select the process one page above", "memory"),
    Action("memory_first", "home", "end(-1)", "", "Memory: first", "select the first process", "memory"),
    Action("memory_last", "end", "end(1)", "", "Memory: last", "select the last process", "memory"),
    # Log
    Action("log_next", "down", "choose(1)", "", "Log: next line", "show the time of the next line", "log"),
    Action("log_previous", "up", "choose(-1)", "", "Log: previous line", "show the time of the previous line", "log"),
    Action("log_page_down", "pagedown", "page(1)", "", "Log: page down", "go one page down", "log"),
    Action("log_page_up", "pageup", "page(-1)", "", "Log: page up", "go one page up", "log"),
    Action("log_first", "home", "first", "", "Log: first line", "go to the beginning of the run", "log"),
    Action("log_last", "end", "last", "present", "Log: last line", "go to the present, and follow it", "log"),
    Action("log_copy", "c", "copy", "copy", "Log: copy", "copy the selected line to the clipboard", "log"),
    Action("log_save", "W", "save", "save", "Log: save", "save all lines that are shown in a file", "log"),
    # Sockets
    Action("talk_page_down", "pagedown", "page(1)", "", "Sockets: page down", "select the connection one page below",
           "sockets"),
    Action("talk_page_up", "pageup", "page(-1)", "", "Sockets: page up",
           "select the connection one page above", "sockets"),
    Action("talk_first", "home", "end(-1)", "", "Sockets: first", "select the first connection", "sockets"),
    Action("talk_last", "end", "end(1)", "", "Sockets: last", "select the last connection", "sockets"),
    Action("talk_next", "down", "choose(1)", "", "Sockets: next",
           "select the next connection, and its process", "sockets"),
    Action("talk_previous", "up", "choose(-1)", "", "Sockets: previous", "select the previous connection", "sockets"),
    Action("client_new", "c", "connect", "client", "Sockets: new client",
           "start a client that connects to the server", "sockets"),
    Action("client_say", "enter", "say", "say", "Sockets: say", "type a text that a client sends", "sockets"),
    Action("client_tick", "h", "tick", "hello", "Sockets: hello",
           "start a client that sends hello every 0.5 s", "sockets"),
    Action("client_burst", "b", "burst", "burst", "Sockets: burst", "start many clients at once", "sockets"),
    Action("client_close", "x", "close", "close", "Sockets: close", "close the selected client", "sockets"),
    Action("client_close_all", "X", "close_all", "", "Sockets: close all",
           "close all clients of this panel", "sockets"),
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
