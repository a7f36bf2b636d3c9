"""The app in browser tabs: textual-serve provides the terminal in the page and the connection to the app, which it
starts once per tab."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from sandbox.i18n import _, spoken
from sandbox.tui.compat import put_before

#: The time in seconds that a run may take to end with its tab; its programs have 2 s to clean up.
_ENDING_S = 6
#: The most tabs, each of which has processes of its own.
MAX_TABS = 32
#: The most columns or lines of a tab.
_MAX_SIZE = 1_000
_PAGE = Path(__file__).with_name("served.html")
_FONT_SIZE = "16"
_HERE = ("127.0.0.1", "localhost", "[::1]")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Tab(AppService):
    """The app of one tab."""

    async def stop(self) -> None:
        """Tell the app to end, and make sure of it: its remaining output must be read, or the app would block."""
        await super().stop()
        if (process := self._process) is None:
            return
        try:
            await asyncio.wait_for(process.communicate(), _ENDING_S)
        except TimeoutError:
            process.kill()  # its programs end with it
            await process.wait()


class Web(Server):
    """Serves the app that ``command`` starts. Pages of other sites in the same browser have no access: requests must
    come from a page of this server, and must address it by a name of this machine, unless it is exposed to others."""

    def __init__(self, command: Sequence[str], host: str, port: int, title: str) -> None:
        super().__init__(_line(command), host=host, port=port, title=title)
        put_before(self, self._only_ours)
        self._exposed = host not in _HERE
        self._tabs: dict[web.WebSocketResponse, asyncio.Task[object]] = {}

    def initialize_logging(self) -> None:
        """Log problems only, not requests."""
        logging.basicConfig(level="WARNING", format="ossandbox: %(message)s")

    def serve(self, debug: bool = False) -> None:
        """Serve until interrupted."""
        os.environ["TERM"], os.environ["COLORTERM"] = "xterm-256color", "truecolor"  # the kind of the page's terminal
        asyncio.set_event_loop(asyncio.new_event_loop())
        super().serve(debug)

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the command has printed the address."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Close every tab, and wait until its processes have ended."""
        there = {**self._tabs}
        for tab in there:
            await tab.close()
        if there:
            await asyncio.wait(there.values(), timeout=_ENDING_S + 1)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Return this app's page, as that of textual-serve loads a font from elsewhere. It connects to the host name of
        the request."""
        size = request.query.get("fontsize", "")
        said = {
            "language": spoken(),
            "title": self.title,
            "socket": f"{'wss' if request.secure else 'ws'}://{request.host}",
            "size": size if size.isdecimal() else _FONT_SIZE,
            "ended": _("The run has ended."),
            "again": _("again"),
        }
        page = Template(_PAGE.read_text("utf-8")).substitute({name: escape(text) for name, text in said.items()})
        return web.Response(text=page, content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a tab until it is closed or its app ends."""
        if len(self._tabs) >= MAX_TABS:
            raise web.HTTPServiceUnavailable
        socket, task = web.WebSocketResponse(heartbeat=15), asyncio.current_task()
        assert task is not None
        await socket.prepare(request)

        async def close() -> None:
            await socket.close()

        self._tabs[socket] = task
        tab = _Tab(
            self.command,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        try:
            await tab.start(_cells(request, "width", 80), _cells(request, "height", 24))
            await self._process_messages(socket, tab)
        finally:
            await tab.stop()
            del self._tabs[socket]
        return socket

    @web.middleware
    async def _only_ours(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        name = request.host.rpartition(":")[0] or request.host
        if (origin is not None and urlsplit(origin).netloc != request.host) or not (self._exposed or name in _HERE):
            raise web.HTTPForbidden
        return await handler(request)


def _line(command: Sequence[str]) -> str:
    """Return a command line for the system's shell. The shell is replaced by the app, so that the app gets a signal if
    the server ends."""
    if sys.platform == "win32":
        return subprocess.list2cmdline(command)
    return f"exec {shlex.join(command)}"


def _cells(request: web.Request, name: str, otherwise: int) -> int:
    asked = request.query.get(name, "")
    return min(int(asked), _MAX_SIZE) if asked.isdecimal() else otherwise
