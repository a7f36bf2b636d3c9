"""What the system knows of a process: threads, memory, open files."""

from __future__ import annotations

import os

from sandbox.language import Messages, _, ngettext

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


def system_facts(os_pid: int | None) -> list[tuple[str, str]]:
    """What a person may want to know, as far as the system tells; nothing of a process that is none of ours."""
    if os_pid is None:
        return []
    import psutil  # only once somebody looks: it would delay the first frame

    try:
        process = psutil.Process(os_pid)
        if os.getpid() not in [parent.pid for parent in process.parents()]:
            return []  # its number counts in a pid namespace, and somebody else has it in ours
        with process.oneshot():
            threads = process.num_threads()
            memory = process.memory_info()
            shared = getattr(memory, "shared", 0)
            system = process.status()
    except psutil.Error:
        return []
    running = ngettext("{state}, {number} thread", "{state}, {number} threads", threads)
    resident = _("{resident} resident, {shared} of it shared")
    facts = [
        (_("in the system"), running.format(state=_(_STATES.get(system, system)), number=threads)),
        (_("memory"), resident.format(resident=_mebibytes(memory.rss), shared=_mebibytes(shared))),
    ]
    descriptors = _descriptors(os_pid)
    if descriptors:
        facts.append((_("files"), ", ".join(descriptors)))
    return facts


def _descriptors(os_pid: int, most: int = 8) -> list[str]:
    """The open descriptors and where they lead; several that lead to one place are named together."""
    from sandbox.text import clean_line

    folder = f"/proc/{os_pid}/fd"
    places: dict[str, list[str]] = {}
    try:
        for number in sorted(os.listdir(folder), key=int):
            places.setdefault(clean_line(os.readlink(f"{folder}/{number}")), []).append(number)
    except OSError:
        pass  # it has closed one, or has ended
    shown = [f"{' '.join(numbers)} → {place}" for place, numbers in places.items()]
    return shown[:most] + [_("and {number} more").format(number=len(shown) - most)] * (len(shown) > most)


def _mebibytes(number: int) -> str:
    return f"{number / 2**20:.1f} MiB"
