"""The question "Who runs next?", shown in place of the reason, and the verdict on the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from sandbox import wording
from sandbox.i18n import _
from sandbox.render.cells import fit
from sandbox.tui.config import config_of
from sandbox.tui.keys import ACTIONS, bindings, keys_of
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.quiz import Question, Verdict
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.lines import Lines, Piece, cut, joint_of_prose, line, prose, width_of
from sandbox.util.units import S

#: The greatest width of a candidate's name in cells.
_MAX_NAME = 16


class Answered(Message):
    """The user answers that this process runs next."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid = pid


class GoOn(Message):
    """The user has read the verdict."""


class QuestionBox(Lines, can_focus=True):
    """The question or the verdict. It has the focus while shown, unless the user is typing."""

    DEFAULT_CLASSES = "framed"

    BINDINGS: ClassVar[list[BindingType]] = bindings("question")

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.display = False
        self._session: Session | None = None
        self._question: Question | None = None
        self._verdict: Verdict | None = None
        #: The candidate that is selected.
        self.chosen: int | None = None
        #: The cells of each candidate in sight, and its pid.
        self._spots: list[tuple[range, int]] = []
        #: The widget that had the focus before.
        self._before: Widget | None = None

    def update_from(self, session: Session, chosen: int | None) -> int | None:
        """Show the question or the verdict, if there is one. Returns the process to be chosen on the board: none at the
        beginning of a question, unless the answer decides who runs."""
        if not self.is_attached:
            return chosen
        before, question = self._question, session.quiz.question
        number = -1 if before is None or session is not self._session else before.number
        self._session, self._question = session, question
        self._verdict = None if session.finished else session.quiz.verdict
        if question is not None and question.chooses:
            self.chosen = self._suggested(question, question.number != number, chosen)
            chosen = chosen if question.number == number and chosen is not None else self.chosen
        else:
            if question is not None:
                chosen = None if question.number != number or chosen not in question.candidates else chosen
            self.chosen = chosen
        self._appear(question is not None or self._verdict is not None)
        if self.display:
            self._entitle()
            self.update_lines()
        return chosen

    def _suggested(self, question: Question, new: bool, chosen: int | None) -> int | None:
        """Return the candidate to select where the user gives the turns: the chosen process; for a new question, the
        first candidate. A chosen process that cannot run is not selected."""
        if chosen in question.candidates:
            return chosen
        return question.candidates[0] if question.candidates and (new or chosen is None) else None

    def _appear(self, appear: bool) -> None:
        """Show the box and focus it, or hide it and restore the focus."""
        focused = self.screen.focused
        if appear and not isinstance(focused, Input) and focused is not self:
            self._before = focused
            self.display = True
            self.screen.set_focus(self)
        elif not appear and focused is self:
            self.screen.set_focus(self._before if self._before is not None and self._before.display else None)
        self.display = appear

    def _entitle(self) -> None:
        session = self._session
        if session is None:
            return
        quiz = session.quiz
        score = wording.score(quiz.right, quiz.answered) if quiz.answered else ""
        if self._question is not None:
            cpus = session.view.board.booted.cpus if session.view.board.booted is not None else 1
            title = wording.question(self._question.cpu if cpus > 1 else None)
            keys = {"choose": "answer_previous", "next": "answer_next", "answer": "answer", "skip": "answer_skip"}
            below = _("{choose} {next} choose   {answer} answer   {skip} let me see")
            if self._question.chooses:
                title = wording.choice(self._question.cpu if cpus > 1 else None)
                keys |= {"skip": "step", "back": "step_back"}
                below = _("{choose} {next} choose   {answer} or a click: its turn   {skip} the first   {back} back")
        else:
            right = self._verdict is not None and self._verdict.right
            title = _("✔ RIGHT") if right else _("✘ NO")
            keys = {"answer": "answer", "predict": "predict"}
            below = _("{answer} go on   {predict} no more questions") if quiz.on else _("{answer} go on")
        self.entitle(
            f"{title}   {score}".rstrip(), below.format(**{name: self.key(action) for name, action in keys.items()})
        )

    # Drawing

    def draw(self, width: int, height: int) -> list[Strip]:
        """Return the lines of the events before the question and its candidates, or of the verdict."""
        session = self._session
        if session is None:
            return []
        if self._question is not None:
            asked = self._candidates(self._question, session.view.names, width)
            return [*self._prose(self._what_led_to_it(session), width, height - 1), asked]
        if self._verdict is not None:
            said, made = self._verdict
            told = wording.verdict(said, made, session.view.names, session.view.board.policy)
            return self._prose(told, width, height)
        return []

    def _what_led_to_it(self, session: Session) -> str:
        view = session.view
        explained = wording.why(view.board.recent, view.names, view.board.policy, idle=False)
        return f"{view.now_ns / S:.3f} s  {explained[1] if explained is not None else ''}"

    def _prose(self, text: str, width: int, height: int) -> list[Strip]:
        return [line([(part, self.palette.text)], width) for part in cut(prose(text, width), height, width)]

    def _candidates(self, question: Question, names: Mapping[int, str], width: int) -> Strip:
        """Return a line with the candidates, or those around the selected one if there is no room for all."""
        labels = [f" {pid} {fit(names[pid], min(cell_len(names[pid]), _MAX_NAME))} " for pid in question.candidates]
        at = question.candidates.index(self.chosen) if self.chosen in question.candidates else 0
        first, room = at, width - 4
        while first > 0 and sum(map(cell_len, labels[first - 1 : at + 1])) + 4 * (at - first + 2) <= room:
            first -= 1
        pieces: list[Piece] = [("… " if first else "", self.palette.dim)]
        self._spots = []
        for pid, label in list(zip(question.candidates, labels, strict=True))[first:]:
            if width_of(pieces) + cell_len(label) + 2 > room:
                pieces.append((" …", self.palette.dim))
                break
            if pid == self.chosen:
                pieces.append((f" ●{label}", self.palette.strong + self.palette.cursor))
            else:
                pieces.append((f" ○{label}", self.palette.text))
            end = width_of(pieces)
            self._spots.append((range(end - cell_len(label) - 2, end), pid))
        return line([*pieces, ("", self.palette.text)], width)

    def joint(self, y: int) -> str:
        return joint_of_prose(self._lines[y - 1], self._lines[y])

    def on_click(self, event: events.Click) -> None:
        """Select the candidate that was clicked; a double click answers, too."""
        place = self.place_of(event)
        if self._question is None or place is None or place.y != self.size.height - 1:
            return
        event.prevent_default()
        for cells, pid in self._spots:
            if place.x in cells:
                at_once = event.chain == 2 or self._question.chooses
                self.post_message(Answered(pid) if at_once else Picked(pid))

    # Keys

    async def on_key(self, event: events.Key) -> None:
        """Pass keys on to the panel in front, if they are its own and not the question's."""
        front, keymap = getattr(self.screen, "front", None), config_of(self).keymap
        meant = {
            action.panel: action
            for action in ACTIONS
            if isinstance(front, Panel)
            and action.panel in ("question", front.id)
            and event.key in keys_of(action, keymap).split(",")
        }
        if isinstance(front, Panel) and front.id in meant and "question" not in meant:
            event.stop()
            await self.app.run_action(meant[front.id].does, front)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow only going on while a verdict is shown."""
        return self._question is not None or action == "answer"

    def action_choose(self, by: int) -> None:
        """Select another candidate."""
        candidates = self._question.candidates if self._question is not None else ()
        if candidates:
            at = candidates.index(self.chosen) + by if self.chosen in candidates else 0 if by > 0 else -1
            self.chosen = candidates[at % len(candidates)]  # set at once, as a quick answer means this candidate
            self.post_message(Picked(self.chosen))

    def action_answer(self) -> None:
        """Answer with the selected candidate; after the verdict, go on."""
        if self._question is None:
            self.post_message(GoOn())
        elif self.chosen is not None:
            self.post_message(Answered(self.chosen))
        else:
            self.action_choose(1)

    async def action_skip(self) -> None:
        """Let the policy decide."""
        await self.run_action("screen.step")
