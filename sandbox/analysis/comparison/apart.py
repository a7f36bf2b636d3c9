"""A comparison in a process of its own: whoever waits for it can do something else, or end it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from sandbox.analysis.comparison.messages import AnyMessage, Request, decode_message
from sandbox.link.wire import Lines
from sandbox.link.worker import encode


class Comparison:
    """It begins at once; ``fileno`` is readable as soon as it tells something."""

    def __init__(self, request: Request) -> None:
        self._lines = Lines()
        #: Whether it has ended: it tells nothing more.
        self.closed = False
        with tempfile.TemporaryFile() as file:  # a pipe may be too small, and nobody shall wait
            file.write(encode(request) + b"\n")
            file.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-m", "sandbox.analysis.comparison"],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        os.set_blocking(self.fileno(), False)

    def fileno(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def receive(self) -> list[AnyMessage]:
        """What it has told since the last time, without waiting for more."""
        try:
            data = os.read(self.fileno(), 1 << 18)
        except BlockingIOError:
            return []
        self.closed = not data
        return [decode_message(line) for line in self._lines.feed(data)]

    def end(self) -> None:
        """End it, whatever it is doing."""
        self.closed = True
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
