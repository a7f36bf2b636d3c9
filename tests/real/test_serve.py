"""The app in tabs of a browser: each has a run of its own, and takes it along when it closes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pyte
import pytest

from tests.support import procs
from tests.support.browser import Page, browser, opened
from tests.support.run import LoggedRun

aiohttp = pytest.importorskip("aiohttp", reason="the extra web is not installed")
pytest.importorskip("textual_serve", reason="the extra web is not installed")

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]


def scenario(folder: Path) -> str:
    """One that runs for longer than any test."""
    path = folder / "long.toml"
    path.write_text('[[process]]\nname = "it"\nwork = ["cpu 50ms", "io 50ms"]\nrepeat = 5000\ncount = 2\n')
    return str(path)


class Tab:
    """What a browser's tab does, as far as the server knows of it."""

    def __init__(self, socket: Any, width: int, height: int) -> None:
        self._socket = socket
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._stream.feed(message.data)

    async def press(self, keys: str) -> None:
        await self._socket.send_str(json.dumps(["stdin", keys]))

    async def resize(self, width: int, height: int) -> None:
        self._screen.resize(height, width)
        await self._socket.send_str(json.dumps(["resize", {"width": width, "height": height}]))

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    async def shows(self, text: str) -> None:
        await until(lambda: any(text in line for line in self.lines), lambda: "\n".join([text, *self.lines]))

    async def close(self) -> None:
        await self._socket.close()
        self._reading.cancel()


async def until(what: Callable[[], object], why: Callable[[], str]) -> None:
    give_up = time.monotonic() + 30
    while not what():
        assert time.monotonic() < give_up, why()
        await asyncio.sleep(0.05)


class Served:
    """A server, and who connects to it."""

    def __init__(self, folder: Path, *words: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = door.getsockname()[1]
        self.run = LoggedRun(folder, "serve", *words, "--port", str(self.port))
        self.client = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")

    async def begin(self) -> None:
        async def answers() -> bool:
            try:
                async with self.client.get("/") as page:
                    return bool(page.status == 200)
            except aiohttp.ClientConnectionError:
                return False

        give_up = time.monotonic() + 30
        while not await answers():
            assert time.monotonic() < give_up, self.run.stderr
            await asyncio.sleep(0.05)

    async def tab(self, width: int = 120, height: int = 40) -> Tab:
        return Tab(await self.client.ws_connect(f"/ws?width={width}&height={height}"), width, height)

    @property
    def processes(self) -> int:
        return len(procs.descendants(self.run.os_pid))

    async def end(self) -> None:
        await self.client.close()
        self.run.kill(signal.SIGTERM)
        await asyncio.to_thread(self.run.wait)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    server = Served(tmp_path, scenario(tmp_path))
    try:
        await server.begin()
        yield server
    finally:
        await server.end()


async def test_each_tab_has_a_run_of_its_own_and_takes_it_along(served: Served) -> None:
    one, other = await served.tab(), await served.tab()
    await one.shows("RUNNING")
    await other.shows("RUNNING")
    await one.press(" ")
    await one.shows("PAUSED")
    assert not any("PAUSED" in line for line in other.lines)
    await one.press("n")
    await one.shows("not permitted")
    await one.resize(80, 24)
    await until(lambda: "quit" in one.lines[-1], lambda: "\n".join(one.lines))
    both = served.processes
    await one.close()
    await until(lambda: served.processes <= both // 2, lambda: f"{served.processes} of {both} are left")
    await other.press("q")
    await until(lambda: served.processes == 0, lambda: f"{served.processes} are left")


async def test_pages_of_others_reach_nothing(served: Served) -> None:
    for headers in ({"Origin": "http://elsewhere.example"}, {"Host": f"elsewhere.example:{served.port}"}):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await served.client.ws_connect("/ws", headers=headers)
    assert served.processes == 0


async def test_a_server_that_ends_takes_all_tabs_along(tmp_path: Path) -> None:
    server = Served(tmp_path, scenario(tmp_path), "--allow-commands")
    await server.begin()
    tab = await server.tab()
    await tab.shows("RUNNING")
    await tab.press("n")
    await tab.shows("New process")
    app = procs.children(server.run.os_pid)
    await server.end()
    assert app
    assert procs.gone(*app)
    await tab.close()


CLOSED = "document.body.classList.contains('-closed')"
#: What the page was sent, by its own way there.
SPY = """
window.sent = [];
window.WebSocket = class extends WebSocket {
  constructor(...words) {
    super(...words);
    this.addEventListener("message", async (message) => {
      const bytes = message.data instanceof Blob ? await message.data.arrayBuffer() : message.data;
      if (bytes instanceof ArrayBuffer) {
        window.sent.push(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
      }
    });
  }
};
"""


@browser
async def test_a_browser_shows_it(tmp_path: Path) -> None:
    """Keys, another size, the end."""
    server = Served(tmp_path, scenario(tmp_path))
    try:
        await server.begin()
        async with opened(f"http://127.0.0.1:{server.port}/", tmp_path, before=SPY) as page:
            shown = Shown(page)
            await shown.until("RUNNING")
            await page.run("document.querySelector('.xterm-helper-textarea').focus()")
            await page.press(" ")
            await shown.until("PAUSED")
            wide = await page.run("document.querySelector('.xterm-screen').getBoundingClientRect().width")
            await page.resize(800, 600)
            await page_until(
                page, f"document.querySelector('.xterm-screen').getBoundingClientRect().width < {wide} - 100"
            )
            await shown.until("PAUSED")
            size = "[document.documentElement.scrollHeight, innerHeight]"
            high, window = await page.run(size)
            assert high <= window, "nothing scrolls but what is shown"
            if folder := os.environ.get("OSSANDBOX_PICTURES"):
                await page.picture(Path(folder) / "serve.png")
            await page.press("q")
            await page_until(page, CLOSED)
            await until(lambda: server.processes == 0, lambda: f"{server.processes} are left")
    finally:
        await server.end()


async def page_until(page: Page, what: str) -> None:
    give_up = time.monotonic() + 30
    while not await page.run(what):
        assert time.monotonic() < give_up, what
        await asyncio.sleep(0.1)


class Shown:
    """What the page's terminal was told to show: it draws that on a canvas."""

    def __init__(self, page: Page) -> None:
        self._page, self._screen = page, pyte.Screen(200, 60)
        self._stream = pyte.ByteStream(self._screen)

    async def until(self, text: str) -> None:
        give_up = time.monotonic() + 30
        while not any(text in line for line in self._screen.display):
            assert time.monotonic() < give_up, "\n".join([text, *self._screen.display])
            sent = await self._page.run("window.sent.splice(0).join('')")
            self._stream.feed(sent.encode("latin1"))
            await asyncio.sleep(0.1)
