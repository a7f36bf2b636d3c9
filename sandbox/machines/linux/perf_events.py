"""The system's own records of our processes on a CPU: every switch, fork, exec and exit, with its time.

It uses ``perf_event_open(2)`` with a software event that counts nothing and only keeps records. The event is opened on
this process and inherited by all descendants, so that one descriptor and one ring per CPU cover all of them. Because it
is about our own children, no privilege is needed if ``perf_event_paranoid`` is at most 2. Debian and Ubuntu set higher
values, and Docker forbids the call.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import fcntl
import mmap
import os
import select
import struct
from typing import Literal, NamedTuple

from sandbox.i18n import N_
from sandbox.util.libc import syscall

_NUMBER = {"x86_64": 298, "aarch64": 241, "riscv64": 241}.get(os.uname().machine)
_PERF_TYPE_SOFTWARE, _PERF_COUNT_SW_DUMMY = 1, 9
_SAMPLE_TID, _SAMPLE_TIME = 1 << 1, 1 << 2
_DISABLED = 1 << 0
_FLAGS = sum(
    1 << bit
    for bit in (
        1,  # inherit
        5,  # exclude_kernel: so that no permission is needed
        6,  # exclude_hv
        9,  # comm: new names of threads
        13,  # task: forks and exits
        14,  # watermark: wake the reader by bytes
        18,  # sample_id_all: pid and time on every record
        24,  # comm_exec: whether a new name comes from an exec
        25,  # use_clockid
        26,  # context_switch
    )
)
_IOC_ENABLE, _IOC_DISABLE = 0x2400, 0x2401
_CLOCK_MONOTONIC = 1
_FLAG_FD_CLOEXEC = 8
#: struct perf_event_attr as far as its clockid (PERF_ATTR_SIZE_VER3).
_ATTR = struct.Struct("=IIQQQQQIIQQQQIi")

_RECORD_LOST, _RECORD_COMM, _RECORD_EXIT, _RECORD_FORK, _RECORD_SWITCH = 2, 3, 4, 7, 14
_MISC_EXEC, _MISC_OUT, _MISC_PREEMPTED = 1 << 13, 1 << 13, 1 << 14
DATA_HEAD, DATA_TAIL = 1_024 // 8, 1_032 // 8  # struct perf_event_mmap_page, in words of 8 bytes
_WORD, _LOW = 8, 0xFFFFFFFF

#: 256 KiB have room for 10,000 switches. A user may lock 516 KiB per CPU, so a ring that wakes its reader with each
#: record has half of that.
_DATA_PAGES = 64
#: After how many bytes of records the reader is woken: each record, or half of a ring. A wake-up costs the recorded
#: program some microseconds.
EACH, MANY = 1, _DATA_PAGES * 2_048

What = Literal["on", "preempted", "left", "forked", "thread", "became", "named", "ended", "lost"]


class Record(NamedTuple):
    """What has happened to a thread at ``t_ns`` (CLOCK_MONOTONIC).

    ``what``: on: it came onto the CPU; preempted: it left the CPU but is runnable; left: it left the CPU and is not;
    forked: its process was forked by ``parent``; thread: it was started in its process; became: its process has
    executed the program ``name``; named: its name is ``name`` now; ended: it has exited (there is no record of its
    leaving the CPU); lost: the ring was full, and records are missing.
    """

    what: What
    os_pid: int
    thread: int
    t_ns: int
    parent: int = 0
    name: str = ""


#: Creates a record without calling a Python function: there are two records of switches in each slice.
_new = tuple.__new__
#: The kinds of switches by the first word of their records, which have three words.
_SWITCH = _RECORD_SWITCH | 3 * _WORD << 48
_SWITCHES: dict[int, What] = {
    _SWITCH: "on",
    _SWITCH | _MISC_OUT << 32: "left",
    _SWITCH | (_MISC_OUT | _MISC_PREEMPTED) << 32: "preempted",
}


class Ring:
    """Records of one real CPU. It has to be opened before the processes are forked that it records, in the same thread.

    ``wakes``: after how many bytes of new records the descriptor becomes readable; ``enabled``: whether it records from
    the beginning. Raises OSError if the system does not permit or support it.
    """

    def __init__(self, cpu: int, wakes: int = EACH, enabled: bool = True) -> None:
        if _NUMBER is None:
            raise OSError(0, N_("the number of perf_event_open is not known for this machine"))
        attributes = _ATTR.pack(
            _PERF_TYPE_SOFTWARE, _ATTR.size, _PERF_COUNT_SW_DUMMY, 0, _SAMPLE_TID | _SAMPLE_TIME, 0,
            _FLAGS | (0 if enabled else _DISABLED), wakes, 0, 0, 0, 0, 0, 0, _CLOCK_MONOTONIC,
        )  # fmt: skip
        self._fd = syscall(_NUMBER, ctypes.c_char_p(attributes), 0, cpu, -1, _FLAG_FD_CLOEXEC)
        pages = max(_DATA_PAGES // 2, 1) if wakes == EACH else _DATA_PAGES
        try:
            self._map = mmap.mmap(self._fd, (1 + pages) * mmap.PAGESIZE)
        except OSError:
            os.close(self._fd)
            raise
        self._ready = select.poll()
        self._ready.register(self._fd, select.POLLIN)
        self.page = memoryview(self._map)[: mmap.PAGESIZE].cast("Q")
        self._data = memoryview(self._map)[mmap.PAGESIZE :].cast("Q")
        self._size = len(self._data)

    def fileno(self) -> int:
        return self._fd

    def enable(self) -> None:
        """Start recording. This takes some 10 µs for each recorded thread."""
        fcntl.ioctl(self._fd, _IOC_ENABLE)

    def disable(self) -> None:
        """Stop recording. Unread records can still be read."""
        fcntl.ioctl(self._fd, _IOC_DISABLE)

    def clear(self) -> None:
        """Mark unread records as seen, so that only further ones make the descriptor readable."""
        self._ready.poll(0)

    @property
    def unread(self) -> bool:
        """Whether there are unread records."""
        return self.page[DATA_HEAD] != self.page[DATA_TAIL]

    def read(self) -> list[Record]:
        """Return the unread records, the oldest first."""
        head, tail = self.page[DATA_HEAD], self.page[DATA_TAIL]
        if head == tail:
            return []
        at, end = tail // _WORD, head // _WORD
        start = at % self._size
        words = self._data[start : start + end - at].tolist()
        if len(words) < end - at:  # the rest is at the beginning of the ring
            words += self._data[: end - at - len(words)].tolist()
        self.page[DATA_TAIL] = head
        return _records(words)

    def close(self) -> None:
        self.page.release()
        self._data.release()
        self._map.close()
        os.close(self._fd)


def _records(words: list[int]) -> list[Record]:
    """Decode the words of the ring. Each record begins with its type (32 bits), flags and size in bytes (16 bits
    each)."""
    records: list[Record] = []
    at = 0
    while at < len(words):
        head = words[at]
        if (what := _SWITCHES.get(head)) is not None:  # pid and tid, time
            task = words[at + 1]
            records.append(_new(Record, (what, task & _LOW, task >> 32, words[at + 2], 0, "")))
            at += 3
            continue
        kind, flags, size = head & _LOW, head >> 32 & 0xFFFF, head >> 48
        if kind in (_RECORD_FORK, _RECORD_EXIT):  # pid and parent's pid, tid and parent's tid, time
            os_pid, parent, thread = words[at + 1] & _LOW, words[at + 1] >> 32, words[at + 2] & _LOW
            new: What = "thread" if os_pid == parent else "forked"
            records.append(Record("ended" if kind == _RECORD_EXIT else new, os_pid, thread, words[at + 3], parent))
        elif kind == _RECORD_COMM:  # pid and tid, the name with zeros, and again pid and tid, then the time
            task, *name, _, t_ns = words[at + 1 : at + size // _WORD]
            called: What = "became" if flags & _MISC_EXEC else "named"
            records.append(Record(called, task & _LOW, task >> 32, t_ns, name=_text(name)))
        elif kind == _RECORD_LOST:
            records.append(Record("lost", 0, 0, 0))
        at += size // _WORD or 1
    return records


def _text(words: list[int]) -> str:
    """Decode a text that is padded with zeros."""
    data = b"".join(word.to_bytes(_WORD, sys.byteorder) for word in words)
    return data.partition(b"\0")[0].decode(errors="replace")
