"""Keys typed ahead: each one waits until the effect of the previous one is complete."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.events import Key
from textual.message_pump import MessagePump

#: The most keys kept while others are being handled.
MAX_AHEAD = 1_000
#: The longest time a key waits for the previous one, in seconds: a removed widget never answers, a busy one late.
_MAX_WAIT_S = 1.0


class Keyboard:
    """Delivers keys one at a time. Textual by itself delivers keys at once, so that keys typed quickly after one that
    opens a dialog, a panel or a line would still be commands of the board. ``deliver`` passes a key to the widget that
    has the focus by then."""

    def __init__(self, app: App[int], deliver: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._ahead: deque[Key] = deque(maxlen=MAX_AHEAD)
        self._following: asyncio.Task[None] | None = None

    def keeps(self, key: Key) -> bool:
        """Whether a key was queued, as others come first; if not, the caller delivers it now."""
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
        """Drop the keys that were typed ahead."""
        self._ahead.clear()

    async def _follow(self) -> None:
        """Wait until the previous key has been handled, then deliver the next one, until there are none."""
        await asyncio.sleep(0)  # the caller delivers the first key in the meantime
        try:
            await self._wait_for_handled()
            while self._ahead and self._app.screen_stack:  # there is none after an error
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
        """Wait until the last key has been handled, and its effect is on the screen. An action runs after the key has
        bubbled up to the app, and messages that the action posts take the same path."""
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
        """Return the widgets through which a key bubbles up."""
        if not self._app.screen_stack:
            return []
        return [node for node in (self._app.focused or self._app.screen).ancestors_with_self if node is not self._app]

    async def _answer(self, call: Callable[[Callable[[], object]], bool]) -> None:
        """Wait for a callback, which comes after all earlier messages."""
        called = asyncio.Event()
        if call(called.set):
            await called.wait()
