"""Unscheduled clients, which run in the process of the app or command and connect as any other program would.

They share one asyncio event loop. Their attributes give their present state; there are no callbacks.
"""

from __future__ import annotations

import asyncio
import codecs
import sys
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from itertools import count
from typing import Any, Literal

from sandbox.model.clause import Clause
from sandbox.util.addresses import Address, of_socket
from sandbox.util.text import Cleaner, clean_line
from sandbox.util.units import S

State = Literal["connecting", "connected", "closed"]

#: An answer is expected to have as many bytes as the text sent, as the built-in servers give it; a shorter one ends
#: after this time without further bytes. A refused connection is tried again after ``_AGAIN_S``.
_SILENCE_S = 0.5
_AGAIN_S = 0.05
#: The number of last round trips of each client over which its figures are computed; the most characters of a message
#: that are shown.
_MAX_KEPT = 10_000
_MAX_WORDS = 200
#: The number of descriptors that this process needs in addition to those of its clients.
_OTHER_DESCRIPTORS = 64


class Asked:
    """A text that a client has sent and for which it expects an answer. ``missing``: the number of bytes of the answer
    still to come."""

    def __init__(self, missing: int, answered: asyncio.Future[int]) -> None:
        self.at_ns = time.monotonic_ns()
        self.missing = missing
        self.heard_ns: int | None = None
        #: The time of the round trip in ns once it is known; ConnectionError if the connection is lost before.
        self.answered = answered


class Client(asyncio.Protocol):
    """A client and its connection. ``sent``: the number of texts sent; ``received``: the number of answers;
    ``error``: why the connection failed or ended, unless the client closed it. Times are in ns, of CLOCK_MONOTONIC."""

    def __init__(self, name: str, address: Address) -> None:
        self.name = name
        self.address = address
        self.state: State = "connecting"
        #: The address of its end of the connection, in the form of ``Connection.peer``; None: never connected.
        self.own: str | None = None
        self.error: Clause | None = None
        self.sent = self.received = 0
        self.bytes_sent = self.bytes_received = 0
        #: The last text sent and received.
        self.said = self.heard = ""
        self.round_trips_ns: deque[int] = deque(maxlen=_MAX_KEPT)
        self.began_ns = time.monotonic_ns()
        self._asked: deque[Asked] = deque()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cleaner = Cleaner()
        self._transport: asyncio.Transport | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._leaving = False
        #: Set once it is connected or has failed to connect.
        self._decided = asyncio.Event()

    async def connect(self, patience_ns: int = 0) -> None:
        """Connect; the result is in ``state`` and ``error``. A refused connection is tried again for at most
        ``patience_ns``."""
        loop = asyncio.get_running_loop()
        while self.state == "connecting":
            try:
                await loop.create_connection(lambda: self, self.address.host, self.address.port)
            except OSError as error:
                refused = isinstance(error, ConnectionRefusedError)
                if not refused or time.monotonic_ns() - self.began_ns >= patience_ns:
                    self._fail(error)
                else:
                    await asyncio.sleep(_AGAIN_S)

    def say(self, text: str) -> Asked | None:
        """Send a text as it is, without adding a newline. Return None if the client is not connected or is leaving, or
        the text is empty."""
        if self._transport is None or self._leaving or not text:
            return None
        data = text.encode(errors="replace")
        asked = Asked(len(data), asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._transport.write(data)
        self.sent += 1
        self.bytes_sent += len(data)
        self.said = clean_line(text, _MAX_WORDS)
        return asked

    async def ask(self, text: str) -> None:
        """Wait for the connection, send a text, and wait for the answer. Raises ConnectionError."""
        await self._decided.wait()
        asked = self.say(text)
        if asked is None:
            raise ConnectionError
        await asked.answered

    def close(self) -> None:
        """Close the connection, or give up connecting."""
        self._leaving = True
        if self._transport is not None:
            self._transport.close()
        else:
            self.state = "closed"
            self._decided.set()

    @property
    def unanswered(self) -> bool:
        """Whether the client failed to connect, or failed before all of its texts were answered."""
        return self.error is not None and (self.own is None or self.sent > self.received)

    @property
    def waits_since_ns(self) -> int | None:
        """The time since which the client has been waiting for an answer; None if it is not waiting."""
        return self._asked[0].at_ns if self._asked else None

    @property
    def round_trip_ns(self) -> int | None:
        """The time of the last round trip; None if there was none."""
        return self.round_trips_ns[-1] if self.round_trips_ns else None

    # Methods called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called when the system has connected the socket, which may be before the server accepts it."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.own = str(of_socket(transport.get_extra_info("sockname")))
        self.state = "connected"
        self._decided.set()
        if self._leaving:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Count received bytes as part of the answer to the oldest unanswered text."""
        now_ns = time.monotonic_ns()
        self.bytes_received += len(data)
        words = clean_line(self._cleaner.feed(self._decoder.decode(data)), _MAX_WORDS)
        self.heard = words or self.heard
        rest = len(data)
        while rest and self._asked:
            asked = self._asked[0]
            took = min(rest, asked.missing)
            rest -= took
            asked.missing -= took
            asked.heard_ns = now_ns
            if asked.missing == 0:
                self._settle(asked)
            else:
                self._wait_for_silence(asked)

    def connection_lost(self, error: Exception | None) -> None:
        """Called when the connection is closed. ``error`` None: it was closed regularly."""
        self._transport = None
        if self._silence is not None:
            self._silence.cancel()
        if self._asked and self._asked[0].heard_ns is not None:
            self._settle(self._asked[0])  # the answer is as complete as it will be
        if self._leaving:
            self.state = "closed"
        elif isinstance(error, OSError) or self._asked:
            self._fail(error if isinstance(error, OSError) else ConnectionAbortedError())
        else:
            self.state = "closed"
        for asked in self._asked:
            if not asked.answered.done():
                asked.answered.set_exception(ConnectionError())
                asked.answered.exception()  # mark it as retrieved, as it may not be awaited
        self._asked.clear()

    def _wait_for_silence(self, asked: Asked) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(_SILENCE_S, self._settle, asked)

    def _settle(self, asked: Asked) -> None:
        """Record that the answer to a text is complete."""
        if self._asked and self._asked[0] is asked and asked.heard_ns is not None:
            self._asked.popleft()
            self.received += 1
            self.round_trips_ns.append(asked.heard_ns - asked.at_ns)
            if not asked.answered.done():
                asked.answered.set_result(asked.heard_ns - asked.at_ns)

    def _fail(self, error: OSError) -> None:
        self.state = "closed"
        self._decided.set()
        match error:
            case ConnectionRefusedError():
                self.error = Clause("nobody listens", {"at": str(self.address)})
            case ConnectionAbortedError():
                self.error = Clause("closed without an answer")
            case ConnectionResetError() | BrokenPipeError():
                self.error = Clause("reset")
            case _:
                self.error = Clause("no connection", {"reason": clean_line(error.strerror or str(error))})


class Clients:
    """All clients of this process, both open and ended."""

    def __init__(self) -> None:
        self.all: list[Client] = []
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._tickers: dict[Client, asyncio.Task[None]] = {}

    @property
    def open(self) -> list[Client]:
        """All clients that have not ended."""
        return [client for client in self.all if client.state != "closed"]

    def connect(self, address: Address, name: str | None = None, patience_ns: int = 0) -> Client:
        """Create a client, and start connecting it; a refused connection is tried again for at most ``patience_ns``."""
        make_room(len(self.open) + 1)
        client = Client(name or f"client-{next(self._numbers)}", address)
        self.all.append(client)
        self._start(client.connect(patience_ns))
        return client

    def burst(self, number: int, address: Address, text: str = "hello") -> Sequence[Client]:
        """Start many clients at once, each of which connects, sends the text once, waits for the answer and leaves."""
        make_room(len(self.open) + number)
        clients = [Client(f"client-{next(self._numbers)}", address) for _ in range(number)]
        self.all += clients
        for client in clients:
            self._start(_ask_once(client, text))
        return clients

    def tick(self, client: Client, text: str, every_ns: int) -> None:
        """Make a client send a text repeatedly, every ``every_ns``, but not before the last one was answered."""
        self.hush(client)
        self._tickers[client] = self._start(ask_again_and_again(client, [text], every_ns, None))

    def ticks(self, client: Client) -> bool:
        """Whether a client is sending a text repeatedly."""
        return client in self._tickers and not self._tickers[client].done()

    def hush(self, client: Client) -> None:
        """Stop a client from sending a text repeatedly."""
        ticker = self._tickers.pop(client, None)
        if ticker is not None:
            ticker.cancel()

    def close(self, client: Client) -> None:
        """Make a client leave."""
        self.hush(client)
        client.close()

    def close_all(self) -> None:
        """Make all clients leave."""
        for client in self.open:
            self.close(client)

    def forget(self) -> None:
        """Drop the clients that have ended."""
        self.all = self.open

    async def end(self) -> None:
        """Make all clients leave, and wait until their tasks and sockets are gone."""
        self.close_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets in the next turn of the loop

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def ask_again_and_again(client: Client, texts: Sequence[str], every_ns: int, times: int | None) -> None:
    """Send the texts in turn, each ``every_ns`` after the one before but not before that was answered, ``times`` in all
    (None: until the connection is lost)."""
    for turn in count():
        if turn == times:
            return
        began_ns = time.monotonic_ns()
        try:
            await client.ask(texts[turn % len(texts)])
        except ConnectionError:
            return
        if turn + 1 != times:
            await asyncio.sleep(max(every_ns - (time.monotonic_ns() - began_ns), 0) / S)


async def _ask_once(client: Client, text: str) -> None:
    await client.connect()
    await ask_again_and_again(client, [text], 0, 1)
    client.close()


def make_room(number: int) -> None:
    """Raise the limit of descriptors as far as possible if ``number`` clients, with one each, need more."""
    if sys.platform == "win32":  # Windows has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and number + _OTHER_DESCRIPTORS > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
