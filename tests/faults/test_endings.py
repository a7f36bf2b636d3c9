"""How processes end: whether they like it or not, in families, by the thousand, and while others hold their console."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from sandbox.machines.life import GRACE_NS
from sandbox.machines.linux.process.reaper import Reaper
from sandbox.machines.linux.procfs import withstands
from sandbox.model.commands import Kill, Pause, Quit
from sandbox.model.events import Admitted, Dispatched, Exited, Fault, Operator, Wrote
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.procs import children, descendants, fields, gone, os_pids, scheduled, state
from tests.support.real import Watch, run_real, watch
from tests.support.run import until
from tests.support.scenarios import command, process, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

STUBBORN = ("sh", "-c", "trap '' TERM; while :; do :; done")
BLOCKING = quick_python(
    "import signal", "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})", "while True: pass"
)


def wait_until_it_withstands(run: Watch, name: str) -> int:
    """The os_pid of a process, once a SIGTERM is not its end any more."""
    os_pid = run.os_pid(name)
    run.until(lambda: withstands(os_pid, signal.SIGTERM), f"{name} withstands a SIGTERM")
    return os_pid


@pytest.mark.patient
def test_f10_a_child_that_ignores_sigterm_and_one_that_blocks_it() -> None:
    world = scenario(
        command("ignores", *STUBBORN), command("blocks", *BLOCKING), process("hog", "cpu 60s"), quantum_ns=5 * MS
    )
    with watch(world) as run:
        for name in ("ignores", "blocks"):
            wait_until_it_withstands(run, name)
            run.link.send(Kill(name))
        asked = run.until(lambda: [e for e in run.all(Operator) if e.did.rule == "killed"], "the kill is told")
        for name in ("ignores", "blocks"):
            end = run.ended(name)
            assert end.signal == signal.SIGKILL
            assert end.t_ns - asked[0].t_ns >= 0.9 * GRACE_NS, "it had its grace"
            meanwhile = [event for event in run.all(Dispatched, "hog") if asked[0].t_ns < event.t_ns < end.t_ns]
            assert len(meanwhile) > 20, "the others went on meanwhile"
        assert run.all(Fault) == [], "nobody was let run out of turn"


@pytest.mark.patient
def test_f10_it_is_gone_after_the_grace_in_a_pause_too() -> None:
    with watch(scenario(command("stubborn", *STUBBORN), process("hog", "cpu 60s"), quantum_ns=5 * MS)) as run:
        os_pid = wait_until_it_withstands(run, "stubborn")
        run.link.send(Pause())
        run.until(lambda: state(os_pid) == "T", "it is stopped")
        run.link.send(Kill("stubborn"))
        assert run.ended("stubborn").signal == signal.SIGKILL
        assert state(run.os_pid("hog")) == "T"


def test_f10_a_stopped_one_with_a_handler_may_run_it(tmp_path: Path) -> None:
    polite = quick_python(
        "import signal, sys",
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))",
        "print('ready', flush=True)",
        "while True: pass",
    )
    with watch(scenario(command("polite", *polite), process("hog", "cpu 60s"), quantum_ns=20 * MS)) as run:
        run.until(lambda: "ready" in run.wrote("polite"), "its handler is in place")
        run.until(lambda: state(run.os_pid("polite")) == "T", "it is stopped")
        run.link.send(Kill("polite"))
        assert run.ended("polite").code == 5


FAMILY = quick_python(
    "import os, time",
    "def says(role):",
    "    print(role, os.getpid(), flush=True)",
    "def nap():",
    "    time.sleep(60)",
    "    os._exit(0)",
    "if os.fork() == 0:",
    "    says('child')",
    "    if os.fork() == 0:",
    "        says('grandchild')",
    "        nap()",
    "    nap()",
    "if os.fork() == 0:",
    "    os.setsid()",
    "    says('session')",
    "    nap()",
    "if os.fork() == 0:",
    "    os.setsid()",
    "    if os.fork() == 0:",
    "        says('daemon')",
    "        nap()",
    "    os._exit(0)",
    "nap()",
)
ROLES = ("child", "grandchild", "session", "daemon")


def roles_in(run: Watch) -> dict[str, int]:
    """The os_pids of the family's members by role, once all have said who they are; else none."""
    words = run.wrote("family").split()
    found = dict(zip(words[::2], map(int, words[1::2]), strict=False))
    return found if set(found) == set(ROLES) else {}


@pytest.mark.parametrize("policy", ["rr", "fcfs"])
def test_f11_a_family_of_four_kinds_is_adopted_and_ended(policy: str) -> None:
    with watch(scenario(command("family", *FAMILY), process("hog", "cpu 200ms"), policy=policy)) as run:
        roles = run.until(lambda: roles_in(run), "all have said who they are")
        births = run.until(
            lambda: (
                found
                if set(roles.values()) <= set(found := {event.os_pid: event for event in run.all(Admitted)})
                else {}
            ),
            "all are adopted",
        )
        pids = {role: births[os_pid].pid for role, os_pid in roles.items()}
        parents = {role: births[os_pid].parent for role, os_pid in roles.items()}
        family = run.admitted("family").pid
        assert parents["child"] == parents["session"] == family
        assert parents["grandchild"] == pids["child"]
        # Its parent may have been gone before it was found, and it leads no session that we know.
        forked_by_family = {event.pid for event in run.all(Admitted) if event.parent == family}
        assert parents["daemon"] in {None, *forked_by_family - set(pids.values())}
        scheduled = {event.pid for event in run.all(Dispatched)}
        run.until(
            lambda: set(pids.values()) <= {event.pid for event in run.all(Dispatched)}, f"all are scheduled {scheduled}"
        )
        run.link.send(Quit())
        run.finish()
        assert gone(*roles.values())


def test_f11_killing_the_first_leaves_the_others_on_the_board() -> None:
    with watch(scenario(command("family", *FAMILY))) as run:
        members = run.until(lambda: roles_in(run), "all have said who they are").values()

        def orphans() -> list[int]:
            found = [event.pid for event in run.all(Admitted) if event.os_pid in members]
            return found if len(found) == len(ROLES) else []

        pids = run.until(orphans, "all are adopted")
        run.link.send(Kill("family"))
        run.ended("family")
        for pid in pids:
            assert pid not in {event.pid for event in run.all(Exited)}, "it lives on"
            run.link.send(Kill(str(pid)))
            end = run.until(
                lambda pid=pid: [event for event in run.all(Exited) if event.pid == pid],  # type: ignore[misc]
                "the orphan is ended",
            )
            assert end[0].signal == signal.SIGTERM
        until(lambda: not scheduled(descendants(run.link.os_pid)), "nobody is left below the kernel process")


@pytest.mark.patient
def test_f16_two_hundred_children_that_exit_with_7() -> None:
    events = run_real(scenario(command("seven", "sh", "-c", "exit 7", count=1), *sevens(199)))
    codes = [event.status for event in events if isinstance(event, Exited)]
    assert codes == [7] * 200


def sevens(number: int) -> list[ProcessSpec]:
    return [command(f"seven-{index}", "sh", "-c", "exit 7") for index in range(number)]


THOUSAND = quick_python(
    "import os",
    "statuses = []",
    "def take(*flags):",
    "    os_pid, status = os.waitpid(-1, *flags or (0,))",
    "    if os_pid: statuses.append(os.waitstatus_to_exitcode(status))",
    "for number in range(1000):",
    "    if os.fork() == 0: os._exit(7)",
    "    if number % 50 == 49:",  # fifty at a time end at once
    "        for _ in range(50): take()",
    "print(len(statuses), set(statuses))",
)

ORPHANS = quick_python(
    "import os",
    "for _ in range(100):",
    "    middle = os.fork()",
    "    if middle == 0:",
    "        if os.fork() == 0: os._exit(7)",
    "        os._exit(0)",
    "    os.waitpid(middle, 0)",
    "print('done')",
)


@pytest.mark.patient
def test_f16_a_parent_keeps_the_statuses_of_its_thousand_children() -> None:
    with watch(scenario(command("parent", *THOUSAND))) as run:
        assert run.ended("parent", 50).status == 0
        assert run.wrote("parent") == "1000 {7}\n"
        assert_no_zombie(run)
        told = [event.status for event in run.all(Exited) if event.pid != run.admitted("parent").pid]
        assert set(told) <= {7, None}, "a status is exact, or nobody could learn it"


def test_f16_orphans_that_exit_at_once_leave_no_zombie() -> None:
    with watch(scenario(command("parent", *ORPHANS))) as run:
        assert run.ended("parent", 50).status == 0
        assert_no_zombie(run)


def test_f16_a_stopped_child_that_is_killed_ends_once() -> None:
    """Its stop is no end, whoever has or has not asked for it; its death is told once, as it was."""
    reaper = Reaper()
    child = subprocess.Popen(["sleep", "60"])
    try:
        child.send_signal(signal.SIGSTOP)
        until(lambda: state(child.pid) == "T", "it is stopped")
        assert reaper.next_end() is None
        assert reaper.stopped(child.pid)
        assert not reaper.stopped(child.pid), "it is told once"
        child.kill()
        until(lambda: state(child.pid) == "Z", "it is dead")
        assert not reaper.stopped(child.pid)
        assert reaper.next_end() == (child.pid, None, signal.SIGKILL)
        reaper.take(child.pid)
        assert reaper.next_end() is None
    finally:
        reaper.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        child.kill()
        child.wait()


def assert_no_zombie(run: Watch) -> None:
    """Below the kernel process nothing is left, while it lives."""

    run.until(lambda: not others(run), "no child of the kernel process is left, dead or alive")


def others(run: Watch) -> list[int]:
    """The children of the kernel process, dead or alive, without our own helpers."""
    kernel = str(run.link.os_pid)
    return scheduled([os_pid for os_pid in os_pids() if fields(os_pid)[1:2] == [kernel]])


def test_f23_a_daemon_keeps_the_console_open() -> None:
    with watch(scenario(command("sh", "sh", "-c", "sleep 60 & echo hi"), process("hog", "cpu 100ms"))) as run:
        assert run.ended("sh").status == 0, "its end is shown though its console is still open"
        assert run.wrote("sh") == "hi\n"
        daemon = run.until(lambda: [e for e in run.all(Admitted) if e.order is None], "the daemon is adopted")[0]
        assert daemon.os_pid is not None
        run.ended("hog")
        run.go_on(0.2)
        assert state(daemon.os_pid) == "S", "it lives on"
        assert [event.pid for event in run.all(Exited)].count(daemon.pid) == 0
        assert scheduled(children(run.link.os_pid)) == [daemon.os_pid]
        run.link.send(Quit())
        run.finish()
        assert gone(daemon.os_pid), "it is swept up"


def test_f23_what_the_daemon_writes_later_is_kept() -> None:
    late = "(sleep 0.3; echo late) & echo early"
    events = run_real(scenario(command("sh", "sh", "-c", late), process("hog", "cpu 50ms")))
    assert "".join(event.text for event in events if isinstance(event, Wrote)) == "early\nlate\n"
    assert {event.status for event in events if isinstance(event, Exited)} == {0}
