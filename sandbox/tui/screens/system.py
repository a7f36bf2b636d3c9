"""What the system knows of a process: threads, memory, open files."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from sandbox.i18n import Messages, _, ngettext
from sandbox.tui.format import fine, size

if TYPE_CHECKING:
    if sys.platform == "linux":
        from sandbox.machines.linux.procfs import Thread
    else:
        Thread = Any

#: What the system calls the states of its processes, as psutil writes them.
_STATES: Messages = {
    "running": "running",
    "sleeping": "sleeping",
    "disk-sleep": "disk-sleep",
    "stopped": "stopped",
    "tracing-stop": "tracing-stop",
    "zombie": "zombie",
    "idle": "idle",
}
#: What a process makes of signals, as far as it is not the usual.
_SIGNALS: Messages = {
    "pending": "pending: {signals}",
    "blocked": "blocked: {signals}",
    "ignored": "ignored: {signals}",
    "handled": "handled: {signals}",
}
#: The same of threads, by the letters that the system writes.
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
    """What a person may want to know, as far as the system tells; nothing of a process that is none of ours."""
    if os_pid is None:
        return []
    import psutil  # only once somebody looks: it would delay the first frame

    from sandbox.machines.linux import procfs

    if sys.platform != "linux":
        raise NotImplementedError

    try:
        process = psutil.Process(os_pid)
        if os.getpid() not in [parent.pid for parent in process.parents()]:
            return []  # its number counts in a pid namespace, and somebody else has it in ours
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
    """A line a thread: its tid, its state, its CPU time."""
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
    """The open descriptors and where they lead; several that lead to one place are named together."""
    from sandbox.machines.linux import procfs_files
    from sandbox.util.text import clean_line

    if sys.platform != "linux":
        raise NotImplementedError

    places: dict[str, list[str]] = {}
    for number, target in sorted(procfs_files.descriptors(os_pid)):
        places.setdefault(clean_line(target), []).append(str(number))
    shown = [f"{' '.join(numbers)} → {place}" for place, numbers in places.items()]
    return shown[:most] + [_("and {number} more").format(number=len(shown) - most)] * (len(shown) > most)


def _signals(os_pid: int) -> str:
    """Which signals wait to be delivered, and which the process blocks, ignores, or has handlers for."""
    from sandbox.machines.linux import procfs

    if sys.platform != "linux":
        raise NotImplementedError

    masks = procfs.signal_masks(os_pid)
    said = [
        _(template).format(signals=" ".join(map(_signal, sorted(masks[kind]))))
        for kind, template in _SIGNALS.items()
        if masks[kind]
    ]
    return "   ".join(said)


def _signal(number: int) -> str:
    """Its name without SIG; those that have none are real-time signals, of which libraries use the first ones."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return f"RT{number}"
