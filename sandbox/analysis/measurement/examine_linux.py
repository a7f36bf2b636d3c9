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
from sandbox.util.cpus import usable_cpus


def examine(birth: Birth | None) -> list[Finding]:
    """Examine everything that only Linux has. ``birth``: the test run, which has begun; None: /proc is not mounted."""
    rooms = _begin_rooms()
    first = findings_of(_cpus, _load)
    freezer = cache(capabilities.freezer_obstacle)
    others = (_limits, lambda: _containment(freezer), rooms)
    if birth is None:
        found = _("not mounted: nothing is known about processes")
        return [*first, Finding("/proc", "fails", found, "mount -t proc proc /proc"), *findings_of(*others)]
    rest = findings_of(lambda: _freezer(freezer), _sensors, _holders, _hidden, *others)
    return [*first, *findings_of(lambda: _first_birth(birth)), *rest]


def _cpus() -> Iterator[Finding]:
    number, given = len(usable_cpus()), cpus.assign_cpus(1)
    if given.dedicated:
        found = _("{number}: cpu0 is the real CPU {mini}, the kernel process runs on {engine}")
        yield Finding(_("CPUs"), "ok", found.format(number=number, mini=given.mini[0], engine=given.engine))
    else:
        found = _(
            "1: shared by the programs and the kernel process; each switch waits for the stop (sequential recipe)"
        )
        yield Finding(_("CPUs"), "limited", found, _("give the container or virtual machine a second CPU"))


def _load() -> Iterator[Finding]:
    """Examine how busy the CPUs are."""
    number, load = len(usable_cpus()), os.getloadavg()[0]
    found = _("load average of {load} on {number} CPUs").format(load=f"{load:.1f}", number=number)
    if load < number:
        yield Finding(_("load"), "ok", found)
    else:
        advice = _(
            "real runs share their CPUs with other programs; the screen and the results tell for how long "
            "those had them"
        )
        yield Finding(_("load"), "limited", found, advice)


def _freezer(try_it: Callable[[], str | None]) -> Iterator[Finding]:
    obstacle = try_it()
    if obstacle is None:
        found = _("processes can be frozen by control groups, which shells and debuggers do not notice")
        yield Finding(_("freezer"), "ok", found)
    else:
        advice = _(
            "shells with job control, debuggers and others that watch their children will see our stops; "
            "available to root, or in a delegated control group: systemd-run --user --scope -p Delegate=yes "
            "ossandbox (in a container it needs a writable cgroup2)"
        )
        yield Finding(_("freezer"), "limited", obstacle, advice)


def _hidden() -> Iterator[Finding]:
    if not procfs.shows_others():
        advice = _("children are found nevertheless; ps shows only your own processes")
        yield Finding("/proc", "limited", _("hidepid hides the processes of others"), advice)


def _holders() -> Iterator[Finding]:
    """Examine whether the holders of locks can be read from processes."""
    obstacle = capabilities.reading_obstacle()
    if obstacle is None:
        yield Finding(_("waits"), "ok", _("holders of locks and other ends of pipes can be read"))
        return
    found = _("holders of locks and other ends of pipes cannot be read: {what}").format(what=obstacle)
    advice = _(
        "deadlocks are not found; Yama permits it if kernel.yama.ptrace_scope is 0 or 1, a container may "
        "need --security-opt seccomp=unconfined or --cap-add SYS_PTRACE"
    )
    yield Finding(_("waits"), "limited", found, advice)


def _first_birth(birth: Birth) -> Iterator[Finding]:
    """Report the test run: a kernel process, and a process that it schedules until its end."""
    faults, obstacle = birth.outcome()
    if obstacle is None:
        found = _("a process was started, stopped, continued and ended by signals")
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
    "perf": "the system's records of every switch: exact, and slices can be verified",
    "idle": "an idle task on each mini CPU tells when nothing else runs",
    "poll": "polls /proc/PID/stat, which is kept open",
    "psutil": "polls through psutil, portable",
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
        yield Finding("--strict", "ok", _("a pid namespace is available"))
    else:
        advice = _("--strict needs util-linux, and root or user namespaces")
        yield Finding("--strict", "limited", _("no pid namespace is available"), advice)
    yield Finding(_("guarantee"), "ok", _guarantee(strict, try_freezer() is None))


def _guarantee(strict: bool, freezes: bool) -> str:
    ends = _("killed at once by control groups") if freezes else _("stopped first, then killed")
    most = _("all three at once: use --strict") if strict else _("all three at once may leave daemons")
    says = _("no process is left if any two of the app, the kernel process and the keeper are killed ({ends}); {most}")
    return says.format(ends=ends, most=most)


def _privileges() -> Finding:
    advice = _("processes of another user could be neither stopped nor ended; --setuid permits them nevertheless")
    return Finding(_("privileges"), "limited", _("setuid programs such as sudo gain no privileges in a run"), advice)


def _memory() -> Iterator[Finding]:
    """Examine how limits of memory are enforced."""
    if cgroup.can_limit_memory():
        yield Finding(_("memory"), "ok", _("control groups enforce limits of memory"))
    else:
        advice = _("memory is polled 50 times a second, and processes above their limit are ended")
        yield Finding(_("memory"), "limited", _("no control group can limit memory"), advice)


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
        yield Finding(what, "ok", _("untrusted policies see only their own file, no other processes and no network"))
    elif fences.files and fences.calls:
        found = _("no namespaces; untrusted policies see only their own file, and cannot access other processes")
        yield Finding(what, "ok", found)
    else:
        advice = _("check only files of people whom you trust, or use a system with user namespaces")
        yield Finding(what, "limited", _("untrusted policies have limits, but can read your files"), advice)


def _first_number(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
