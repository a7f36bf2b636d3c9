"""A guard that restores the terminal if the app dies in full screen: killed, out of memory, or crashed.

It is a shell, which starts in a millisecond, takes a megabyte, and exists on every UNIX system. It waits for the end of
a pipe. It has a session of its own, so signals for the app's process group do not reach it.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import os
import subprocess
import termios
from contextlib import suppress

from sandbox.i18n import _
from sandbox.util.full_screen import LEAVE

#: Arguments: the modes, the sequence that leaves the screen, and a message. Each line of input says whether the app is
#: in full screen. A shell with line editing sets its own modes when it gets the terminal back. Those are kept; they are
#: told from the app's by the signals of ctrl+c and ctrl+z, which only full-screen programs turn off.
_SCRIPT = r"""
trap '' HUP INT QUIT TERM TSTP TTOU
PATH=$PATH:/usr/bin:/bin
while read -r line; do where=$line; done
[ "$where" = screen ] || exit 0
exec <&1
case $(stty -a) in *-isig*) stty $1 ;; esac
printf "$2" >&2
printf 'ossandbox: %s\n' "$3" >&2
"""
#: The modes that the app changes, as ``stty`` names them: of input, and of line editing.
_INPUT = ("icrnl", "inlcr", "igncr", "ixon", "ixoff")
_LOCAL = ("isig", "icanon", "iexten", "echo")
#: How long to wait for its end.
_MAX_END_S = 1.0


class ScreenGuard:
    """The app's side. ``terminal`` and ``screen``: the descriptors of the terminal's input and output. If the system
    refuses another process, there is no guard."""

    def __init__(self, terminal: int, screen: int) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        with suppress(OSError, termios.error):
            self._shell = _start(terminal, screen)

    def enter(self) -> None:
        """Note that full screen begins."""
        self._say(b"screen\n")

    def leave(self) -> None:
        """Note that the terminal is restored."""
        self._say(b"left\n")

    def end(self) -> None:
        """End the guard, once the terminal is restored."""
        self.leave()
        if self._shell is not None and self._shell.stdin is not None:
            self._shell.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._shell.wait(_MAX_END_S)

    def _say(self, line: bytes) -> None:
        if self._shell is not None and self._shell.stdin is not None:
            with suppress(OSError):  # it was killed
                self._shell.stdin.write(line)


def _start(terminal: int, screen: int) -> subprocess.Popen[bytes]:
    died = _("the app has died; all that it had started is ended").encode(sys.getfilesystemencoding(), "replace")
    leave = LEAVE.replace(b"\x1b", rb"\033")
    return subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "ossandbox-screen", _modes(terminal), leave, died],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=screen,
        cwd=os.sep,
        start_new_session=True,
    )


def _modes(terminal: int) -> str:
    """Return the present modes, as arguments of ``stty``."""
    input_, _output, _control, local, *_rest = termios.tcgetattr(terminal)
    known = [(name, input_) for name in _INPUT] + [(name, local) for name in _LOCAL]
    return " ".join(name if flags & getattr(termios, name.upper()) else f"-{name}" for name, flags in known)
