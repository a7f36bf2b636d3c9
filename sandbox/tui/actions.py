"""What the keys do: each action sends a command to the kernel process, or changes what is looked at."""

from __future__ import annotations

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Command, Kill, Pause, Reload, Resume, Spawn, Step, Tune, UsePolicy, split_command
from sandbox.model.values import BadValue
from sandbox.scenario import BadInput
from sandbox.tui.keys import PANELS
from sandbox.tui.program import Program
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.tabs import Clicked
from sandbox.util.units import MS, show_duration, write_duration

_QUANTA_NS = tuple(value * MS for value in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000))


class Actions(Program):
    """The actions, by the names in ``keys.ACTIONS``."""

    def ask_machine(self, command: Command) -> None:
        """Send a command, or say why nobody heard it. Whoever asks for something wants to see it."""
        self.session.to_present()
        if self.session.send(command):
            self.want_frame(soon=True)
        elif self.session.link is not None:
            said = _("The kernel process is gone. {key} starts the scenario again.")
            self.tell(said.format(key=self.key("restart")), severe=True)

    # The machine

    def action_pause(self) -> None:
        """Pause, or go on."""
        self.ask_machine(Resume() if self.session.board.paused else Pause())

    def action_step(self) -> None:
        """One scheduling decision."""
        self.ask_machine(Step())

    def action_policy(self) -> None:
        """Choose another policy."""
        from sandbox.tui.screens.policy import ChoosePolicy

        def chosen(name: str | None) -> None:
            if name is not None:
                self.ask_machine(UsePolicy(name))

        self.push_screen(ChoosePolicy(self.session.board.policy), chosen)

    def action_reload(self) -> None:
        """The same policy, as its file is by now."""
        self.ask_machine(Reload())

    def action_quantum_up(self) -> None:
        """A longer slice."""
        self._change_quantum(1)

    def action_quantum_down(self) -> None:
        """A shorter slice."""
        self._change_quantum(-1)

    def _change_quantum(self, direction: int) -> None:
        present_ns = self.session.board.parameters.get("quantum_ns")
        if not isinstance(present_ns, int):
            said = _("{policy} has no quantum to change")
            self.tell(said.format(policy=self.session.board.policy), severe=True)
            return
        asked = self.session.quantum_asked
        # Two quick keys are two steps, even if the first has not been answered yet.
        quantum_ns = asked[0] if asked is not None and asked[1] == present_ns else present_ns
        longer = [value for value in _QUANTA_NS if value > quantum_ns]
        shorter = [value for value in _QUANTA_NS if value < quantum_ns]
        value = longer[:1] if direction > 0 else shorter[-1:]
        if value:
            self.session.quantum_asked = value[0], present_ns
            self.ask_machine(Tune("quantum", write_duration(value[0])))
        else:
            longest, shortest = (
                _("Longer than {time} makes no sense here"),
                _("Shorter than {time} makes no sense here"),
            )
            said = longest if direction > 0 else shortest
            self.tell(said.format(time=show_duration(quantum_ns)))

    def action_new(self) -> None:
        """Start a process."""
        from sandbox.tui.screens.dialogs import Ask

        def answered(line: str | None) -> None:
            if line:
                self.ask_machine(Spawn(split_command(line)))

        says = _("A command line. It becomes a process like the others; pipes and $variables are the shell's.")
        self.push_screen(Ask(_("New process"), says, "seq 300000 | sort -r | tail -1", problem_of_command), answered)

    def action_kill(self) -> None:
        """End the chosen process."""
        pid = self._chosen()
        if pid is None:
            return
        if self.session.board.rows[pid].exited is not None:
            self.tell(_("{name} has ended already").format(name=self.session.names[pid]))
        else:
            self.ask_machine(Kill(str(pid)))

    # What is looked at

    def action_select_next(self) -> None:
        """Choose the next process."""
        self._move_choice(1)

    def action_select_previous(self) -> None:
        """Choose the one before."""
        self._move_choice(-1)

    def _move_choice(self, by: int) -> None:
        names, family = self.session.names, self.session.family
        pids = [member.pid for member in family.members if member.pid in names]
        if pids:
            chosen = self.board_screen.chosen
            before = pids.index(family.head(chosen)) if chosen in names else -1 if by > 0 else len(pids)
            self._choose(pids[max(min(before + by, len(pids) - 1), 0)])

    def on_picked(self, message: Picked) -> None:
        """A process was clicked."""
        self._choose(message.pid)

    def _choose(self, pid: int) -> None:
        self.board_screen.chosen = pid
        self.want_frame(soon=True)

    def action_fold(self) -> None:
        """Fold descendants away, or unfold them; nobody is chosen who is folded away."""
        family, chosen = self.session.family, self.board_screen.chosen
        if not family.fold(chosen):
            nobody, alone = _("Nobody has children here"), _("It has no children, and no parent here")
            self.tell(nobody if chosen is None else alone)
        elif chosen is not None:
            self.board_screen.chosen = family.head(chosen)
        self.want_frame(soon=True)

    def action_inspect(self) -> None:
        """Look into the chosen process."""
        pid = self._chosen()
        if pid is not None:
            from sandbox.tui.screens.inspect import Inspect

            self.push_screen(Inspect(self.session, pid))

    def _chosen(self) -> int | None:
        pid = self.board_screen.chosen
        if pid is None:
            keys = f"{self.key('select_previous')} {self.key('select_next')}"
            said = _("Choose a process first: {keys}, or click one") if self.session.names else _("There is no process")
            self.tell(said.format(keys=keys))
        elif pid not in self.session.names:
            self.tell(_("{name} was not born yet").format(name=self.session.past.live.names[pid]))
            return None
        return pid

    def action_open(self) -> None:
        """Open another scenario."""
        from sandbox.tui.screens.open import Open, read

        def chosen(name: str | None) -> None:
            if name is not None:
                self.run_scenario(read(name))

        self.push_screen(Open(self.session.scenario.name), chosen)

    def action_next_lesson(self) -> None:
        """Go on in the course."""
        from sandbox.lessons.course import after
        from sandbox.lessons.progress import finished
        from sandbox.tui.screens.open import problems, read

        name = after(self.session.scenario.name, finished())
        if name is None:
            self.tell(_("This was the last lesson of the course"))
            return
        try:
            scenario = read(name)
        except BadInput as bad:
            self.tell("\n".join([f"{name}:", *problems(bad)]), severe=True)
        else:
            self.run_scenario(scenario)

    def action_restart(self) -> None:
        """Run the scenario again."""
        self.run_scenario(self.session.scenario)

    def action_panel(self, name: str) -> None:
        """Turn to the panel of this name."""
        self.board_screen.turn_to(name)
        self.want_frame(soon=True)

    def action_next_panel(self) -> None:
        """Turn to the next panel."""
        self._turn(1)

    def action_previous_panel(self) -> None:
        """Turn to the panel before."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        names = [panel.id for panel in PANELS]
        present = names.index(self.board_screen.front.id or "")
        self.action_panel(names[(present + by) % len(names)])

    async def on_clicked(self, message: Clicked) -> None:
        """A tab was clicked."""
        await self.run_action(message.does)

    def action_lesson(self) -> None:
        """Show or hide the lesson; it stands beside the timeline, on the board if nowhere else."""
        screen = self.board_screen
        if self.session.scenario.lesson is None:
            self.tell(_("This scenario has no lesson"))
            return
        if screen.front.timeline == "never":
            screen.turn_to("board")
            screen.shows_lessons = True
        else:
            screen.shows_lessons = not screen.has_class("lesson")
        screen.set_class(screen.shows_lessons, "lesson")
        self.want_frame(soon=True)

    def action_lesson_down(self) -> None:
        """Scroll the lesson."""
        self.board_screen.lesson.scroll_page_down()

    def action_lesson_up(self) -> None:
        """Scroll the lesson back."""
        self.board_screen.lesson.scroll_page_up()

    def action_zoom_in(self) -> None:
        """A shorter time."""
        self._zoom(-1)

    def action_zoom_out(self) -> None:
        """A longer time."""
        self._zoom(1)

    def _zoom(self, by: int) -> None:
        cursor_ns = self.session.now_ns if self.session.looks_back else None
        self.board_screen.timeline.extent.zoom_by(by, cursor_ns)
        self.want_frame(soon=True)


def problem_of_command(line: str) -> str | None:
    """What is wrong with a command line, before anything is started."""
    import shutil

    try:
        words = split_command(line)
    except BadValue as bad:
        return wording.problem(bad.what)
    if shutil.which(words[0]) is None:
        return _("{program}: there is no such program here").format(program=words[0])
    return None
