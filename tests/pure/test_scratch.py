"""What commands pass to their own processes needs no folder for files that do not last, wherever there are better ways."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import NoReturn

import pytest

from sandbox.util.paths import IN_MEMORY
from sandbox.util.scratch import unnamed_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files without a name lie in memory on Linux alone")


@pytest.fixture
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose file systems can only be read."""

    def refuse() -> NoReturn:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", refuse)


def kept() -> bytes:
    with unnamed_file() as file:
        file.write(b"told")
        file.seek(0)
        return file.read()


@pytest.mark.usefixtures("no_folder")
def test_it_lies_in_memory() -> None:
    assert kept() == b"told"


def test_where_that_is_forbidden_it_lies_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", refuse)
    assert kept() == b"told"


@pytest.mark.usefixtures("no_folder")
def test_copies_of_a_scenarios_folder_lie_in_memory_and_are_cleared_away() -> None:
    from sandbox.machines.linux.stepping import rooms

    place = rooms.new_place()
    assert os.path.dirname(place) == IN_MEMORY
    rooms.sweep()
