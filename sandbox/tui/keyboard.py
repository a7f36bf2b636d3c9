"""Keys that are typed ahead: each one waits until what the one before it did is done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.events import Key
from textual.message_pump import MessagePump

#: Keys that are kept while others are being handled.
MAX_AHEAD = 1_000
#: So long the next key waits at most (seconds): a widget that has gone never answers, one that is busy does so late.
_MAX_WAIT_S = 1.0


class Keyboard:
    """Of itself Textual hands out keys as they come. What a quick hand types after a key that opens a dialog, turns to
    another panel or begins a line would then still be commands of the board. ``deliver`` hands a key to who has them
    by now."""

    def __init__(self, app: App[int], deliver: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._ahead: deque[Key] = deque(maxlen=MAX_AHEAD)
        self._following: asyncio.Task[None] | None = None

    def keeps(self, key: Key) -> bool:
        """Whether this one has to wait for its turn; if not, it is to be handed out now."""
        if self._following is not None:
            self._ahead.append(key)
            return True
        self._following = asyncio.get_running_loop().create_task(self._follow())
        return False

    @property
    def idle(self) -> bool:
        """Whether every key has been handled."""
        return self._following is None

    def forget(self) -> None:
        """Nobody wants what was typed ahead."""
        self._ahead.clear()

    async def _follow(self) -> None:
        """Wait until the key before has been handled, and hand out the next, one after the other."""
        await asyncio.sleep(0)  # it is handed out in the meantime
        try:
            await self._wait_for_handled()
            while self._ahead:
                await self._deliver(self._ahead.popleft())
                await self._wait_for_handled()
        finally:
            self._following = None

    async def _wait_for_handled(self) -> None:
        try:
            await asyncio.wait_for(self._handled(), _MAX_WAIT_S)
        except TimeoutError:
            pass

    async def _handled(self) -> None:
        """Whoever had the keys has handled the last one, and what came of it is on the screen: an action runs when the
        key has come up to the app, and what it tells others goes the same way."""
        before = self._state()
        for _ in range(2):
            for pump in [*self._path(), self._app]:
                if pump.is_running:
                    await self._answer(pump.call_later)
        if self._state() != before:
            await self._answer(self._app.screen.call_after_refresh)
            await self._answer(self._app.screen.call_after_refresh)

    def _state(self) -> tuple[object, ...]:
        app = self._app
        if not app.screen_stack:
            return ()
        return app.screen, app.focused, *(child for child in app.screen.children if child.display)

    def _path(self) -> list[MessagePump]:
        """Through whom a key comes up."""
        if not self._app.screen_stack:
            return []
        return [node for node in (self._app.focused or self._app.screen).ancestors_with_self if node is not self._app]

    async def _answer(self, call: Callable[[Callable[[], object]], bool]) -> None:
        """Have it call back, after all that it has been told before."""
        called = asyncio.Event()
        if call(called.set):
            await called.wait()
