"""The heartbeat of the terminal's process, apart from all that it draws."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sandbox.link.wire import HEARTBEAT_S

#: For so long a frame, or whatever else keeps the main thread, may last; then nobody is there any more.
_MAX_AWAY_S = 20.0


class Heart:
    """A thread that calls ``beat`` again and again. It stands still with the process, when that is stopped, and it ends
    some time after the main thread has said for the last time that it is there: a screen that hangs is none."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._over = threading.Event()
        self._seen_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
        self._thread.start()

    def is_there(self) -> None:
        """The main thread is."""
        self._seen_s = time.monotonic()

    def stop(self) -> None:
        """No beat comes after this."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            if time.monotonic() - self._seen_s < _MAX_AWAY_S:
                self._beat()
