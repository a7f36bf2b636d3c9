"""The terminal that the app draws on. It may go away at any moment."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import os
import signal
from collections.abc import Callable
from typing import Any, TextIO

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from sandbox.tui.compat import divert_output


class Terminal(LinuxDriver):
    """Textual's own driver, which writes in a thread. A write that fails would end that thread, and the app would wait
    for it for ever; here a terminal that is gone ends the app, whether a signal tells of it or not."""

    def __init__(self, app: App[Any], **more: Any) -> None:
        super().__init__(app, **more)
        divert_output(self, lambda file: _MayBeGone(file, lambda: app.call_later(app.exit, 128 + signal.SIGHUP)))


class _MayBeGone:
    """A file that takes everything; ``gone`` is called when the first of it is lost."""

    def __init__(self, file: TextIO, gone: Callable[[], object]) -> None:
        self._file, self._gone = file, gone
        self._lost = False

    def fileno(self) -> int:
        return self._file.fileno()

    def write(self, text: str) -> int:
        return self._try(self._file.write, text) or len(text)

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, do: Callable[..., Any], *what: str) -> Any:
        try:
            return do(*what)
        except OSError:
            if not self._lost:
                self._lost = True
                self._lead_nowhere()
                self._gone()
            return None

    def _lead_nowhere(self) -> None:
        """What is still in the buffer would make the interpreter's last flush fail, and with it the exit status."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)
