"""The browser that pages are tried in."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

#: Whoever has installed it says so, and the tests that need it are never skipped (``.ci/run``).
_EXPECTED = "OSSANDBOX_BROWSER"

browser = pytest.mark.skipif(
    shutil.which("chromium") is None and _EXPECTED not in os.environ,
    reason="there is no chromium here (apt-get install chromium)",
)
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu")


class Page:
    """A page that is open in a browser, over the protocol of its developer tools."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._session: dict[str, str] = {}

    async def ask(self, method: str, **parameters: object) -> Any:
        """What comes of it."""
        number = next(self._numbers)
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": parameters, **self._session}))
        while True:
            answer = json.loads((await asyncio.wait_for(self._socket.receive(), 30)).data)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    async def open(self, url: str, width: int, height: int, before: str = "") -> None:
        """``before``: runs in the page before anything of its own."""
        target = await self.ask("Target.createTarget", url="about:blank", newWindow=True, width=width, height=height)
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        if before:
            await self.ask("Page.enable")
            await self.ask("Page.addScriptToEvaluateOnNewDocument", source=before)
        await self.ask("Page.navigate", url=url)

    async def run(self, program: str) -> Any:
        """The value of a piece of JavaScript."""
        found = await self.ask("Runtime.evaluate", expression=program, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def resize(self, width: int, height: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def press(self, key: str) -> None:
        """A key that types a character."""
        code = {"windowsVirtualKeyCode": ord(key.upper()), "code": "Space" if key == " " else f"Key{key.upper()}"}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=key, **code)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    async def picture(self, file: Path) -> None:
        found = await self.ask("Page.captureScreenshot")
        file.write_bytes(base64.b64decode(found["data"]))

    async def close(self) -> None:
        await self.ask("Page.close")


@asynccontextmanager
async def opened(url: str, folder: Path, width: int = 1366, height: int = 768, before: str = "") -> AsyncIterator[Page]:
    """A page in a browser of its own."""
    import aiohttp  # with the extra web

    command = ["chromium", *OPTIONS, "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            while not (found := re.search(rb"listening on (ws://\S+)", line := await process.stderr.readline())):
                assert line, "the browser has not begun"
        async with aiohttp.ClientSession() as client, client.ws_connect(found[1].decode(), max_msg_size=0) as socket:
            page = Page(socket)
            await page.open(url, width, height, before)
            yield page
    finally:
        process.terminate()
        await process.wait()
