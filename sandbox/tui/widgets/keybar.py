"""The bottom line: the most important keys, as many as there is room for."""

from __future__ import annotations

from itertools import accumulate

from rich.cells import cell_len
from textual import events
from textual.strip import Strip

from sandbox.i18n import Messages, _
from sandbox.tui.config import config_of
from sandbox.tui.keys import ACTIONS, Action
from sandbox.tui.state.session import MANUAL, Phase, Session
from sandbox.tui.widgets.clickable import Clickable
from sandbox.tui.widgets.lines import Piece, line, width_of
from sandbox.tui.widgets.tabs import Clicked

#: Keys to omit if there is little room, in this order; others are always shown.
_GIVES_WAY = (
    *("theme", "step_back", "restart", "kill", "new", "open", "fold", "inspect", "quantum_up"),
    *("next_panel", "policy", "step", "pause"),
)
#: The same list for when the past is looked at.
_GIVES_WAY_BACK = (
    *("theme", "restart", "kill", "new", "open", "quantum_up", "fold", "inspect", "policy"),
    *("step_back", "faster", "next_panel", "step", "pause"),
)
#: The same list for when the user gives the turns.
_GIVES_WAY_CHOICE = (
    *("theme", "restart", "kill", "new", "open", "fold", "inspect", "quantum_up", "next_panel", "policy"),
    *("step_back", "step", "pause"),
)
#: Keys without use in a recording, as it has no machine.
_NEEDS_A_MACHINE = ("policy", "quantum_up", "new", "kill")
#: Keys that a guest may not use, who can neither start programs nor name files.
_NEEDS_PERMISSION = ("new", "console_type", "compare_save", "log_save")
#: Keys without use once every process has ended.
_NEEDS_PROCESSES = ("pause", "step", "kill", "quantum_up")
#: Pairs of keys that are shown as one.
_PAIRS = {"quantum_up": "quantum_down", "faster": "slower"}

#: Keys that are only shown if the footer has so many columns.
_LUXURY, _MIN_FOR_LUXURY = ("theme",), 140

#: The widget that gets all keys but its own.
_TERMINAL = "terminal"

_PAUSE: Messages = {"pause": "pause", "go on": "go on", "play": "play"}


class KeyBar(Clickable):
    """The line of keys."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        #: What the line was drawn for, and the word for the pause key.
        self._present: tuple[object, ...] = ()
        self._pause = ""
        self._has_machine = True
        self._finished = False
        self._has_quantum = True
        #: Whether a run is played whose tempo can be changed.
        self._has_tempo = False
        self._answered = False
        #: Whether the question decides which process gets the turn.
        self._chooses = False
        self._front: str | None = None
        #: Whether any process has children to fold.
        self._has_children = False
        #: Whether turns are steps, so that orders of turns can be searched.
        self._explores = False
        #: Whether the user gives the turns.
        self._gives_turns = False

    def update_from(self, session: Session, front: str | None) -> None:
        """Show what the keys do now. ``front``: the panel in front, whose own keys come first."""
        quantum = "quantum_ns" in session.view.board.parameters or not session.view.board.policy
        question = session.quiz.question
        asked = question is not None
        present = (
            *(_(_PAUSE[session.pause_does]), session.has_machine, front, session.view.tree.has_children),
            *(session.phase is Phase.FINISHED, quantum, front == "question" and not asked),
            *(not session.has_machine or session.view.looks_back, question is not None and question.chooses),
            session.has_machine and session.scenario.machine.stepped,
            session.has_machine and session.view.board.policy == MANUAL,
        )
        if self._present != present:
            self._present = present
            self._pause, self._has_machine, self._front, self._has_children = present[:4]
            self._finished, self._has_quantum, self._answered, self._has_tempo = present[4:8]
            self._chooses, self._explores, self._gives_turns = present[8:]
            self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        return [line([piece for __, pieces in self._drawn(width) for piece in pieces], width)]

    def _drawn(self, width: int) -> list[tuple[Action, list[Piece]]]:
        """Return the keys, with two cells between them if there is room, else one; if that is not enough, some are
        omitted."""
        panels = (_TERMINAL,) if self._front == _TERMINAL else ("", self._front)
        shown = [action for action in ACTIONS if action.brief and action.panel in panels]
        shown = [action for action in shown if action.id != "fold" or self._has_children]
        shown = [action for action in shown if action.id not in _NEEDS_A_MACHINE or self._has_machine]
        shown = [action for action in shown if action.id not in _NEEDS_PROCESSES or not self._finished]
        locked = config_of(self).locked
        shown = [action for action in shown if action.id not in _NEEDS_PERMISSION or not locked]
        shown = [action for action in shown if action.id != "quantum_up" or self._has_quantum]
        shown = [action for action in shown if action.id != "faster" or self._has_tempo]
        shown = [action for action in shown if action.id != "explore" or self._explores]
        shown = [action for action in shown if action.id != "program_turn" or self._gives_turns]
        shown = [action for action in shown if action.id not in _LUXURY or width >= _MIN_FOR_LUXURY]
        own = {self.key(action.id) for action in shown if action.panel}  # a panel's use of a key takes precedence
        shown = [action for action in shown if action.panel or self.key(action.id) not in own]
        actions = sorted(shown, key=lambda action: not action.panel)
        drawn = [self._pieces(action, " ") for action in actions]
        if sum(map(width_of, drawn)) > width:
            drawn = [self._pieces(action, "") for action in actions]
        for id_ in _GIVES_WAY_BACK if self._has_tempo else _GIVES_WAY_CHOICE if self._chooses else _GIVES_WAY:
            if sum(map(width_of, drawn)) <= width:
                break
            for index in [index for index, action in enumerate(actions) if action.id == id_]:
                del actions[index], drawn[index]
        return list(zip(actions, drawn, strict=True))

    def ends(self) -> list[int]:
        return [*accumulate(width_of(pieces) for __, pieces in self._drawn(self.size.width))]

    def on_click(self, event: events.Click) -> None:
        """Do what the clicked key does."""
        x = event.x
        for action, pieces in self._drawn(self.size.width):
            if 0 <= x < width_of(pieces):
                event.prevent_default()
                pair = _PAIRS.get(action.id)
                first = pair is not None and x <= cell_len(self.key(pair))
                does = next(each.does for each in ACTIONS if each.id == (pair if first else action.id))
                self.post_message(Clicked(does, action.panel))
                return
            x -= width_of(pieces)

    def _pieces(self, action: Action, end: str) -> list[Piece]:
        keys = self.key(action.id)
        if action.id in _PAIRS:
            keys = f"{self.key(_PAIRS[action.id])} {keys}"
        word = self._pause if action.id == "pause" else _(action.brief)
        if action.id == "answer" and self._answered:
            word = _("go on")
        elif action.id == "answer" and self._chooses:
            word = _("its turn")
        return [(f" {keys}", self.palette.strong), (f" {word}{end}", self.palette.dim)]
