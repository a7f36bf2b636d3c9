"""The terminal's process's end of a link: it sends commands and heartbeats, and receives events."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from select import select

from sandbox.link.heart import Heart
from sandbox.link.wire import HEARTBEAT_S, Lines, encode_boot, encode_command
from sandbox.model.commands import Command
from sandbox.model.events import AnyEvent, Event, Halted, decode
from sandbox.model.spec import Boot


class EventStream:
    """One end of a link. ``end``: a connected socket, which is closed with the stream; ``boot`` is sent at once.
    ``beats``: a thread sends heartbeats as long as ``beat`` is called now and then; else each call sends one.
    ``along``: descriptors of which the other end gets copies."""

    def __init__(self, end: socket.socket, boot: Boot, beats: bool, along: Sequence[int] = ()) -> None:
        self._socket = end
        self._lines = Lines()
        self._heard: deque[AnyEvent] = deque()
        self._unsent = bytearray(encode_boot(boot) + b"\n")
        #: Heartbeats may be sent by another thread.
        self._sending = threading.Lock()
        #: Whether the other side has closed it.
        self.closed = False
        self.halted = False
        end.setblocking(False)
        if along and sys.platform != "win32":
            del self._unsent[: socket.send_fds(end, [self._unsent], along)]
        self._flush()
        self._heart = Heart(self._send_beat) if beats else None

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, command: Command) -> None:
        self._send(encode_command(command) + b"\n")

    def beat(self) -> None:
        """Note that this process is alive."""
        if self._heart is not None:
            self._heart.is_there()
        else:
            self._send_beat()

    def receive(self) -> list[AnyEvent]:
        """Return the events that have arrived, without waiting."""
        self._flush()
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        events = [decode(line) for line in self._lines.feed(data)]
        self.halted = self.halted or any(isinstance(event, Halted) for event in events)
        return events

    def events(self, patience_s: float | None = None, wait: Callable[..., object] = select) -> Iterator[Event]:
        """Wait for events and yield them until the link is closed, for ``patience_s`` at most. The iteration may be
        abandoned and started again. ``wait``: like ``select``; it may raise."""
        give_up = None if patience_s is None else time.monotonic() + patience_s
        next_beat = 0.0
        while True:
            while self._heard:
                yield self._heard.popleft()
            if self.closed or (give_up is not None and time.monotonic() >= give_up):
                return
            wait([self._socket], [], [], max(next_beat - time.monotonic(), 0))
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + HEARTBEAT_S
                self.beat()
            self._heard.extend(self.receive())

    def rest(self) -> None:
        """Stop the thread that sends heartbeats."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None

    def close(self) -> None:
        """Close the link, which the other end notices."""
        self._socket.close()
        self.closed = True

    def _send_beat(self) -> None:
        self._send(b"\n")

    def _send(self, line: bytes) -> None:
        with self._sending:
            self._unsent += line
        self._flush()

    def _flush(self) -> None:
        with self._sending:
            while self._unsent and not self.closed:
                try:
                    del self._unsent[: self._socket.send(self._unsent)]
                except BlockingIOError:
                    return
                except OSError:
                    return  # receive() notices it
