"""Sentences: what happened, why, and what is wrong, in words that a reader understands."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from sandbox import wording
from sandbox.i18n import LANGUAGES, speaking
from sandbox.model import events, rules
from sandbox.model.events import (
    Accepted,
    Admitted,
    AnyEvent,
    Backlog,
    Blocked,
    Booted,
    Clause,
    Closed,
    Connected,
    Descheduled,
    Dispatched,
    Exited,
    Fault,
    Halted,
    Listening,
    Operator,
    PolicyNote,
    Ready,
    Recipe,
    Scheduling,
    Terminal,
    Transferred,
    Wrote,
)
from sandbox.util.units import MS
from sandbox.wording import problems
from tests.support.kernel_script import HEAD, KernelScript

NAMES = {1: "a", 2: "b"}
AT, PEER = "127.0.0.1:9001", "127.0.0.1:51514"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Booted(0, "linux", 2, "rr", {}, "arrival-first", "x", "poll"), "linux machine, 2 CPU, policy rr, sensor poll"),
        (Booted(0, "virtual", 1, "fcfs", {}, "arrival-first", "x"), "virtual machine, 1 CPU, policy fcfs"),
        (Admitted(0, 1, "a", "cpu 1s"), "a is born: cpu 1s"),
        (Admitted(0, 2, "b", "sleep 1", parent=1), "b is born, child of 1: sleep 1"),
        (Ready(0, 1, "woke"), "a wakes up and joins the ready queue"),
        (Dispatched(0, 1, 0, 20 * MS, HEAD), "a gets CPU 0 for 20 ms: it is the head of the ready queue"),
        (Dispatched(0, 1, 1, None, HEAD), "a gets CPU 1 until it blocks: it is the head of the ready queue"),
        (Descheduled(0, 1, 0, 7 * MS, "expired"), "a leaves CPU 0 after 7 ms of CPU time: expired"),
        (Blocked(0, 1, Clause("sleep", {"for_ns": 90 * MS})), "a waits: sleep 90 ms"),
        (Blocked(0, 1, Clause("waiting", {"at": "pipe_read"})), "a waits: waiting pipe_read"),
        (Blocked(0, 1, Clause("waiting")), "a waits"),
        (Exited(0, 1, 0, None, 5 * MS, 0, 0), "a is over: exit 0, 5 ms of CPU time"),
        (Exited(0, 1, None, 9, 5 * MS, 0, 0), "a is over: killed by SIGKILL, 5 ms of CPU time"),
        (Exited(0, 1, None, 34, 0, 0, 0), "a is over: killed by SIGRTMIN, 0 s of CPU time"),
        (Exited(0, 1, None, 99, 0, 0, 0), "a is over: killed by signal 99, 0 s of CPU time"),
        (Exited(0, 1, None, None, 0, 0, 0), "a is over: ended, 0 s of CPU time"),
        (Wrote(0, 1, "console", "hi\n"), "a writes: hi"),
        (Wrote(0, 1, "console", "", "\x1b[2J"), "a paints on its terminal"),
        (Terminal(0, 1, 24, 80), "the terminal of a has 80×24 characters and hands on lines"),
        (
            Terminal(0, 1, 24, 80, echo=False),
            "the terminal of a has 80×24 characters and hands on lines that it does not show",
        ),
        (Terminal(0, 1, 24, 80, False, False), "the terminal of a has 80×24 characters and hands on each key"),
        (Wrote(0, 1, "console", "\x1b[1;31mh\bi\x1b[m\r\n"), "a writes: hi"),
        (PolicyNote(0, Clause("sentence", {"text": "my own words"})), "my own words"),
        (PolicyNote(0, Clause("of my own", {"to": 0, "from": 2})), "of my own (to 0, from 2)"),
        (Operator(0, Clause("set", {"parameter": "quantum", "value": "5ms"})), "operator: quantum is 5ms now"),
        (Fault(0, Clause("stopped itself"), 1), "a: it has stopped itself: it waits for a SIGCONT"),
        (Fault(0, Clause("no such process", {"who": "x"})), "there is no process x"),
        (Listening(0, 1, 1, AT, 1024), f"socket 1: a listens at {AT}"),
        (Backlog(0, 1, 3), "socket 1: 3 wait to be accepted"),
        (Connected(0, 2, AT, PEER, 1, None), f"socket 2: {PEER} is connected to {AT}, and waits to be accepted"),
        (Connected(0, 2, AT, PEER, 1, 1), f"socket 2: a has accepted {PEER}"),
        (Connected(0, 2, PEER, AT, None, 2), f"socket 2: b is connected to {AT}"),
        (Accepted(0, 2, 2), "socket 2: b has the connection"),
        (Transferred(0, 2, 5, 7, 0), "socket 2: 5 bytes have come, 7 have gone"),
        (Transferred(0, 2, 5, 0, 3), "socket 2: 5 bytes have come, 3 of them unread, 0 have gone"),
        (Transferred(0, 2, None, None, 3), "socket 2: 3 bytes are unread"),
        (Closed(0, 2), "socket 2: closed"),
        (Scheduling(0, "fcfs", {}, "arrival-first"), "policy fcfs is in force"),
        (
            Recipe(0, "freezer", Clause("watches its jobs", {"name": "bash"})),
            "from now on processes are frozen instead of stopped by signals: bash watches its jobs",
        ),
        (
            Fault(0, Clause("watches its jobs", {"name": "bash"}), 1),
            "a: bash watches its jobs: it will see our stops (ossandbox doctor: freezer)",
        ),
        (Blocked(0, 1, Clause("stopped", {"signal": "SIGTSTP"})), "a waits: stopped by its shell"),
        (Halted(0, Clause("quit")), "the machine is down: quit"),
    ],
)
def test_what_happened(event: AnyEvent, said: str) -> None:
    assert wording.sentence(event, NAMES) == said


def why(script: KernelScript, idle: bool = False) -> str:
    names = {event.pid: event.name for event in script.events if isinstance(event, Admitted)}
    explained = wording.why(script.events, names, "rr", idle)
    return explained[1] if explained else ""


def test_why_the_one_and_not_the_other() -> None:
    script = KernelScript().admit("a").admit("b").run("a").later("50ms").expire("a").run("b")
    assert (
        why(script) == "a used its whole slice and goes to the tail. rr chooses b: it is the head of the ready queue."
    )
    script.later("5ms").block("b").run("a")
    assert why(script) == "b waits: sleep. rr chooses a: it is the head of the ready queue."
    assert why(script.later("5ms").exit("a", 3), idle=True) == "a is over: exit 3. Nobody is ready."


def test_why_nothing_moves_in_a_pause() -> None:
    script = KernelScript().admit("a").run("a").later("5ms").pause()
    assert why(script) == "The machine pauses. a was running; it goes on first, with what is left of its slice."
    script = KernelScript("fcfs", None).admit("a").run("a").later("5ms").pause()
    assert why(script) == "The machine pauses. a was running; it goes on first."


def test_what_a_person_did_and_what_went_wrong_are_part_of_it() -> None:
    script = (
        KernelScript()
        .admit("a")
        .run("a")
        .later("5ms")
        .operator("policy", policy="fcfs")
        .fault("no such process", who="x")
    )
    assert why(script) == "You: policy is fcfs now. there is no process x."


def test_who_was_typed_into_is_named() -> None:
    script = KernelScript().admit("editor").run("editor").later("5ms").operator("typed", pid=1, text="Hi")
    assert why(script) == "You: typed into editor: Hi."
    script.operator("typed", pid=9, text="Hi")  # gone for long
    assert why(script).endswith("You: typed into 9: Hi.")


def test_that_the_script_comes_too_late_explains_nothing() -> None:
    script = KernelScript().admit("a").run("a").later("5ms").exit("a")
    said = why(script)
    assert why(script.later("5ms").fault("has ended already", who="a")) == said


def test_of_much_at_one_instant_the_last_counts() -> None:
    script = KernelScript()
    for name in "abcdef":
        script.admit(name)
    assert why(script.run("a")) == (
        "… d arrives. e arrives. f arrives. rr chooses a: it is the head of the ready queue."
    )
    assert wording.why([], {}, "rr", True) is None


def test_the_sum_of_a_run() -> None:
    figures = {
        "makespan_ns": 3_000_500_000, "cpu_utilisation": 0.987, "switches": 1,
        "turnaround_ns": {"mean": 2_985_400_000}, "waiting_ns": {"mean": 21_400_000}, "response_ns": {"mean": None},
    }  # fmt: skip
    assert wording.summary(figures, 3, 2) == (
        "All 3 processes are done after 3 s; 2 CPUs in use 99% of it, 1 context switch. "
        "Mean turnaround 2.99 s, waiting 21 ms."
    )
    assert wording.summary(figures, 1).startswith("The only process is done after 3 s; CPU in use 99% of it")


#: The name of a rule where the source tells it: alone, or behind the place where something is wrong.
RULES = (
    re.compile(r'(?:Clause|BadValue|_record|_say)\(\s*"([a-z][a-zA-Z -]+)"'),
    re.compile(r'(?:because|\.add)\((?:[^()"]|\([^()]*\)|"[^" ]*")*?"([a-z]+ [a-zA-Z -]+)"'),
)


def test_every_rule_that_is_told_has_its_words() -> None:
    """No sentence of the project reads as the name of a rule: each that the source can tell is in the tables."""
    source = Path(wording.__file__).parent.parent
    modules = [import_module(f"sandbox.wording.{path.stem}") for path in source.glob("wording/[a-z]*.py")]
    tables = {
        rule for module in modules for table in vars(module).values() if isinstance(table, dict) for rule in table
    }
    told = set()
    for path in source.rglob("*.py"):
        if path.parent.name != "wording" and path.name not in ("events.py", "rules.py"):
            told |= {rule for pattern in RULES for rule in pattern.findall(path.read_text())}
    assert len(told) > 30
    constants = {**vars(events), **vars(events.Did), **vars(rules)}
    told |= {value for name, value in constants.items() if name.isupper() and isinstance(value, str)}
    told |= {*rules.STUCK, *rules.FOR_OTHERS}
    assert told - tables <= {"quit", "done", "sentence"}, (
        "a halt says its reason as it is, and a policy of one's own a sentence"
    )


def test_nothing_of_an_event_is_lost_for_want_of_a_figure() -> None:
    assert wording.problem(Clause("out of range", {"value": "5"})) == "5 is out of range; allowed:"
    assert wording.cause(Clause("a new cause")) == "a new cause"


def test_a_suggestion_is_a_question() -> None:
    clause = Clause("no such policy", {"value": "rrr", "allowed": "fcfs | rr", "hint": "rr"})
    assert wording.problem(clause) == "there is no policy rrr. Did you mean rr? (there are: fcfs | rr)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_suggestion_comes_before_the_list_of_what_is_allowed(language: str) -> None:
    with speaking(language):
        for rule, template in problems._PROBLEMS.items():
            if "{allowed}" in template.partition("; ")[2] and "{hint}" not in template:
                said = wording.problem(Clause(rule, {"value": "rrr", "allowed": "A | LIST", "hint": "SUGGESTED"}))
                assert said.index("SUGGESTED") < said.index("A | LIST"), said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_reader_has_written_or_shall_write_stays_as_it_is(language: str) -> None:
    with speaking(language):
        for word in ("policy", "quantum", "waiting", "true"):
            assert word in wording.problem(Clause("unknown key", {"value": word, "allowed": "x"}))
            assert wording.problem(Clause("no such parameter", {"policy": "rr", "allowed": word})).endswith(word)


def test_parameters_are_in_the_language_of_the_reader() -> None:
    values = {"quantum_ns": 50 * MS, "larger": False, "knows": "declared", "then": "rr"}
    assert wording.parameters(values) == "quantum 50 ms  larger false  knows declared  then rr"
    with speaking("zh"):
        assert not {"false", "declared"} & set(wording.parameters(values).split())
        assert wording.parameters(values).endswith(" rr")
