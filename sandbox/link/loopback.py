"""A kernel process for systems on which children cannot inherit a socket: it connects over the loopback interface.

In virtual time it has no children that would have to be ended; in real time it has a keeper of its own.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from select import select

from sandbox.link.stream import EventStream
from sandbox.link.wire import last_words
from sandbox.model.commands import Quit
from sandbox.model.events import Event
from sandbox.model.spec import Boot
from sandbox.util.scratch import unnamed_file

#: How long it may take to connect, and to exit.
_START_S, _PATIENCE_S = 20.0, 6.0
#: How long a connection may take to send the secret word, which only our child knows.
_WORD_S = 2.0
#: Bytes of that word; bytes of the child's standard error that are read.
WORD_BYTES, _MAX_WORDS = 32, 1 << 15


class LoopbackKernel(EventStream):
    """A kernel process. See ``sandbox.link.client`` for Linux's own."""

    #: It has no keeper that could have been killed unnoticed.
    unguarded = False

    def __init__(self, boot: Boot, beats: bool = False) -> None:
        """Start it. ``beats``: see ``EventStream``. Raises OSError."""
        word = secrets.token_hex(WORD_BYTES // 2).encode()
        self._stderr = unnamed_file()
        with socket.create_server(("127.0.0.1", 0)) as door:
            kernel = ["sandbox.kernel", "sandbox.link.loopback_server", str(door.getsockname()[1])]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-m", *kernel],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
            )
            try:
                self._say(word)
                end = self._connected(door, word)
            except OSError:
                self._kill()
                raise
        super().__init__(end, boot, beats)

    def _say(self, word: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has exited already, which is noticed when it does not connect
            self._process.stdin.write(word)
            self._process.stdin.close()

    def _connected(self, door: socket.socket, word: bytes) -> socket.socket:
        """Return the connection of our child. Other programs may connect, too, but do not know the word."""
        give_up_s = time.monotonic() + _START_S
        while time.monotonic() < give_up_s and self._process.poll() is None:
            if not select([door], [], [], 0.1)[0]:
                continue
            end, _ = door.accept()
            end.settimeout(_WORD_S)
            said = b""
            with suppress(OSError):
                while len(said) < WORD_BYTES and (data := end.recv(WORD_BYTES - len(said))):
                    said += data
            if hmac.compare_digest(said, word):
                return end
            end.close()
        raise OSError(self.last_words() or "it does not connect")

    def quit(self) -> Iterator[Event]:
        """Ask it to exit. Yields the events until it has, or until it has taken too long."""
        self.send(Quit())
        yield from self.events(_PATIENCE_S)

    def end(self) -> list[Event]:
        """End it by a command, else kill it. Returns its last events."""
        self.rest()
        last = [*self.quit()]
        self.close()
        try:
            self._process.wait(_PATIENCE_S if self.halted else 0)
        except subprocess.TimeoutExpired:
            self._kill()
        self._stderr.close()
        return last

    def last_words(self) -> str:
        """Return what it wrote to its standard error, which tells why it has died."""
        return last_words(self._stderr, _MAX_WORDS)

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
