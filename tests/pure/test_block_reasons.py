"""What a thread waits for, told from the number of its call, from the memory at a futex, and from a channel's name."""

from __future__ import annotations

import struct
from collections import Counter
from itertools import chain

import pytest

from sandbox import wording
from sandbox.machines.linux.blocking import block_reason, channels, system_calls
from sandbox.machines.linux.blocking.channels import by_channel
from sandbox.machines.linux.blocking.futexes import recognise
from sandbox.model.events import Clause
from sandbox.wording import waits

#: Of calls whose arguments tell more; all others are rules.
_ASKED = {
    *(
        "read",
        "write",
        "close",
        "splice",
        "tee",
        "sendfile",
        "copy_file_range",
        "openat",
        "openat2",
        "creat",
        "nanosleep",
    ),
    *("clock_nanosleep", "ppoll", "select", "pselect", "epoll", "epoll_pwait2", "wait4", "waitid"),
    *("futexes", "restart_syscall"),
}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_call_is_two_things(machine: str) -> None:
    column = {"x86_64": 0, "aarch64": 1}[machine]
    numbers = Counter(chain.from_iterable(columns[column] for columns in system_calls._NUMBERS.values()))
    allowed = {435} if machine == "aarch64" else set()  # clone3
    assert {number for number, times in numbers.items() if times > 1} <= allowed


@pytest.mark.parametrize(
    ("number", "call"),
    [
        (0, "read"),
        (35, "nanosleep"),
        (202, "futex"),
        (449, "futexes"),
        (441, "epoll_pwait2"),
        (275, "splice"),
        (9, "memory"),
        (231, "end"),
    ],
)
def test_a_call_by_its_number(number: int, call: str) -> None:
    assert system_calls.table("x86_64")[number] == call


def test_other_machines_have_other_numbers_and_some_are_not_known() -> None:
    assert system_calls.table("aarch64")[115] == "clock_nanosleep"
    assert system_calls.table("sparc64") == {}


def test_each_rule_has_words() -> None:
    rules = {*system_calls._NUMBERS} - _ASKED | {*channels._RULES} | {*block_reason._FOR_THREADS}
    for rule in rules:
        assert rule in waits._CAUSES, rule


@pytest.mark.parametrize(
    ("code", "machine", "number"),
    [
        (b"\x90\xb8\xe6\x00\x00\x00\x0f\x05", "x86_64", 230),
        (b"\x90\x90\x90\x90\x90\x90\x0f\x05", "x86_64", None),
        (struct.pack("<II", 0xD2800008 | 115 << 5, 0xD4000001), "aarch64", 115),
        (b"", "x86_64", None),
        (b"\x90\xb8\xe6\x00\x00\x00\x0f\x05", "sparc64", None),
    ],
)
def test_the_call_that_goes_on_stands_in_the_code(code: bytes, machine: str, number: int | None) -> None:
    assert system_calls._loaded_number(code, machine) == number


@pytest.mark.parametrize(
    ("channel", "rule"),
    [
        ("hrtimer_nanosleep", "sleep"),
        ("anon_pipe_read", "read pipe"),
        ("futex_wait_queue", "futex"),
        ("folio_wait_bit_common", "disk"),
        ("ptrace_stop", "traced"),
        ("do_syscall_64", "waiting"),
        ("", "waiting"),
    ],
)
def test_a_channel_by_its_name(channel: str, rule: str) -> None:
    assert by_channel(channel) == Clause(rule)


def around(*, before: bytes = b"", word: int = 0, after: bytes = b"") -> bytes:
    """The memory at a futex: 48 bytes, the word, 12 bytes."""
    return before.rjust(48, b"\0") + struct.pack("=I", word) + after.ljust(12, b"\0")


#: A page boundary: divisible by 8.
_AT = 0x7000
#: What often stands on a heap.
_ADDRESSES = struct.pack("=QQQQQ", 0x5692_3842_2510, 1, 0x7F8A_9AA5_5F20, 2, 0x5692_3844_4430)


@pytest.mark.parametrize(
    ("memory", "address", "by_bitset", "value", "rule"),
    [
        (around(after=struct.pack("=II", 1, 128)), _AT, True, 0, "semaphore"),
        (around(after=struct.pack("=II", 0, 128)), _AT, True, 0, "futex"),
        (around(before=_ADDRESSES, after=struct.pack("=II", 1, 0)), _AT, True, 0, "semaphore"),
        (around(before=struct.pack("=QQ20xI", 2, 0, 1 << 3)), _AT, True, 0, "condition"),
        (around(before=struct.pack("=QQ12xI", 2, 0, 1 << 3)), _AT, True, 0, "condition"),
        (around(before=struct.pack("=QQ20xI", 2, 0, 3 << 3)), _AT, True, 0, "futex"),
        (around(before=struct.pack("=I", 2), word=0, after=struct.pack("=II", 5, 0)), _AT + 4, False, 0, "barrier"),
        (around(before=struct.pack("=I", 2), word=0, after=struct.pack("=II", 1, 0)), _AT + 4, False, 0, "futex"),
        (around(), _AT, True, 3, "mutex"),
        (around(), _AT, True, 0, "futex"),
        (b"", _AT, True, 0, "futex"),
    ],
)
def test_a_futex_by_what_stands_there(memory: bytes, address: int, by_bitset: bool, value: int, rule: str) -> None:
    assert recognise(memory, address, by_bitset, value) == rule


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        (Clause("join", {"tid": 7}), "wait for thread 7"),
        (Clause("join", {"tid": 7, "cause": "recv", "at": "127.0.0.1:9"}), "wait for thread 7: recv ← 127.0.0.1:9"),
        (Clause("mutex", {"tid": 7, "cause": "sleep", "for_ns": 2_000_000}), "lock; its thread 7: sleep 2 ms"),
        (Clause("stopped", {"signal": "SIGTSTP"}), "stopped by its shell"),
        (Clause("stopped", {"signal": "SIGSTOP"}), "stopped by SIGSTOP"),
        (Clause("open fifo"), "nobody at the other end of the pipe"),
        (Clause("open fifo", {"path": "it", "for": "writing"}), "open pipe it for writing → nobody"),
        (Clause("timer"), "timer"),
        (Clause("call", {"number": 999}), "system call 999"),
        (Clause("futex", {"name": "old"}), "lock or condition"),
    ],
)
def test_causes_in_words(clause: Clause, said: str) -> None:
    assert wording.cause(clause) == said
