"""Leaves the screen of a full-screen program that cannot do so itself, because it is blocked or has died."""

from __future__ import annotations

import os
from select import select

#: Default colours; show the cursor; wrap long lines; end a synchronized update; no reports of the mouse, of the focus,
#: of pastes, of sizes and of keys in the extended form; leave the alternate screen. A terminal ignores what it does not
#: know.
LEAVE = (
    b"\x1b[0m\x1b[?25h\x1b[?7h\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l"
    b"\x1b[?2048l\x1b[<u\x1b[?1049l"
)


def leave_screen(terminal: int) -> None:
    """Write to this descriptor of a terminal, unless that would block, as after ctrl+s. Raises OSError. For UNIX."""
    if select([], [terminal], [], 0)[1]:
        os.write(terminal, LEAVE)
