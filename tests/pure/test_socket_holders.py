"""Which processes have which sockets: asked once each, and no oftener than is needed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator

import pytest

from sandbox.machines.linux.net import holders as module
from sandbox.machines.linux.net.holders import SocketHolders
from sandbox.machines.linux.process.child import Child, Mode


class Fake:
    """A process as far as its descriptors go."""

    mode = Mode.BLOCKED

    def __init__(self, pid: int, *inodes: int) -> None:
        self.pid = self.os_pid = pid
        self.inodes = [*inodes]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What was read of whom: os_pid and descriptor."""
    log: list[tuple[int, int]] = []

    def descriptors(os_pid: int, known: Iterable[int] = ()) -> Iterator[tuple[int, str]]:
        for descriptor, inode in enumerate(FAMILY[os_pid].inodes):
            if descriptor not in known:
                log.append((os_pid, descriptor))
            yield descriptor, "" if descriptor in known else f"socket:[{inode}]" if inode else "pipe:[1]"

    monkeypatch.setattr(module, "descriptors", descriptors)
    return log


FAMILY: dict[int, Fake] = {}


def family(*processes: Fake) -> list[Child]:
    FAMILY.clear()
    FAMILY.update({each.os_pid: each for each in processes})
    return list(processes)  # type: ignore[arg-type]


def run(pieces: Iterator[None]) -> int:
    return sum(1 for _ in pieces)


def test_one_map_however_many_share_a_socket(read: list[tuple[int, int]]) -> None:
    workers = family(*(Fake(pid, 0, 7, 100 + pid) for pid in range(1, 51)))
    holders = SocketHolders(set())
    for each in workers:
        holders.add(each)
    run(holders.ask_new())
    assert [child.pid for child in holders.of(7)] == list(range(1, 51))
    assert [child.pid for child in holders.of(109)] == [9]
    assert len(read) == 150, "each descriptor once"
    assert len(holders.changed) == 51


def test_who_is_likely_to_have_it_is_asked_first_and_then_nobody_else(read: list[tuple[int, int]]) -> None:
    processes = family(*(Fake(pid, 0) for pid in range(1, 10)))
    holders = SocketHolders(set())
    for each in processes:
        holders.add(each)
    run(holders.ask_new())
    read.clear()
    FAMILY[5].inodes.append(55)
    run(holders.find({55}, [processes[3], processes[4], processes[5]], all_of_them=False))
    assert {os_pid for os_pid, _ in read} == {4, 5}
    run(holders.find({999}, [], all_of_them=False))
    assert {os_pid for os_pid, _ in read} == set(range(1, 10)), "nobody has this one"


def test_what_leads_to_an_open_socket_is_read_once_until_it_is_asked_by_turns(read: list[tuple[int, int]]) -> None:
    [process] = family(Fake(1, 0, *range(10, 20)))
    still_open = set(range(10, 20))
    holders = SocketHolders(still_open)
    holders.add(process)
    run(holders.ask_new())
    read.clear()
    still_open.discard(12)
    FAMILY[1].inodes[3:] = [99, *range(13, 20), 77]  # descriptor 3 is another socket by now, and there is one more
    run(holders.find({99, 77}, [], all_of_them=False))
    assert read == [(1, 0), (1, 3), (1, 11)]
    assert 12 not in holders
    assert {99, 77} <= holders.changed
    FAMILY[1].inodes[5] = 1_000  # handed to somebody else, and the number used again, while it is open
    read.clear()
    run(holders.ask_next())
    assert len(read) == 12
    assert 1_000 in holders


def test_who_has_ended_has_let_go(read: list[tuple[int, int]]) -> None:
    first, second = family(Fake(1, 7), Fake(2, 7, 8))
    holders = SocketHolders(set())
    holders.add(first)
    holders.add(second)
    run(holders.ask_new())
    holders.changed.clear()
    second.mode = Mode.ENDED
    assert [child.pid for child in holders.of(7)] == [1]
    holders.sweep()
    assert 8 not in holders
    assert holders.changed == {7, 8}
    run(holders.ask_next())
    assert run(holders.find({8}, [second], all_of_them=True)) == 0


def test_thousands_of_descriptors_are_read_in_pieces(read: list[tuple[int, int]]) -> None:
    [process] = family(Fake(1, *range(1_000, 4_000)))
    holders = SocketHolders(set())
    holders.add(process)
    assert run(holders.ask_new()) == 3_000 * 4 // 400
    assert len(read) == 3_000


def test_the_system_s_own_descriptors() -> None:
    holders = SocketHolders(set())
    with socket.socket() as one:
        [me] = family(Fake(os.getpid()))
        holders.add(me)
        run(holders.ask_new())
        assert holders.of(os.fstat(one.fileno()).st_ino) == [me]
