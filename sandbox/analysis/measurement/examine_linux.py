"""Examines whether and how well real processes can be scheduled on Linux."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from subprocess import SubprocessError
from typing import Literal

from sandbox import wording
from sandbox.analysis.measurement.birth import Birth
from sandbox.analysis.measurement.finding import Check, Finding, findings_of
from sandbox.i18n import Messages, _
from sandbox.link.namespace import can_be_strict
from sandbox.machines.linux import capabilities, cgroup, cpus, procfs, room
from sandbox.machines.linux.blocking import sensors
from sandbox.machines.linux.process import limits


def examine() -> list[Finding]:
    """Examine everything that only Linux has."""
    rooms = _begin_rooms()
    first = findings_of(_cpus, _load)
    freezer = cache(capabilities.freezer_obstacle)
    others = (_limits, lambda: _containment(freezer), rooms)
    if not procfs.is_mounted():
        found = _("not there: nothing can be known of processes")
        return [*first, Finding("/proc", "fails", found, "mount -t proc proc /proc"), *findings_of(*others)]
    with Birth() as birth:
        rest = findings_of(lambda: _freezer(freezer), _sensors, _holders, _hidden, *others)
        return [*first, *findings_of(lambda: _first_birth(birth)), *rest]


def _cpus() -> Iterator[Finding]:
    number, given = len(os.sched_getaffinity(0)), cpus.assign_cpus(1)
    if given.dedicated:
        found = _("{number}: cpu0 is the real CPU {mini}, the engine keeps to {engine}")
        yield Finding(_("CPUs"), "ok", found.format(number=number, mini=given.mini[0], engine=given.engine))
    else:
        found = _("1: programs and engine share it; a switch waits for each stop (sequential recipe)")
        yield Finding(_("CPUs"), "limited", found, _("give the container or virtual machine a second CPU"))


def _load() -> Iterator[Finding]:
    """Examine how busy the CPUs are."""
    number, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    found = _("{load} of {number} CPUs were wanted in the last minute").format(load=f"{load:.1f}", number=number)
    if load < number:
        yield Finding(_("load"), "ok", found)
    else:
        advice = _("real runs share their CPU with others: the screen and the results tell for how long those had it")
        yield Finding(_("load"), "limited", found, advice)


def _freezer(try_it: Callable[[], str | None]) -> Iterator[Finding]:
    obstacle = try_it()
    if obstacle is None:
        found = _("a child was frozen by its control group: shells, debuggers and others notice nothing")
        yield Finding(_("freezer"), "ok", found)
    else:
        advice = _(
            "shells with job control, debuggers and whatever else watches its children will see our stops; to be had "
            "by root, or in a control group of one's own: systemd-run --user --scope -p Delegate=yes ossandbox (in a "
            "container it needs a cgroup2 that may be written)"
        )
        yield Finding(_("freezer"), "limited", obstacle, advice)


def _hidden() -> Iterator[Finding]:
    if not procfs.shows_others():
        advice = _("children are found all the same; ps shows only your own processes")
        yield Finding("/proc", "limited", _("hidepid hides the processes of others"), advice)


def _holders() -> Iterator[Finding]:
    """Examine whether the holders of locks can be read from processes."""
    obstacle = capabilities.reading_obstacle()
    if obstacle is None:
        yield Finding(_("waits"), "ok", _("who holds what others wait for can be read, of all processes of a run"))
        return
    found = _("who holds what others wait for cannot be read: {what}").format(what=obstacle)
    advice = _(
        "deadlocks are not found; Yama lets ancestors read where kernel.yama.ptrace_scope is 0 or 1, a container may "
        "need --security-opt seccomp=unconfined or --cap-add SYS_PTRACE"
    )
    yield Finding(_("waits"), "limited", found, advice)


def _first_birth(birth: Birth) -> Iterator[Finding]:
    """Report the test run: a kernel process, and a process that it schedules until its end."""
    faults, obstacle = birth.outcome()
    if obstacle is None:
        found = _("a child was born, stopped, continued and ended by signals")
        yield Finding(_("scheduling"), "ok", found)
    else:
        advice = _("a container may need --security-opt seccomp=unconfined; Linux must be 5.4 or newer")
        yield Finding(_("scheduling"), "fails", obstacle, advice)
    for fault in faults:
        yield Finding(_("done without"), "limited", wording.fault(fault))


def _sensors() -> Iterator[Finding]:
    """Examine each sensor, the best first. A missing one only costs accuracy."""
    for name in sensors.NAMES:
        if name == "auto":
            continue
        reason = sensors.obstacle(name, 1)
        what = _("sensor {name}").format(name=name)
        if reason is None:
            yield Finding(what, "ok", _(_SENSOR_NOTES[name]))
        else:
            yield Finding(what, "limited", _(reason), _(_SENSOR_ADVICE.get(name, "")))


_SENSOR_NOTES: Messages = {
    "perf": "the system's own record of every switch: exact, and slices can be verified",
    "idle": "an idle task on each mini CPU tells when nothing else runs",
    "poll": "kept-open /proc/PID/stat, asked again and again",
    "psutil": "portable, asked again and again",
}
_SENSOR_ADVICE: Messages = {
    "perf": "needs a second CPU, and: sysctl kernel.perf_event_paranoid=2 (in a container also a seccomp profile that "
    "permits perf_event_open)",
}


def _limits() -> Iterator[Finding]:
    descriptors, processes = (resource.getrlimit(what)[1] for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    most = 10**6 if descriptors == resource.RLIM_INFINITY else descriptors // limits.DESCRIPTORS_EACH
    state: Literal["ok", "limited"] = "ok" if most >= 1_000 else "limited"
    advice = "" if state == "ok" else _("raise the hard limit: ulimit -Hn 8192")
    found = _("at most {descriptors}: enough for {processes} processes").format(descriptors=descriptors, processes=most)
    yield Finding(_("descriptors"), state, found, advice)
    if processes != resource.RLIM_INFINITY:
        state = "ok" if processes >= 1_000 else "limited"
        advice = "" if state == "ok" else _("raise the limit of processes: ulimit -u 4096")
        yield Finding(_("processes"), state, _("at most {number}").format(number=processes), advice)
    consoles = _first_number("/proc/sys/kernel/pty/max")
    if consoles is not None:
        state = "ok" if consoles >= 1_000 else "limited"
        found = _("at most {number} pseudo-terminals").format(number=consoles)
        yield Finding(_("consoles"), state, found)


def _containment(try_freezer: Callable[[], str | None]) -> Iterator[Finding]:
    who = "root" if os.geteuid() == 0 else _("an ordinary user")
    contained = os.path.exists("/.dockerenv") or "container" in os.environ  # the variable is set by systemd
    found = _("{who}, in a container") if contained else _("{who}, on the machine")
    yield Finding(_("user"), "ok", found.format(who=who))
    if os.geteuid() != 0:
        yield _privileges()
    yield from _memory()
    strict = can_be_strict()
    if strict:
        yield Finding("--strict", "ok", _("a pid namespace of its own can be had"))
    else:
        advice = _("--strict needs util-linux, and root or user namespaces")
        yield Finding("--strict", "limited", _("no pid namespace can be had"), advice)
    yield Finding(_("guarantee"), "ok", _guarantee(strict, try_freezer() is None))


def _guarantee(strict: bool, freezes: bool) -> str:
    ends = _("killed at once by their control group") if freezes else _("stopped first, then killed")
    most = _("all three at once: with --strict") if strict else _("all three at once may leave daemons")
    says = _("nothing is left, whichever two of terminal, kernel process and keeper die ({ends}); {most}")
    return says.format(ends=ends, most=most)


def _privileges() -> Finding:
    advice = _("what runs under another user can neither be stopped nor ended by us; --setuid permits it all the same")
    return Finding(_("privileges"), "limited", _("sudo, su and other setuid programs gain none in a run"), advice)


def _memory() -> Iterator[Finding]:
    """Examine how limits of memory are enforced."""
    if cgroup.can_limit_memory():
        yield Finding(_("memory"), "ok", _("a control group keeps the limits of memory"))
    else:
        advice = _("we look fifty times a second, and end what has more than it may")
        yield Finding(_("memory"), "limited", _("no control group can limit it"), advice)


def _begin_rooms() -> Check:
    """Start the test of a room for untrusted code. Returns the check that waits for the result."""
    try:
        begun = room.Probe()
    except OSError:
        return lambda: _rooms(None)
    return lambda: _rooms(begun)


def _rooms(probe: room.Probe | None) -> Iterator[Finding]:
    """Examine how well untrusted policies are isolated."""
    fences = room.Fences(False, False, False)
    if probe is not None:
        with suppress(OSError, TypeError, SubprocessError):
            fences = probe.fences()
    what = "check"
    if fences == room.Fences(True, True, True):
        yield Finding(what, "ok", _("strangers' policies see no process, no network and no file but their own"))
    elif fences.files and fences.calls:
        found = _("no namespaces; strangers' policies see no file but their own, and cannot touch other processes")
        yield Finding(what, "ok", found)
    else:
        advice = _("examine only files of people whom you trust, or on a system with user namespaces")
        yield Finding(what, "limited", _("strangers' policies have limits, but can read your files"), advice)


def _first_number(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
