"""What others write, whoever they are, is shown, and neither steers the terminal nor is taken for markup."""

from __future__ import annotations

import re
import socket
from functools import partial
from pathlib import Path

import pytest

from sandbox.clients.client import Client
from sandbox.model.events import Accepted, Clause, Connected, Listening, Operator
from sandbox.util.addresses import Address
from tests.support.app import app_driver, blank_scenario, until
from tests.support.files import toml_list, write_scenario
from tests.support.kernel_script import KernelScript
from tests.support.terminal import Terminal, terminal

#: Everything that can do more to a terminal than show a character, and after each a word to be seen by.
CORPUS = [
    "\x1b[2J\x1b[3J", "\x1b[H", "\x1b[7;7H", "\x1b[5A", "\x1b[9;9r", "\x1b[?1049l", "\x1b[?25h", "\x1b[?1003h", "\x1b[6n",
    "\x1b[>c", "\x1b[21t", "\x1b[4i", "\x1b[!p", "\x1b[20h", "\x1b[3g", "\x1b[2@", "\x1b[99b", "\x1b[1 q", "\x1b[?2026h",
    "\x1b]0;EVIL\x07", "\x1b]2;EVIL\x1b\\", "\x1b]8;;http://evil\x1b\\", "\x1b]52;c;RVZJTA==\x07", "\x1b]4;1;red\x07",
    "\x1b]1337;File=x:AA\x07", "\x1bPqEVIL\x1b\\", "\x1b_GEVIL\x1b\\", "\x1b^EVIL\x1b\\", "\x1bXEVIL\x1b\\",
    "\x1bc", "\x1b7", "\x1b8", "\x1bD", "\x1bM", "\x1bZ", "\x1b#8", "\x1b(0", "\x1b%G", "\x1b=", "\x1bN", "\x1b",
    "\x05", "\x07", "\x0b", "\x0c", "\x0e", "\x0f", "\x11", "\x13", "\x18", "\x1a", "\x7f", "\0",
    "\x84", "\x85", "\x8d", "\x90EVIL\x9c", "\x9b2J", "\x9d0;EVIL\x9c", "\u200f", "\u202e", "\u2066", "\u2028", "\ufeff",
    "\x1b[>4;2m", "\x1b[?4m", "\x1b[" + ";" * 300 + "m", "\x1b[31", "\x1b[", "\x1b]0;never ended",
]  # fmt: skip
SEQUENCE = re.compile(
    rb"\x1b(?:\[(?P<mode>[<-?][0-9;:]*)?[0-9;:]*(?P<final>[ -/]*[@-~])|(?P<string>[\]PX^_][^\x07\x1b]*)\x07?|[ -/]*.?)",
    re.DOTALL,
)
LOOSE = re.compile("[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


#: What the app itself does to a terminal: colours, places; and as it begins, modes, a question and the mouse's shape.
OWN = {"[H", "[m", "[?2026h", "[?2026l", "]22;default"}
OWN_AT_FIRST = {f"[?{mode}h" for mode in (1000, 1003, 1004, 1006, 1015, 1049, 2004)} | {
    "[?25l", "[?7l", "[>25u", "[>1u", "[?2026$p", "[?2048$p", "[?2048h",
}  # fmt: skip


def doings(written: bytes) -> set[str]:
    """What these bytes do to a terminal but showing characters, however often and wherever."""
    found: set[bytes] = set()
    for match in SEQUENCE.finditer(written):
        final = b"[" + (match["mode"] or b"") + match["final"] if match["final"] else None
        found.add(final or match["string"] or match[0])
    rest = SEQUENCE.sub(b"", written).decode(errors="replace")
    return {doing.decode(errors="replace") for doing in found} | {f"{ord(sign):#x}" for sign in LOOSE.findall(rest)}


#: Asks; then writes the corpus, each time back in letters, calls a child by it, and asks again. A client's words reach it
#: as they are.
PROGRAM = """
import os, sys, time
corpus = {corpus}
def evil():
    input("ready? ")
    for index, piece in enumerate(corpus):
        sys.stdout.write(f"{{piece}}seen-{{index}}\\x1b(B\\x0f\\n")
    sys.stdout.flush()
    if os.fork() == 0:
        with open("/proc/self/comm", "wb") as comm:
            comm.write(b"\\x1b]0;EVIL")
        while True:
            input("\\x1b[?1049lchild? ")
    time.sleep(60)
"""
SCENARIO = """
title = "\\u001b]0;EVIL\\u0007\\u001b[2Jforeign"
lesson = "evil.md"
[machine]
quantum = "20ms"
[[process]]
name = "evil"
python = "evil.py:evil"
[[process]]
name = "words"
command = {command}
[[process]]
name = "server"
program = "forking-server"
listen = "127.0.0.1:0"
"""


def look_around(app: Terminal, processes: int) -> None:
    """At every panel, and at so many processes from near."""
    for key, sees in (("2", "SOCKETS"), ("3", "CONSOLE"), ("4", "QUEUES"), ("1", "READY")):
        app.press(key)
        app.read_until(partial(app.shows, sees), f"the panel of {sees}")
    for _ in range(processes):
        app.press("\x1b[B")
        app.press("\r")
        app.read_until(lambda: app.shows("its console"), "one is looked into")
        app.press("\x1b")
        app.read_until(lambda: not app.shows("its console"), "and left")


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
def test_f42_escape_sequences(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(PROGRAM.format(corpus=ascii(CORPUS)))
    (tmp_path / "evil.md").write_text(
        "# Evil\n\n" + "".join(f"* {piece}told\n" for piece in CORPUS[:-1] if piece != "\0")
    )
    words = ["sleep", "60"]
    scenario = SCENARIO.format(command=toml_list(["sh", "-c", "sleep 60 # \x1b]0;EVIL\x07\x1b[2Jargument", *words]))
    with terminal(write_scenario(tmp_path, scenario)) as app:
        app.read_until(lambda: app.shows("space begins"), "it waits for the reader of its lesson")
        app.press(" ")
        app.read_until(lambda: app.shows("▶ RUNNING"), "it runs")
        start = app.written.rindex(b"\x1b")  # what has come may end in the middle of a sequence
        app.read_until(lambda: app.shows("read console"), "evil asks")
        look_around(app, 3)
        app.press("2")
        found = app.read_until(lambda: re.search(r"127\.0\.0\.1:([1-9]\d+) +\d+ server", app.display), "it listens")
        with socket.create_connection(("127.0.0.1", int(found[1])), 5) as outside:
            outside.sendall("".join(CORPUS[:-1]).encode() + b" said")
            app.read_until(lambda: app.shows("outside"), "the client is seen")
            app.press("3")
            app.read_until(lambda: app.shows("CONSOLE"), "the consoles")
            app.press("\x1b[D\x1b[D\x1b[D")
            app.read_until(lambda: app.shows("▸ 1 evil") and app.shows("evil waits for a line"), "it reads")
            app.press("\r")
            app.read_until(lambda: app.shows("a line, then ⏎"), "one can type")
            app.press("go\r")
            app.read_until(lambda: app.shows("child?"), "it has written everything")
            app.press("\x1b\x1d")  # whether it was written to as to a terminal or line by line
            app.press("\x1b[5~\x1b[5~\x1b[5~\x1b[5~\x1b[5~\x1b[5~")
            app.read_until(lambda: re.search(r"[│ ]seen-1\d", app.display), "scrolled back")
            look_around(app, 5)
        assert doings(bytes(app.written[:start])) - OWN - OWN_AT_FIRST == set()
        assert doings(bytes(app.written[start : app.written.rindex(b"\x1b")])) - OWN == set()
        app.press("q")
        assert app.wait() == 0


MARKUP = "[b]bold[/b][@click=app.quit]x[/]"


def markup() -> KernelScript:
    """Markup for a name, a command, a cause, an output, a client's words, what the operator and the policy said."""
    script = KernelScript(scenario=MARKUP)
    script.admit(f"{MARKUP}", runs=MARKUP).admit("server").run("server").later("1ms")
    script.events += [
        Listening(script.at, 1, 2, "127.0.0.1:9001", 5),
        Connected(script.at, 2, "127.0.0.1:9001", "127.0.0.1:50001", 1, None),
    ]
    script.events += [Accepted(script.at, 2, 1)]
    script.write("server", f"127.0.0.1:50001 {MARKUP}\n").block("server", MARKUP).run(MARKUP)
    script.events += [Operator(script.at, Clause("spawned", {"runs": MARKUP}))]
    return script.later("1ms").fault("could not be started", name=MARKUP, reason=MARKUP)


async def test_f43_markup() -> None:
    with app_driver(blank_scenario(MARKUP, name=MARKUP, title=MARKUP)) as driver:
        async with driver.app.run_test(size=(160, 50)) as pilot:
            await driver.feed(pilot, markup())
            await until(lambda: any(MARKUP in toast for toast in driver.toasts()), pilot)
            client = Client(MARKUP, Address("127.0.0.1", 9001))
            client.state, client.own, client.said, client.heard = "connected", "127.0.0.1:50001", MARKUP, MARKUP
            driver.app.session.clients.all.append(client)
            for keys, sees in (
                ("1", "[b]bold"), ("2", f"{MARKUP} → {MARKUP}"[:30]), ("3", "[b]bold"), ("4", "[b]bold"), ("down,enter", MARKUP),
            ):  # fmt: skip
                await pilot.press(*keys.split(","))
                await driver.settle(pilot)
                await until(lambda sees=sees: sees in driver.text, pilot)
            await pilot.press("escape", "2", "enter", *"[/][b", "escape")
            await driver.settle(pilot)
            assert "[/][b" in driver.text
