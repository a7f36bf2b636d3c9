"""Restores a terminal whose full-screen program has died without doing so.

This happens in another process (``keeper``), when the program was killed, ran out of memory, or crashed. It imports
nothing large.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import termios

from sandbox.util.full_screen import leave_screen

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
        leave_screen(terminal)
    except (OSError, termios.error):
        return
