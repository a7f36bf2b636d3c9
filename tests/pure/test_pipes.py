"""The pipes of a child can be waited for, on systems that wait for sockets alone as well."""

from __future__ import annotations

import subprocess
import sys
from select import select
from types import SimpleNamespace

import pytest

from sandbox.link.pipes import Sink, Source
from tests.support.systems import unix

#: More than any pipe holds.
MUCH = bytes(range(256)) * 4_096
ECHO = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"


@pytest.mark.parametrize("platform", [pytest.param("linux", marks=unix), "win32"])
def test_all_that_goes_in_comes_out(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("sandbox.link.pipes.sys", SimpleNamespace(platform=platform))
    command = [sys.executable, "-S", "-c", ECHO]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        sink, source = Sink(child.stdin), Source(child.stdout, blocks=False)
        unsent, come = bytearray(MUCH), bytearray()
        while True:
            try:
                while unsent:
                    del unsent[: sink.write(unsent)]
                sink.close()
            except BlockingIOError:
                pass
            select([source], [sink] if unsent else [], [], 20)
            try:
                if not (data := source.read(1 << 16)):
                    break
            except BlockingIOError:
                continue
            come += data
        source.close()
        assert child.wait(20) == 0
    assert come == MUCH
