"""The app in tabs of a browser: textual-serve has the page and the way there, and starts the app for each tab."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

#: So long tabs have to close when we end: each gives its programs 2 s to tidy up.
_CLOSING_S = 6
_HERE = ("127.0.0.1", "localhost", "[::1]")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Web(Server):
    """Serves the app that ``command`` starts. A page of somebody else's, opened in the same browser, reaches nothing:
    who asks must have come from a page of ours, and unless others may, have called us by a name of this machine."""

    def __init__(self, command: Sequence[str], host: str, port: int, title: str) -> None:
        # Without a shell between the two the system can tell the app that we are gone.
        super().__init__(f"exec {shlex.join(command)}", host=host, port=port, title=title)
        self._exposed = host not in _HERE
        self._tabs: set[asyncio.Task[object]] = set()

    def initialize_logging(self) -> None:
        """What goes wrong is told; who comes and goes is not."""
        logging.basicConfig(level="WARNING", format="ossandbox: %(message)s")

    def serve(self, debug: bool = False) -> None:
        """Until somebody ends it."""
        os.environ["TERM"], os.environ["COLORTERM"] = "xterm-256color", "truecolor"  # what the page is
        asyncio.set_event_loop(asyncio.new_event_loop())
        super().serve(debug)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(web.middleware(self._only_ours))
        return app

    async def on_startup(self, app: web.Application) -> None:
        """The command has said where."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Close every tab, and wait until what ran there has ended."""
        for tab in self._tabs:
            tab.cancel()
        if self._tabs:
            await asyncio.wait(self._tabs, timeout=_CLOSING_S)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, which comes back to us by the name under which it was asked for."""
        here = f"{request.scheme}://{request.host}"
        context = {
            "font_size": 16,
            "app_websocket_url": f"{here}/ws",
            "config": {"static": {"url": f"{here}/static/"}},
            "application": {"name": self.title},
        }
        return aiohttp_jinja2.render_template("app_index.html", request, context)

    async def _only_ours(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        name = request.host.rpartition(":")[0] or request.host
        if (origin is not None and urlsplit(origin).netloc != request.host) or not (self._exposed or name in _HERE):
            raise web.HTTPForbidden
        if request.path != "/ws":
            return await handler(request)
        tab = asyncio.current_task()
        assert tab is not None
        self._tabs.add(tab)
        try:
            return await handler(request)
        finally:
            self._tabs.discard(tab)
