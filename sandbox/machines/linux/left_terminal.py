"""Restores a terminal whose full-screen program has died without doing so.

This happens in another process (``keeper``), when the program was killed, ran out of memory, or crashed. It imports
nothing large.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import select
import termios

#: Leave the alternate screen; no reports of the mouse, of the focus, of pastes, of sizes and of keys in the extended
#: form; show the cursor; default colours. A terminal ignores what it does not know.
_RESET = (
    "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u"
    "\x1b[?25h\x1b[0m"
)
#: The modes that full-screen programs take away, of input and of line editing.
_INPUT = termios.ICRNL | termios.IXON
_LOCAL = termios.ISIG | termios.ICANON | termios.IEXTEN | termios.ECHO


def restore(terminal: int) -> None:
    """Restore this terminal; nothing if the descriptor is not one. A shell with line editing sets its own modes when it
    gets the terminal back. Those are kept; they are told from the program's by the signals of ctrl+c and ctrl+z, which
    only full-screen programs turn off."""
    try:
        input_, output, control, local, *rest = termios.tcgetattr(terminal)
        if not local & termios.ISIG:
            modes = [input_ | _INPUT, output, control, local | _LOCAL, *rest]
            termios.tcsetattr(terminal, termios.TCSANOW, modes)
        if select.select([], [terminal], [], 0)[1]:  # it may be stopped by ctrl+s
            os.write(terminal, _RESET.encode())
    except (OSError, termios.error):
        return
