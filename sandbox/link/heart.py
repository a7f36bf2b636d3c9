"""The heartbeat of the terminal's process, independent of drawing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sandbox.link.wire import HEARTBEAT_S

#: How long the main thread may be busy, with a frame for instance, before it counts as hanging.
_MAX_AWAY_S = 20.0


class Heart:
    """A thread that calls ``beat`` periodically. It stops with the process if that is stopped, and some time after the
    last call of ``is_there``, because an app whose main thread hangs is not there."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._over = threading.Event()
        self._seen_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
        self._thread.start()

    def is_there(self) -> None:
        """Note that the main thread is alive."""
        self._seen_s = time.monotonic()

    def stop(self) -> None:
        """End the thread. ``beat`` is not called any more."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            if time.monotonic() - self._seen_s < _MAX_AWAY_S:
                self._beat()
