"""Dialogs that ask for one line of a certain kind: a command, a time, or a file."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import split_command
from sandbox.model.values import BadValue, Duration
from sandbox.tui.format import exact
from sandbox.tui.screens.dialogs import Ask
from sandbox.util.text import clean_line

#: The greatest length of a recalled command in the dialog, in cells.
_MAX_SHOWN = 50
_BARE = re.compile(r"\d{1,9}(\.\d{0,9})?|\.\d{1,9}")


class NewProcess(Ask):
    """Asks for a command line. ``before``: commands that were run earlier."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        says = _("A command line. It becomes a process like the others; pipes and $variables are the shell's.")
        if before:
            says += "\n" + _("↑ brings back: {command}").format(command=clean_line(before[-1], _MAX_SHOWN))
        super().__init__(_("New process"), says, "seq 300000 | sort -r | tail -1", _problem_of_command, before)


class GoToTime(Ask):
    """Asks for a time of the run."""

    def __init__(self, now_ns: int) -> None:
        says = _("A time since boot: 3.4 are seconds, 250ms has its unit; it is {time} now.").format(time=exact(now_ns))
        super().__init__(_("Go to a time"), says, "1.25s", _problem_of_time)


class RecordAs(Ask):
    """Asks for the file in which to record the run."""

    def __init__(self, scenario: str) -> None:
        says = _(
            "A file name; without a folder, it is written where ossandbox was started. "
            "It will hold every event since boot."
        )
        self._example = f"{scenario}.trace"
        super().__init__(_("Record"), says, self._example, lambda path: None)

    def take(self, answer: str) -> None:
        super().take(answer.strip() or self._example)


class SaveAs(Ask):
    """Asks for the file in which to save lines of the screen."""

    def __init__(self, title: str, says: str, example: str) -> None:
        self._example = example
        super().__init__(title, says, example, lambda path: None)

    def take(self, answer: str) -> None:
        super().take(answer.strip() or self._example)


def command_line(argv: Sequence[str]) -> str:
    """Return the command line as a user would type it, without the call of the shell if there is one."""
    return argv[2] if len(argv) == 3 and argv[:2] == ["sh", "-c"] else shlex.join(argv)


def _problem_of_command(line: str) -> str | None:
    """Return what is wrong with a command before it is started, or None."""
    try:
        words = split_command(line)
    except BadValue as bad:
        return wording.problem(bad.faults[0][1])
    if shutil.which(words[0]) is None:
        return _("{program}: there is no such program here").format(program=words[0])
    return None


def time_ns(text: str) -> int:
    """Return a time of the run in ns, given as users write it; a number without a unit is in seconds. Raises
    BadValue."""
    bare = text.strip()
    return Duration().parse(f"{bare}s" if _BARE.fullmatch(bare) else bare)


def _problem_of_time(text: str) -> str | None:
    try:
        time_ns(text)
    except BadValue as bad:
        return wording.problem(bad.faults[0][1])
    return None
