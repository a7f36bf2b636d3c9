"""Scenario files: what they may say, and how plainly they are told what they may not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import wording
from sandbox.model.commands import Kill, Spawn, Tune, Type
from sandbox.scenario import BadInput, built_in, find, load
from sandbox.util.units import MS


def problems(tmp_path: Path, text: str | bytes) -> list[tuple[int, str, str]]:
    """(line, place, rule) of every problem."""
    path = tmp_path / "bad.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput) as caught:
        load(path)
    assert all(wording.problem(problem.what) for problem in caught.value.problems)
    return [(problem.line, problem.place, problem.what.rule) for problem in caught.value.problems]


def test_everything_that_a_file_may_say(tmp_path: Path) -> None:
    (tmp_path / "mailer.py").write_text("def send(who): pass\n")
    (tmp_path / "text.md").write_text("# Lesson")
    path = tmp_path / "full.toml"
    path.write_text(
        """
title = "Everything"
lesson = "text.md"
[machine]
cpus = 1
policy = "rr"
quantum = "50ms"
seed = 7
switch_cost = "10us"
ties = "requeue-first"
parameters = { }
[[process]]
name = "long"
arrive = "5ms"
work = ["cpu 300ms", "io 100ms", "cpu 50ms"]
repeat = 2
count = 3
priority = -1
nice = 5
tickets = 50
period = "1s"
deadline = "900ms"
estimate = "20ms"
memory = "64MB"
[[process]]
name = "ls"
command = ["ls", "-l"]
[[process]]
name = "mailer"
python = "mailer.py:send"
args = ["bob", 3, true, 1.5]
[[at]]
time = "2s"
do = "kill long-2"
[[at]]
time = "1s"
do = "quantum 20ms"
[[at]]
time = "1s"
do = "spawn sleep 1 | cat"
[[at]]
time = "1s"
do = "type mailer hello  there"
"""
    )
    scenario = load(path)
    assert [process.name for process in scenario.processes] == ["long-1", "long-2", "long-3", "ls", "mailer"]
    long = scenario.processes[0]
    assert (long.arrive_ns, long.demand_ns, long.nice, long.period_ns) == (5 * MS, 700 * MS, 5, 1000 * MS)
    assert (long.memory, scenario.processes[3].memory) == (64_000_000, None)
    assert [(part.kind, part.ns // MS) for part in long.segments] == [
        ("cpu", 300), ("io", 100), ("cpu", 50), ("until", 1000), ("cpu", 300), ("io", 100), ("cpu", 50),
    ]  # fmt: skip
    assert scenario.machine.switch_cost_ns == 10_000
    assert [at.do for at in scenario.script] == [
        Kill("long-2"),
        Tune("quantum", "20ms"),
        Spawn(["sh", "-c", "sleep 1 | cat"]),
        Type("mailer", "hello  there"),
    ]


def test_all_problems_at_once_with_line_place_and_hint(tmp_path: Path) -> None:
    text = """titel = "x"
[machine]
quantum = 20
policy = "rrr"
cpus = 0
[[process]]
name = "a b"
work = ["cpu 10", "io 5ms", "nap 1s"]
command = ["ls"]
[[process]]
arive = "1s"
python = "../x.py:f"
[[at]]
time = "1s"
do = "kil a"
"""
    assert problems(tmp_path, text) == [
        (1, "titel", "unknown key"),
        (3, "machine.quantum", "duration needs a unit"),
        (4, "machine.policy", "no such policy"),
        (5, "machine.cpus", "out of range"),
        (6, "process[1]", "says more than one thing to run"),
        (7, "process[1].name", "not a name"),
        (8, "process[1].work[1]", "duration needs a unit"),
        (8, "process[1].work[3]", "not a stretch of work"),
        (11, "process[2].arive", "unknown key"),
        (12, "process[2].python", "leads out of the scenario's folder"),
        (15, "at[1].do", "not a command"),
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        ("x = [", "is not TOML"),
        ("x = " + "[" * 100_000, "is nested too deeply"),
        ("#" * 300_000, "file is too large"),
        ("process = 3", "expected tables"),
        ("machine = []", "expected a table"),
        ("[machine]\ncpus = true", "expected a whole number"),
        ("[machine]\ncpus = 1.0", "expected a whole number"),
        pytest.param(f"[machine]\ncpus = 0x{'f' * 9_000}", "out of range", id="more digits than are written"),
        ("[machine]\nquantum = nan", "duration needs a unit"),
        ("[machine]\nquantum = '-1ms'", "out of range"),
        ("[machine]\nquantum = '1000000s'", "out of range"),
        ("[machine]\nparameters = { quanta = 1 }", "no such parameter"),
        ("[machine]\npolicy = 'mine.py:Mine'", "no such file"),
        ("[machine]\npolicy = 'rr:quantum=5ms'", "policy with parameters"),
        ("[[at]]\ntime='1s'\ndo='policy mlfq:boost=1s'", "policy with parameters"),
        ("[machine]\npolicy = '../mine.py:Mine'", "leads out of the scenario's folder"),
        ("[machine]\npolicy = '/etc/mine.py:Mine'", "leads out of the scenario's folder"),
        ("[machine]\npolicy = 'mlfq'\nparameters = { quanta = ['1'] }", "duration needs a unit"),
        ("[machine]\npolicy = 'mlfq'\nparameters = { boost = '10us' }", "out of range"),
        ("[machine]\npolicy = 'mlfq'\nparameters = { quantum = '1ms' }", "no such parameter"),
        ("[machine]\npolicy = 'priority'\nparameters = { preemptive = 'yes' }", "expected true or false"),
        ("[machine]\npolicy = 'sjf'\nparameters = { knows = 'all' }", "not one of the allowed words"),
        ("[machine]\npolicy = 'sjf'\nparameters = { alpha = nan }", "expected a number"),
        ("[[at]]\ntime='1s'\ndo='policy ../x.py:X'", "leads out of the scenario's folder"),
        ("[[process]]\nname='a'", "says nothing to run"),
        ("[[process]]\nwork=[]", "list has the wrong length"),
        ("[[process]]\nwork=['cpu 1ms']\nname='a'\n[[process]]\nwork=['cpu 1ms']\nname='a'", "two processes of one name"),
        ("[[process]]\nwork=['cpu 1ms']\ncount=100000", "out of range"),
        ("[[process]]\nwork=['cpu 1ms']\ncount=1999\n[[process]]\nname='b'\nwork=['cpu 1ms']\ncount=2", "too many processes"),
        ("[[process]]\nwork=['cpu 1ms']\nargs=['x']", "belongs to others only"),
        ("[[process]]\ncommand=[\"a\\u0000b\"]", "text holds a NUL byte"),
        ("[[process]]\npython='/etc/passwd.py:f'", "leads out of the scenario's folder"),
        ("[[process]]\npython='none.py:f'", "no such file"),
        ("[[process]]\npython='f'", "expected file.py:function"),
        ("[[process]]\npython='f.py:'", "expected file.py:function"),
        ("[[process]]\npython='none.py'", "no such file"),
        ("lesson='../secret.md'", "leads out of the scenario's folder"),
        ("[[at]]\ndo='pause'", "is missing"),
        ("[[at]]\ntime='1s'\ndo='kill nobody'", "no such process"),
        ("[[at]]\ntime='1s'\ndo='policy magic'", "no such policy"),
        ("[[at]]\ntime='1s'\ndo='spawn \"open'", "not a command line"),
        ("[[process]]\nprogram='web-server'", "not one of the allowed words"),
        ("[[process]]\nprogram='client'\nwork=['cpu 1ms']\nconnect='127.0.0.1:1'", "says more than one thing to run"),
        ("[[process]]\nprogram='client'", "is missing"),
        ("[[process]]\nprogram='client'\nconnect='a'", "no such process"),
        ("[[process]]\nname='a'\ncommand=['x']\n[[process]]\nprogram='client'\nconnect='a'", "no such process"),
        ("[[process]]\nprogram='client'\nconnect='127.0.0.1:1'\nlisten='127.0.0.1:1'", "belongs to others only"),
        ("[[process]]\nprogram='forking-server'\nsay=['x']", "belongs to others only"),
        ("[[process]]\nwork=['cpu 1ms']\nlisten='127.0.0.1:1'", "belongs to others only"),
        ("[[process]]\nprogram='forking-server'\nlisten='9001'", "not an address"),
        ("[[process]]\nprogram='forking-server'\nlisten='127.0.0.1:70000'", "not an address"),
        ("[[process]]\nprogram='forking-server'\nlisten=9001", "expected text"),
        ("[[process]]\nprogram='forking-server'\nidle=3", "duration needs a unit"),
        ("[[process]]\nname='a'\nprogram='forking-server'\n[[process]]\nname='b'\nprogram='iterative-server'", "two servers at one address"),
        ("[[process]]\nprogram='forking-server'\ncount=2", "two servers at one address"),
        ("[[client]]\nname='x'", "is missing"),
        ("[[client]]\nname='x'\nconnect='nobody'", "no such process"),
        ("[[client]]\nname='x'\nconnect='10.0.0.1:9001'", "leads off this machine"),
        ("[[process]]\nprogram='client'\nconnect='example.org:80'", "leads off this machine"),
        ("[[process]]\nname='a'\nwork=['cpu 1ms']\n[[client]]\nname='x'\nconnect='a'", "no such process"),
        ("[[client]]\nname='x'\nconnect='127.0.0.1:1'\n[[client]]\nname='x'\nconnect='127.0.0.1:1'", "two clients of one name"),
        ("[[process]]\ncommand=['a']\nmemory=400", "expected a size"),
        ("[[process]]\ncommand=['a']\nmemory='400'", "expected a size"),
        ("[[process]]\ncommand=['a']\nmemory='1kB'", "out of range"),
        ("[[client]]\nname='x'\nconnect='127.0.0.1:1'\nsay=[]", "list has the wrong length"),
        ("[[client]]\nname='x'\nconnect='127.0.0.1:1'\ncount=9999", "out of range"),
        ("[[client]]\nname='x'\nconnect='127.0.0.1:1'\never='1s'", "unknown key"),
    ],
)  # fmt: skip
def test_f30_each_kind_of_nonsense_is_refused_in_under_a_second(tmp_path: Path, text: str | bytes, rule: str) -> None:
    began = time.perf_counter()
    assert rule in [found for _, _, found in problems(tmp_path, text)]
    assert time.perf_counter() - began < 1


def test_each_wrong_parameter_of_a_policy_is_told_with_its_place(tmp_path: Path) -> None:
    text = """[machine]
policy = "mlfq"
parameters = { quanta = ["5ms", "5"], alotments = [1], stay = 3 }
"""
    assert problems(tmp_path, text) == [
        (3, "machine.parameters.quanta[2]", "duration needs a unit"),
        (3, "machine.parameters.alotments", "no such parameter"),
        (3, "machine.parameters.stay", "expected true or false"),
    ]


def test_one_mistake_hides_no_other_and_makes_none(tmp_path: Path) -> None:
    """What is wrong with a process does not make it unknown, and what is wrong with a table is not all of it."""
    text = """machine.policy = "mlfq"
machine.cpu = 2
machine.parameters.quanta = [
    "5 parsecs"]
claims = ["a exits 0", "zz exits 0"]
[[process]]
"name" = "a"
arrive = 5
work = ["cpu 10ms"]
[[process]]
name = "b"
count = 2
idle = "1s"
work = ["cpu 10ms"]
[[process]]
name = "server"
program = "forking-server"
clients = 0
[[client]]
name = "alice"
connect = "server"
[[client]]
connect = "b-1"
[[at]]
time = "1s"
do = "kill a"
[[at]]
time = 5
do = "kill b-3"
[[at]]
do = "kill b-2"
"""
    assert problems(tmp_path, text) == [
        (2, "machine.cpu", "unknown key"),
        (3, "machine.parameters.quanta[1]", "expected a duration"),
        (5, "claims[2]", "no such process"),
        (8, "process[1].arrive", "duration needs a unit"),
        (13, "process[2].idle", "belongs to others only"),
        (18, "process[3].clients", "out of range"),
        (22, "client[2]", "is missing"),
        (23, "client[2].connect", "no such process"),
        (28, "at[2].time", "duration needs a unit"),
        (29, "at[2].do", "no such process"),
        (30, "at[3]", "is missing"),
    ]


def test_lines_are_told_of_whatever_can_be_written(tmp_path: Path) -> None:
    text = """title = '''
[[process]]
name = "no"'''
[ machine ]
[machine.parameters]
"quantum" = "1"
[[ "process" ]]
name = "a\u2028b"
work = ["cpu 1ms"]
[[process]]
'tickets' = 0
work = ["cpu 1ms"]
[new.table]
"""
    assert problems(tmp_path, text) == [
        (6, "machine.parameters.quantum", "duration needs a unit"),
        (8, "process[1].name", "not a name"),
        (11, "process[2].tickets", "out of range"),
        (13, "new", "unknown key"),
    ]


def test_a_scenario_does_not_last_for_ever(tmp_path: Path) -> None:
    long = "[[process]]\nwork = ['cpu 86400s', 'cpu 86400s']\nrepeat = 100000\n"
    assert problems(tmp_path, long) == [(1, "process[1]", "lasts too long")]
    (tmp_path / "short.toml").write_text(long.replace("100000", "10000"))
    assert load(tmp_path / "short.toml").processes


def test_servers_and_clients(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("""
[[process]]
name = "server"
program = "forking-server"
[[process]]
name = "other"
program = "iterative-server"
listen = "localhost:0"
idle = "2s"
clients = 5
[[process]]
name = "inside"
program = "client"
connect = "other"
[[client]]
name = "alice"
connect = "server"
say = ["hello", "world"]
every = "500ms"
times = 10
""")
    world = load(path)
    server, other, inside = world.processes
    assert (server.listen, server.runs) == ("127.0.0.1:9001", "forking-server 127.0.0.1:9001")
    assert (other.listen, other.idle_ns, other.clients) == ("localhost:0", 2_000_000_000, 5)
    assert (inside.say, inside.every_ns, inside.runs) == (["hello"], 500_000_000, "client other")
    [alice] = world.clients
    assert (alice.connect, alice.say, alice.times, alice.count) == ("server", ["hello", "world"], 10, 1)


def test_a_policy_of_ones_own_lies_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from sandbox.policies import Policy\nclass Mine(Policy):\n    pass\n")
    path = tmp_path / "own.toml"
    path.write_text('[machine]\npolicy = "mine.py:Mine"\n[[at]]\ntime = "1s"\ndo = "policy mine.py:Mine"\n')
    assert load(path).machine.policy == "mine.py:Mine"


def test_a_misspelt_word_gets_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        "[[process]]\nname='anna'\nwork=['cpu 1ms']\n[[process]]\nwork=['cpu 1ms']\nprioritty=1\n[[at]]\ntime='1s'\ndo='kill ana'"
    )
    with pytest.raises(BadInput) as caught:
        load(path)
    said = [wording.problem(problem.what) for problem in caught.value.problems]
    assert "Did you mean priority?" in said[0]
    assert "Did you mean anna?" in said[1]


def test_an_unreadable_or_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        load(tmp_path / "none.toml")
    with pytest.raises(BadInput):
        load(tmp_path)
    with pytest.raises(BadInput) as caught:
        find("wellcome")
    assert wording.problem(caught.value.problems[0].what).endswith("Did you mean welcome?")


def test_escape_sequences_in_names_and_titles_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / "evil.toml"
    path.write_text("title = '\x1b[31m' ", "utf-8")
    assert [rule for _, _, rule in problems(tmp_path, path.read_bytes())] == ["is not TOML"]
    path.write_text('title = "a\\u001b[31mb\\u202ec"\n', "utf-8")
    assert load(path).title == "abc"


@pytest.mark.parametrize("path", built_in(), ids=lambda path: path.stem)
def test_the_built_in_scenarios_are_valid_and_have_lessons(path: Path) -> None:
    scenario = load(path)
    assert scenario.processes
    assert scenario.lesson is not None


Table = dict[str, object]

json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = ["title", "lesson", "machine", "process", "at", "name", "work", "command", "python", "arrive", "count", "time", "do",
        "quantum", "policy", "parameters", "ties", "args", "odd", "client", "program", "listen", "connect", "say"]  # fmt: skip
tables = st.dictionaries(st.sampled_from(keys), json_like, max_size=6)


@settings(deadline=None, max_examples=200)
@given(tables, st.lists(tables, max_size=3), st.lists(tables, max_size=2), tables)
def test_f31_no_table_whatever_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory,
    top: dict[str, Any],
    processes: list[Any],
    ats: list[Any],
    machine: dict[str, Any],
) -> None:
    import tomllib
    from unittest.mock import patch

    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_text("")
    table = {**top, "process": processes, "at": ats, "machine": machine}
    with patch.object(tomllib, "loads", return_value=table):
        try:
            load(path)
        except BadInput as bad:
            said = [wording.problem(problem.what) for problem in bad.problems]
        else:
            said = ["nothing is wrong"]
    assert said
    assert all(said)


def test_one_name_twice_is_told_where_it_stands_whatever_else_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "twice.toml"
    file.write_text("[[process]]\nname='a'\nwork=['cpu 1ms']\n[[process]]\nfoo=1\nname='a'\nwork=['cpu 1ms']\n")
    with pytest.raises(BadInput) as raised:
        load(str(file))
    assert [(problem.line, problem.what.rule) for problem in raised.value.problems] == [
        (5, "unknown key"),
        (6, "two processes of one name"),
    ]
