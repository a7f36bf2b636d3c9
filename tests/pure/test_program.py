"""Where each process stands in its program, and that program as text."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox import wording
from sandbox.export import document, perfetto, svg, table
from sandbox.export.html import page
from sandbox.export.material import gather
from sandbox.model.events import AnyEvent, Change, Stepped, decode, encode
from sandbox.model.spec import ProcessSpec
from sandbox.scenario.sources import source_beside, source_of, stretch_at, text_lines
from sandbox.trace.header import describe
from sandbox.trace.load import Recording
from sandbox.trace.record import Recorder
from sandbox.util.units import MS
from sandbox.views.eventlog import EventLog
from tests.support.app import blank_scenario
from tests.support.kernel_script import KernelScript
from tests.support.scenarios import process
from tests.support.systems import unix


def stepped_run() -> list[AnyEvent]:
    """Two processes, a line a turn."""
    script = KernelScript("manual", None).admit("a").admit("b")
    for number, name in enumerate("aabab"):
        pid = script.pid(name)
        change = Change("x", str(number), None if number < 2 else str(number - 1), shared=name == "b")
        script.run(name).later("1ms")
        script.events.append(Stepped(script.at, pid, "count.py", number + 1, number + 2, "add", changed=(change,)))
        script.expire(name)
    return [*script.take()]


def test_it_knows_where_each_stands_now_and_before() -> None:
    events, log = stepped_run(), EventLog()
    for event in events:
        log.add(decode(encode(event)))
    program = log.live.board.program
    assert [program.steps[pid].line for pid in (1, 2)] == [4, 5]
    stand = program.steps[1].last
    assert stand is not None
    assert (stand.file, stand.line, stand.function) == ("count.py", 5, "add")
    assert (program.last, [*program.turns], program.taken) == (2, [1, 1, 2, 1, 2], 5)
    steps = [index for index, event in enumerate(events, 1) if isinstance(event, Stepped)]
    before = log.at(steps[1]).board.program
    assert (before.last, [*before.steps], before.steps[1].line, before.steps[1].count) == (1, [1], 2, 2)
    assert before.steps[1].changed == (Change("x", "1", None, shared=False),)


def test_threads_of_a_process_stand_at_places_of_their_own() -> None:
    script = KernelScript("rr", None).admit("a").run("a")
    for thread, line in ((0, 1), (1, 7), (0, 2)):
        script.events.append(Stepped(0, 1, "t.py", line, line + 1, "f", thread=thread, next_file="u.py"))
    log = EventLog()
    for event in script.take():
        log.add(event)
    steps = log.live.board.program.steps[1]
    assert {thread: stand.line for thread, stand in steps.stands.items()} == {0: 3, 1: 8}
    assert steps.last is not None
    assert (steps.last.thread, steps.last.file) == (0, "u.py")


def test_why_tells_the_line_that_was_run() -> None:
    log = EventLog()
    for event in stepped_run():
        log.add(event)
    board = log.live.board
    explained = wording.why(board.recent, log.live.names, board.policy, idle=False)
    assert explained == (5_000_000, "b has run line 5 and stands before line 6: x 3 → 4 (shared).")


def test_every_export_has_room_for_lines(tmp_path: Path) -> None:
    material = gather(describe(blank_scenario("a", "b"), None), stepped_run())
    for module in (document, perfetto, svg, table, page):
        with (tmp_path / "out").open("w", encoding="utf-8") as file:
            module.write(material, file)
        assert (tmp_path / "out").stat().st_size


def test_the_program_of_a_process_is_found(tmp_path: Path) -> None:
    folder = str(tmp_path)
    (tmp_path / "p.py").write_text("x = 1\n\n\ndef go(n):\n\treturn n\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\necho \x1b[31mred\n")
    (tmp_path / "tool").write_bytes(b"\x7fELF\0\0")
    source = source_of(ProcessSpec("a", python="p.py:go"), folder)
    assert (source.name, source.first, source.lines[3:5]) == ("p.py", 4, ("def go(n):", "    return n"))
    assert source_of(ProcessSpec("a", python="p.py"), folder).first == 0
    assert source_of(ProcessSpec("a", command=["sh", "-x", "run.sh"]), folder).lines[1] == "echo [31mred"
    assert source_of(ProcessSpec("a", command=["./run.sh", "p.py"]), folder).name == "./run.sh"
    assert source_of(ProcessSpec("a", command=["cat", "p.py"]), folder).missing is not None
    assert source_of(ProcessSpec("a", command=["sh", "-c", "a\nb"]), folder).lines == ("a", "b")
    assert source_of(ProcessSpec("a", command=["./tool"]), folder).missing is not None
    assert source_of(process("a", "cpu 3ms", "io 2ms", repeat=2), folder).lines == ("cpu 3ms", "io 2ms")
    assert source_of(ProcessSpec("a", program="forking-server"), folder).lines


@unix
def test_only_texts_beside_the_scenario_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "fifo")
    for name in ("../secret", "link", str(tmp_path / "secret"), "fifo", "gone.py", "", "nul\0"):
        missing = source_beside(name, str(folder)).missing
        assert missing is not None, name
        assert wording.missing(missing)


def test_lines_are_numbered_as_python_does() -> None:
    text = "a\x0cb\r\nc\u2028d\re\x1b]0;open\nf\n"
    assert text_lines(text) == ("ab", "cd", "e]0;open", "f")


def test_a_stretch_of_work_is_found_by_the_time_used() -> None:
    spec = process("a", "cpu 10ms", "io 5ms", "cpu 20ms", "io 5ms", repeat=2)
    at = [stretch_at(spec, ms * MS, waits) for ms, waits in
          ((0, False), (9, False), (10, True), (10, False), (29, False), (30, True), (30, False), (41, True))]  # fmt: skip
    assert at == [1, 1, 2, 3, 3, 4, 1, 2]


def test_a_recording_of_lines_keeps_the_programs(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("y = '\x1b]0;title\x07'\n# \u202e\n")
    (tmp_path / "large.py").write_text("#" * (1 << 19))
    world = blank_scenario()
    world.processes = [ProcessSpec("a", python="a.py:f")]
    world.folder = str(tmp_path)
    assert describe(world, None).sources == {}
    world.machine.slice = "line"
    header = describe(world, None)
    assert [*header.sources] == ["a.py", "b.py"]
    path = tmp_path / "it.trace"
    recorder = Recorder(str(path), header)
    recorder.take(stepped_run())
    recorder.close()
    assert Recording(str(path)).header.sources == {"a.py": "x = 1\n", "b.py": "y = ']0;title'\n# \n"}
