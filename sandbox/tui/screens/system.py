"""What the system knows of a process: threads, memory, signals, open files."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from sandbox.i18n import Messages, _, ngettext
from sandbox.tui.format import fine, size

if TYPE_CHECKING:
    from sandbox.machines.linux.procfs import Thread

#: States of processes, as psutil names them.
_STATES: Messages = {
    "running": "running",
    "sleeping": "sleeping",
    "disk-sleep": "disk-sleep",
    "stopped": "stopped",
    "tracing-stop": "tracing-stop",
    "zombie": "zombie",
    "idle": "idle",
}
#: Kinds of signals that are shown if there are any.
_SIGNALS: Messages = {
    "pending": "pending: {signals}",
    "blocked": "blocked: {signals}",
    "ignored": "ignored: {signals}",
    "handled": "handled: {signals}",
}
#: States of threads, by the letters of proc(5).
_THREAD_STATES: Messages = {
    "R": "running",
    "S": "sleeping",
    "D": "disk-sleep",
    "T": "stopped",
    "t": "tracing-stop",
    "Z": "zombie",
    "X": "zombie",
    "I": "idle",
}
_MAX_THREADS = 6


def system_facts(os_pid: int | None) -> list[tuple[str, str]]:
    """Return facts about a process as (name, value), as far as the system tells; none if it is no descendant of the
    app."""
    if os_pid is None:
        return []
    import psutil  # imported late, as it would delay the first frame

    from sandbox.machines.linux import procfs

    try:
        process = psutil.Process(os_pid)
        if os.getpid() not in [parent.pid for parent in process.parents()]:
            return []  # it is a number in a pid namespace, and here it belongs to another process
        with process.oneshot():
            memory = process.memory_info()
            shared = getattr(memory, "shared", 0)
            system = process.status()
    except psutil.Error:
        return []
    found = procfs.threads(os_pid)
    running = ngettext("{state}, {number} thread", "{state}, {number} threads", len(found))
    resident = _("{resident} resident, {shared} of it shared")
    facts = [
        (_("in the system"), running.format(state=_(_STATES.get(system, system)), number=len(found))),
        (_("threads"), _listed(found)),
        (_("memory"), resident.format(resident=size(memory.rss), shared=size(shared))),
    ]
    facts += [(_("signals"), said)] if (said := _signals(os_pid)) else []
    files = _open_files(os_pid)
    if files:
        facts.append((_("files"), ", ".join(files)))
    return facts


def _listed(found: list[Thread]) -> str:
    """Return a line for each thread: its tid, its state, its CPU time."""
    words = [_(_THREAD_STATES.get(thread.state, thread.state)) for thread in found]
    width = max(map(cell_len, words), default=0)
    line = _("tid {tid}  {state}  CPU {time}")
    lines = [
        line.format(tid=thread.tid, state=set_cell_size(word, width), time=fine(thread.cpu_ns))
        for thread, word in zip(found, words, strict=True)
    ]
    if len(lines) > _MAX_THREADS:
        lines[_MAX_THREADS - 1 :] = [_("and {number} more").format(number=len(lines) - _MAX_THREADS + 1)]
    return "\n".join(lines)


def _open_files(os_pid: int, most: int = 8) -> list[str]:
    """Return the open descriptors and what they refer to; descriptors for the same thing are listed together."""
    from sandbox.machines.linux import procfs_files
    from sandbox.util.text import clean_line

    places: dict[str, list[str]] = {}
    for number, target in sorted(procfs_files.descriptors(os_pid)):
        places.setdefault(clean_line(target), []).append(str(number))
    shown = [f"{' '.join(numbers)} → {place}" for place, numbers in places.items()]
    return shown[:most] + [_("and {number} more").format(number=len(shown) - most)] * (len(shown) > most)


def _signals(os_pid: int) -> str:
    """Return the signals that are pending, blocked, ignored, and handled."""
    from sandbox.machines.linux import procfs

    masks = procfs.signal_masks(os_pid)
    said = [
        _(template).format(signals=" ".join(map(_signal, sorted(masks[kind]))))
        for kind, template in _SIGNALS.items()
        if masks[kind]
    ]
    return "   ".join(said)


def _signal(number: int) -> str:
    """Return the signal's name without SIG. Signals without a name are real-time signals, the first of which libraries
    use."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return f"RT{number}"
