"""What the keys do with questions: who runs next?"""

from __future__ import annotations

from sandbox.i18n import _
from sandbox.model.commands import Predict, Resume, Step
from sandbox.tui.lookback import LookBack
from sandbox.tui.state.replay import Replay
from sandbox.tui.widgets.question import Answered, GoOn


class Asking(LookBack):
    """The actions, by the names in ``keys.ACTIONS``. The machine pauses before each choice and has not made it; of the
    past it is known."""

    def action_predict(self) -> None:
        """Ask before each choice, or no longer."""
        quiz = self.session.quiz
        quiz.wish = not quiz.on
        self.ask_or_not()
        if quiz.on:
            self.tell(_("Before each choice you are asked who runs next"))
        self.want_frame(soon=True)

    def ask_or_not(self) -> None:
        """Have the machine ask or not: as the person at the keyboard wants it, else as the lesson does."""
        session, quiz = self.session, self.session.quiz
        wanted = quiz.wish
        if wanted is None:
            wanted = session.lesson_asks and self.board_screen.has_class("lesson")
        if wanted is not quiz.on:
            quiz.on = wanted
            session.send(Predict(wanted))

    def action_step(self) -> None:
        """One scheduling decision; of the past it is asked for first."""
        if self.session.looks_back and self.session.quiz.on:
            self._look(self.session.ask_or_go_forward)
        else:
            super().action_step()

    def action_lesson(self) -> None:
        """Show or hide the lesson; only one that is shown asks."""
        super().action_lesson()
        self.ask_or_not()

    def on_answered(self, message: Answered) -> None:
        """This process, somebody says."""
        if self.session.answer(message.pid):
            self.ask_machine(Step())
        self.want_frame(soon=True)

    def on_go_on(self, message: GoOn) -> None:
        """On to the next question."""
        if self.session.looks_back or isinstance(self.session, Replay):
            self.action_step()
        else:
            self.ask_machine(Resume())
