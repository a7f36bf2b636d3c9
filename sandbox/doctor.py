"""What this machine can do for us, and what to do about what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from sandbox.link import can_be_strict
from sandbox.report import print_table

PORT = 9001


class Finding(NamedTuple):
    """One thing looked at. ``state``: ok; limited: it works, with less; fails: real processes cannot run."""

    name: str
    state: Literal["ok", "limited", "fails"]
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at everything. Nothing is changed, and nothing is left."""
    checks: list[Callable[[], Iterator[Finding]]] = [_python, _system]
    if sys.platform == "linux":
        checks += [_cpus, _linux, _limits, _containment]
    checks += [_port, _terminal]
    return [finding for check in checks for finding in check()]


def print_findings(findings: list[Finding]) -> None:
    """As a table, and what to do below it."""
    signs = {"ok": "✔ ok", "limited": "● limited", "fails": "✘ fails"}
    print_table(
        ["", "what", "found"], [[signs[finding.state], finding.name, finding.found] for finding in findings], {0, 1, 2}
    )
    advice = [finding for finding in findings if finding.advice]
    if advice:
        print("\nWhat to do:")
        for finding in advice:
            print(f"  {finding.name}: {finding.advice}")
    if any(finding.state == "fails" for finding in findings):
        print("\nReal processes cannot run here; ossandbox simulate can.")


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} ({sys.executable})")


def _system() -> Iterator[Finding]:
    found = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if sys.platform == "linux":
        yield Finding("system", "ok", found)
    else:
        yield Finding("system", "fails", found, "real processes are scheduled on Linux only")


def _cpus() -> Iterator[Finding]:
    from sandbox.machines.linux.places import choose

    number = len(os.sched_getaffinity(0))
    places = choose(1)
    if places.alone:
        found = f"{number}: cpu0 is the real CPU {places.mini[0]}, the engine keeps to {places.engine}"
        yield Finding("CPUs", "ok", found)
    else:
        found = "1: programs and engine share it; a switch waits for each stop (sequential recipe)"
        yield Finding("CPUs", "limited", found, "give the container or virtual machine a second CPU")


def _linux() -> Iterator[Finding]:
    from sandbox.machines.linux.probe import can_schedule, can_see_others

    problem = can_schedule()
    if problem is None:
        yield Finding("scheduling", "ok", "a child was born, stopped, continued and ended by signals")
    else:
        advice = "a container may need --security-opt seccomp=unconfined; Linux must be 5.4 or newer"
        yield Finding("scheduling", "fails", problem, advice)
    yield from _sensors()
    if not can_see_others():
        advice = "children are found all the same; ps shows only your own processes"
        yield Finding("/proc", "limited", "hidepid hides the processes of others", advice)


def _sensors() -> Iterator[Finding]:
    """Each sensor, best first; that a better one is missing costs accuracy and nothing else."""
    from sandbox.machines.linux.sensors import NAMES, obstacle

    for name in NAMES:
        if name == "auto":
            continue
        reason = obstacle(name, 1)
        if reason is None:
            yield Finding(f"sensor {name}", "ok", _SENSOR_NOTES[name])
        else:
            yield Finding(f"sensor {name}", "limited", reason, _SENSOR_ADVICE.get(name, ""))


_SENSOR_NOTES = {
    "perf": "the system's own record of every switch: exact, and slices can be verified",
    "idle": "an idle task on each mini CPU tells when nothing else runs",
    "poll": "kept-open /proc/PID/stat, asked again and again",
    "psutil": "portable, asked again and again",
}
_SENSOR_ADVICE = {
    "perf": "needs a second CPU, and: sysctl kernel.perf_event_paranoid=2 (in a container also a seccomp profile that "
    "permits perf_event_open)",
}


def _limits() -> Iterator[Finding]:
    import resource

    from sandbox.machines.linux.birth import DESCRIPTORS_EACH

    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    _, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    most = 10**6 if descriptors == resource.RLIM_INFINITY else descriptors // DESCRIPTORS_EACH
    state: Literal["ok", "limited"] = "ok" if most >= 1_000 else "limited"
    advice = "" if state == "ok" else "raise the hard limit: ulimit -Hn 8192"
    yield Finding("descriptors", state, f"at most {descriptors}: enough for {most} processes", advice)
    if processes != resource.RLIM_INFINITY:
        state = "ok" if processes >= 1_000 else "limited"
        advice = "" if state == "ok" else "raise the limit of processes: ulimit -u 4096"
        yield Finding("processes", state, f"at most {processes}", advice)
    consoles = _first_number("/proc/sys/kernel/pty/max")
    if consoles is not None:
        state = "ok" if consoles >= 1_000 else "limited"
        yield Finding("consoles", state, f"at most {consoles} pseudo-terminals")


def _containment() -> Iterator[Finding]:
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    where = "in a container" if os.path.exists("/.dockerenv") or os.environ.get("container") else "on the machine"  # noqa: SIM112 - systemd's name
    yield Finding("user", "ok", f"{who}, {where}")
    if can_be_strict():
        yield Finding("--strict", "ok", "a pid namespace of its own can be had")
    else:
        advice = "--strict needs util-linux, and root or user namespaces; without it all is the same but one case: "
        advice += "if the terminal's and the kernel process are killed at the same moment, daemons may live on"
        yield Finding("--strict", "limited", "no pid namespace can be had", advice)


def _port() -> Iterator[Finding]:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError as error:
            advice = 'end what listens there, or give the server another port (listen = "127.0.0.1:0")'
            yield Finding(f"port {PORT}", "limited", error.strerror or "taken", advice)
        else:
            yield Finding(f"port {PORT}", "ok", "free")


def _terminal() -> Iterator[Finding]:
    encoding = (sys.stdout.encoding or "").lower()
    if encoding not in ("utf-8", "utf8"):
        yield Finding(
            "encoding", "limited", encoding or "unknown", "set LANG=C.UTF-8, or the app's signs cannot be shown"
        )
    if not sys.stdout.isatty():
        yield Finding("terminal", "limited", "stdout is no terminal", "the app needs one; run and simulate do not")
        return
    columns, lines = shutil.get_terminal_size()
    found = f"{os.environ.get('TERM', 'unknown')}, {columns}×{lines}"
    if columns < 80 or lines < 24:
        yield Finding("terminal", "limited", found, "the app wants at least 80×24")
    else:
        yield Finding("terminal", "ok", found)


def _first_number(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
