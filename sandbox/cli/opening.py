"""What the app needs before it can be opened: a place to draw on, and later a kernel process."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from sandbox.i18n import _
from sandbox.model.spec import Boot
from sandbox.tui.served import is_served

if TYPE_CHECKING:
    from sandbox.tui.state.session import Link

#: Terminals that only print lines.
_NO_SCREENS = ("dumb", "unknown")


def start_kernel(boot: Boot, strict: bool = False) -> Link:
    """Start the kernel process of a run in the app. Imported only after the first frame. Raises OSError."""
    boot = msgspec.structs.replace(boot, stay=True, attended=True)
    if sys.platform != "linux":
        from sandbox.link.loopback import LoopbackKernel

        return LoopbackKernel(boot, beats=True)
    from sandbox.link.client import KernelProcess

    return KernelProcess(boot, strict, beats=True)


def has_terminal(instead: str) -> bool:
    """Whether there is a terminal for the app; if not, an error is printed with what to do ``instead``."""
    from sandbox.render.stderr import complain

    if is_served():
        return True  # in a tab of a browser
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        complain(_("the app needs a terminal; {instead}").format(instead=instead))
        return False
    if (kind := os.environ.get("TERM")) in _NO_SCREENS:
        said = _("the app needs a terminal with a screen, and TERM={kind} has none; {instead}")
        complain(said.format(kind=kind, instead=instead))
        return False
    _ask_terminal_for_size()
    return True


def _ask_terminal_for_size() -> None:
    """Ignore the size in the environment if the terminal reports one: it may be that of another terminal, and it does
    not change when this one is resized."""
    with suppress(OSError):
        if all(os.get_terminal_size(sys.stderr.fileno())):
            for name in ("COLUMNS", "LINES"):
                os.environ.pop(name, None)
