"""Examines what this machine can do, and says what to do about what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import nullcontext

from sandbox.analysis.measurement.finding import Finding, findings_of
from sandbox.i18n import _
from sandbox.util.units import MS

#: The port of the servers in lessons.
PORT = 9001


def examine() -> list[Finding]:
    """Examine everything. Nothing is changed, and nothing is left behind."""
    before, after = (_python, _system), (_port, _terminal)
    if sys.platform != "linux":
        return findings_of(*before, _signals, *after)
    from sandbox.analysis.measurement.birth import Birth
    from sandbox.machines.linux import procfs

    with Birth() if procfs.is_mounted() else nullcontext() as birth:  # it takes longest, so it is started first
        from sandbox.analysis.measurement import examine_linux

        return [*findings_of(*before), *examine_linux.examine(birth), *findings_of(*after)]


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} ({sys.executable})")


def _system() -> Iterator[Finding]:
    found = _("{system} on {processor}").format(
        system=f"{platform.system()} {platform.release()}", processor=platform.machine()
    )
    if sys.platform == "linux":
        yield Finding(_("system"), "ok", found)
    elif sys.platform != "win32":
        yield Finding(_("system"), "limited", found, _("some features of real processes are available on Linux only"))
    else:
        yield Finding(_("system"), "fails", found, _("real processes are scheduled on Linux only"))


def _signals() -> Iterator[Finding]:
    """Examine what scheduling by signals alone can do."""
    if sys.platform == "win32":
        return
    from sandbox.machines.posix import accounts, keeper

    guard = keeper.Keeper()
    try:
        knowledge = accounts.find_out(guard.os_pid)
    finally:
        guard.end()
    found = _("real processes can be scheduled by signals alone: --sensor psutil")
    advice = _(
        "without dedicated CPUs, reasons of waits, descendants, sockets and limits of memory; not tried on macOS"
    )
    yield Finding(_("signals"), "limited", found, advice)
    if knowledge.states:
        found = _("waits are detected by the state of processes, some milliseconds late")
    else:
        found = _("states of processes are unknown: one that has used no CPU for {time} ms counts as waiting")
    yield Finding("psutil", "limited", found.format(time=accounts.STILL_NS // MS))


def _port() -> Iterator[Finding]:
    what = _("port {number}").format(number=PORT)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError as error:
            advice = _('end the program that listens there, or give the server another port (listen = "127.0.0.1:0")')
            yield Finding(what, "limited", error.strerror or _("taken"), advice)
        else:
            yield Finding(what, "ok", _("free"))


def _terminal() -> Iterator[Finding]:
    encoding = (sys.stdout.encoding or "").lower()
    if encoding not in ("utf-8", "utf8"):
        advice = _("set LANG=C.UTF-8, or the app's characters cannot be shown")
        yield Finding(_("encoding"), "limited", encoding or _("unknown"), advice)
    if not sys.stdout.isatty():
        advice = _("the app needs a terminal; run and simulate do not")
        yield Finding(_("terminal"), "limited", _("stdout is not a terminal"), advice)
        return
    columns, lines = shutil.get_terminal_size()
    found = f"{os.environ.get('TERM') or _('unknown')}, {columns}×{lines}"
    if columns < 80 or lines < 24:
        yield Finding(_("terminal"), "limited", found, _("the app wants at least 80×24"))
    else:
        yield Finding(_("terminal"), "ok", found)
