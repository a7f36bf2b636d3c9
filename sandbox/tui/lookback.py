"""What the keys do with the past of a run, and with a recording."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Command, Pause
from sandbox.model.events import Event, decode
from sandbox.model.values import BadValue, Duration
from sandbox.trace.header import describe
from sandbox.trace.record import Recorder
from sandbox.tui.actions import Actions
from sandbox.tui.format import exact
from sandbox.tui.state.replay import Replay
from sandbox.tui.widgets.timeline import Moved, Scrubbed

#: Of more events a person would wait for the answer.
_WHAT_IF_MOST = 100_000
_WHAT_IF = "ossandbox whatif"
#: Between two frames so much of a recording is read.
_READ_S = 0.04


class LookBack(Actions):
    """The actions, by the names in ``keys.ACTIONS``. The machine pauses when somebody begins to look back, and it keeps
    its pause: what is looked at is none of its business."""

    # Steps

    def action_pause(self) -> None:
        """Pause, or go on; a recording is played."""
        if isinstance(self.session, Replay):
            if self.session.plays:
                self.session.stop()
            else:
                self.session.play()
            self.want_frame(soon=True)
        else:
            self.session.to_present()
            super().action_pause()

    def action_step(self) -> None:
        """One scheduling decision: the next that there was, or one that is made now."""
        if self.session.looks_back:
            self._look(self.session.forward)
        elif isinstance(self.session, Replay):
            self.tell(_("This is the end of the recording"))
        else:
            super().action_step()

    def action_step_back(self) -> None:
        """One scheduling decision back."""
        self._look(self.session.back)

    def action_start(self) -> None:
        """The beginning."""
        self._look(self.session.to_start)

    def action_present(self) -> None:
        """The end."""
        self.session.to_present()
        self.want_frame(soon=True)

    def action_next_change(self) -> None:
        """The next change of the chosen process."""
        pid = self.board_screen.chosen
        if pid is None:
            self._chosen()
        elif not self.session.next_of(pid):
            self.tell(_("{name} has not changed since").format(name=self.session.past.live.names[pid]))
        self.want_frame(soon=True)

    def action_go_to(self) -> None:
        """Ask for a time."""
        from sandbox.tui.screens.dialogs import Ask

        def answered(text: str | None) -> None:
            if text:
                self._look_at(Duration().parse(text))

        says = _("A time since boot, with its unit; it is {time} now.").format(time=exact(self.session.now_ns))
        self.push_screen(Ask(_("Go to a time"), says, "1.25s", _problem_of_time), answered)

    # The timeline

    def action_earlier(self) -> None:
        """One cell to the left."""
        self._move(-1)

    def action_later(self) -> None:
        """One cell to the right."""
        self._move(1)

    def _move(self, cells: int) -> None:
        cell_ns = self.board_screen.timeline.extent.cell_ns
        self._look_at(max(self.session.now_ns + cells * cell_ns, 0))

    def action_pan_earlier(self) -> None:
        """Show an earlier stretch of time."""
        self._pan(-1)

    def action_pan_later(self) -> None:
        """Show a later stretch of time."""
        self._pan(1)

    def _pan(self, by: int) -> None:
        self.board_screen.timeline.extent.pan(by / 4)
        self.want_frame(soon=True)

    def action_mark(self) -> None:
        """Mark the time that is looked at."""
        self.board_screen.timeline.extent.mark(self.session.now_ns)
        self.want_frame(soon=True)

    def on_scrubbed(self, message: Scrubbed) -> None:
        """Somebody pointed at a time."""
        self._look_at(message.t_ns)

    def on_moved(self, message: Moved) -> None:
        """The timeline shows another stretch of time."""
        self.want_frame(soon=True)

    def _look_at(self, t_ns: int) -> None:
        self._look(lambda: self.session.look_at(t_ns))

    def _look(self, go: Callable[[], None]) -> None:
        """Look at something else than the present; the machine pauses, if it does not already."""
        session = self.session
        if session.past.live.board.booted is None:
            return
        go()
        if session.looks_back and session.runs:
            session.send(Pause())
        self.want_frame(soon=True)

    # Recordings

    def ask_machine(self, command: Command) -> None:
        """Send a command, or say why nobody heard it."""
        if isinstance(self.session, Replay):
            self.tell(_("This is a recording: what happened has happened"), severe=True)
        else:
            super().ask_machine(command)

    def action_restart(self) -> None:
        """Run the scenario again; a recording begins again."""
        if isinstance(self.session, Replay):
            self.action_start()
        else:
            super().action_restart()

    async def read_recording(self, replay: Replay) -> None:
        """Read all of it, and look at what is there in the meantime."""
        while not replay.is_read and self.session is replay:
            replay.read(_READ_S)
            self.want_frame()
            await asyncio.sleep(_READ_S / 8)
        for problem in replay.recording.problems:
            self.tell(f"{os.path.basename(replay.recording.path)}: {wording.recording(problem)}", severe=True)

    def action_what_if(self) -> None:
        """Choose a policy, and see what would have been under it."""
        from sandbox.tui.screens.policy import ChoosePolicy

        if len(self.session.past) > _WHAT_IF_MOST:
            said = _("More than {number} events: record it, and ask {command}")
            self.tell(said.format(number=_WHAT_IF_MOST, command=_WHAT_IF), severe=True)
            return

        def chosen(name: str | None) -> None:
            if name is not None and ":" in name:  # somebody's own file is not run here
                self.tell(_("Of a policy of your own, ask {command}").format(command=_WHAT_IF), severe=True)
            elif name is not None:
                self._show_what_if(name)

        self.push_screen(ChoosePolicy(self.session.board.policy), chosen)

    def _show_what_if(self, policy: str) -> None:
        from sandbox.analysis.whatif.derive import Load
        from sandbox.analysis.whatif.run import what_if
        from sandbox.tui.screens.whatif import ShowWhatIf

        session = self.session
        lines = (line for block in session.past.blocks() for line in block.splitlines())
        try:
            load = Load(describe(session.scenario, None), map(decode, lines))
            what = what_if(load, policy, None)
        except BadValue as bad:
            self.tell(wording.problem(bad.what), severe=True)
        else:
            self.push_screen(ShowWhatIf(what))

    def action_record(self) -> None:
        """Keep the run in a file, or end that."""
        from sandbox.tui.screens.dialogs import Ask

        session = self.session
        if session.recorder is not None and session.recorder.goes_on:
            session.recorder.close()
            self.tell(_("{file} holds the run up to now").format(file=session.recorder.path))
            return

        def answered(path: str | None) -> None:
            if path:
                self._record(os.path.expanduser(path))

        says = _(
            "The file, in the folder that we were started in if it names none. It will hold every event since boot."
        )
        self.push_screen(Ask(_("Record"), says, f"{session.scenario.name}.trace", lambda path: None), answered)

    def _record(self, path: str) -> None:
        session = self.session
        try:
            recorder = Recorder(path, describe(session.scenario, None))
        except BadValue as bad:
            self.tell(f"{path}: {wording.problem(bad.what)}", severe=True)
            return
        for lines in session.past.blocks():
            recorder.copy(lines)
        session.recorder = recorder
        self.tell(_("Recording into {file}; {key} ends it").format(file=path, key=self.key("record")))

    def keep(self, events: Sequence[Event]) -> None:
        """Record what has come."""
        recorder = self.session.recorder
        if recorder is not None and (fault := recorder.take(events)) is not None:
            self.tell(wording.fault(fault), severe=True)


def _problem_of_time(text: str) -> str | None:
    try:
        Duration().parse(text)
    except BadValue as bad:
        return wording.problem(bad.what)
    return None
