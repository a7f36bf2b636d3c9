"""Sockets: who listens, a line a connection with where its process is, and clients that do what keys say."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from pathlib import Path

import pytest

from sandbox import wording
from sandbox.model.commands import Kill
from sandbox.model.events import Clause, Listening
from sandbox.tui.config import Config
from sandbox.tui.format import fine, size
from sandbox.util.units import MS, US, S
from tests.support.app import NOON_NS, AppDriver, Compare, MakeDriver, prepare, until
from tests.support.files import write_scenario
from tests.support.kernel_script import KernelScript
from tests.support.leaks import LeftCheck
from tests.support.network_script import AT, PEERS, NetworkScript
from tests.support.servers import upper
from tests.support.terminal import terminal


def office_hours() -> NetworkScript:
    """A server with two handlers: one waits to hear, one has heard and waits for the CPU; a third client waits in the
    kernel, because the server itself waits for the CPU."""
    script = NetworkScript()
    script.admit("server", runs=f"forking-server {AT}").admit("hog", "9s").run("server").later("2ms")
    script.listen("server").block("server", "accept", at=AT).run("hog").later("8ms")
    for index, name in enumerate(("first", "second")):
        script.connect(2 + index, PEERS[index], 1).wake("server").expire("hog").run("server").later("1ms")
        script.admit(name, parent="server").accept(2 + index, name).block("server", "accept", at=AT)
        script.run("hog").later("1ms").expire("hog").run(name).later("1ms").block(name, "recv", at=PEERS[index])
        script.run("hog").later("5ms")
    script.pass_on(2, 5, 5).write("server", f"{PEERS[0]} hello → HELLO\n{PEERS[1]} [b] → [B]\n")
    script.wake("first").expire("hog").run("first").later("1ms").block("first", "recv", at=PEERS[0]).run("hog")
    script.later("2ms").pass_on(3, 1_500, 0, 1_500).wake("second").connect(4, PEERS[2], 1).wake("server")
    return script.later("3ms")


async def test_each_connection_says_where_its_process_is(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "2", office_hours())
        heading, listener, burden, first, second, third = (
            " ".join(line.split()) for line in driver.panel("socket-list")[:6]
        )
        assert heading == "client process where it is in out answer CPU wait said → heard"
        assert listener == f"{AT} 1 server R READY, second in the queue 1 of 1024 in the kernel's backlog"
        assert burden == "4 ms of CPU time, BLOCKED 78% of the time", "and it has written of single clients only"
        assert first == "outside :51001 3 first B BLOCKED on recv 5 B 5 B – 0.00 ms hello → HELLO"
        assert second == "outside :51002 4 second R READY, first in the queue 1.5 kB 0 B – – [b] → [B]"
        assert third == "outside :51003 in the kernel's backlog; server READY, second in the queue"


async def test_a_client_of_ours_is_known_by_name_and_seen_to_wait(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, office_hours())
        ours = driver.add_client("client-1", PEERS[1])
        ours.said, ours.heard = "bye", "BYE"
        ours.round_trips_ns.append(350 * US)
        await pilot.press("2")
        await driver.settle(pilot)
        await driver.settle(pilot)
        line = driver.panel("socket-list")[3]
        assert line.split() == [
            "client-1",
            "4",
            "R",
            "READY,",
            "first",
            "in",
            "the",
            "queue",
            "0.35",
            "ms",
            "–",
            "bye",
            "→",
            "BYE",
        ]
        ours._asked.append(type("Asked", (), {"at_ns": NOON_NS - 2 * S, "missing": 1})())
        await driver.settle(pilot)
        await until(lambda: "2.0 s …" in driver.panel("socket-list")[3], pilot)
        ours._asked.clear()
        ours.state, ours.error = "closed", Clause("reset")
        await until(lambda: "the server broke the connection off" in driver.panel("socket-list")[3], pilot)


async def test_the_paused_machine_is_why_it_waits(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "2", office_hours().pause())
        assert "in the kernel's backlog; the machine is paused" in driver.text


async def test_the_second_client_of_an_iterative_server_waits_for_the_first(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = NetworkScript().admit("server").run("server").later("1ms")
        assert isinstance(script, NetworkScript)
        script.listen("server").connect(2, PEERS[0], 1).accept(2, "server").connect(3, PEERS[1], 1).later("1ms")
        script.block("server", "recv", at=PEERS[0])
        await driver.open(pilot, "2", script)
        first, second = driver.panel("socket-list")[3:5]
        assert "B BLOCKED on recv   " in first
        assert f"in the kernel's backlog; server BLOCKED on recv ← {PEERS[0]}" in second


async def test_a_server_that_never_blocks_is_seen_to_burn_the_cpu(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = NetworkScript().admit("patient").admit("restless").run("restless")
        assert isinstance(script, NetworkScript)
        script.happen(Listening(0, 8, 2, "127.0.0.1:9002", 8))  # seen first, born second
        script.happen(Listening(0, 9, 1, AT, 8))
        script.write("restless", "asked 3 times, 99% for nothing\n127.0.0.1:5 hi → HI\n")
        await driver.open(pilot, "2", script.later("2500ms"))
        first, burden, other, burning = (" ".join(line.split()) for line in driver.panel("socket-list")[1:5])
        assert [first.split()[2], other.split()[2]] == ["patient", "restless"]
        assert burden == "0 ms of CPU time, BLOCKED 0% of the time"
        assert burning == "2.5 s of CPU time, BLOCKED 0% of the time asked 3 times, 99% for nothing"


async def test_choosing_a_connection_chooses_its_process(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "2", office_hours())
        await pilot.press("down", "down")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 4
        await pilot.press("k", "enter")
        assert driver.sent == [Kill("4")]
        await pilot.click("#socket-list", offset=(10, 4))
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 3
        await pilot.press("1", "down", "down")
        assert driver.app.board_screen.chosen != 3
        await pilot.press("2")
        await until(lambda: driver.app.board_screen.chosen == 3, pilot)
        await pilot.press("x")
        assert any("kills the process" in toast for toast in driver.toasts()), "it is none of ours to close"


async def test_where_nobody_listens_it_says_what_to_do(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "2", KernelScript().admit("a").run("a"))
        assert "Nobody listens here." in driver.text
        await pilot.press("c", "h", "b")
        assert len(driver.app.screen_stack) == 1
        assert driver.app.session.clients.all == []


async def test_keys_send_clients(make_driver: MakeDriver) -> None:
    driver = make_driver()
    server = await asyncio.start_server(upper, "127.0.0.1", 0)
    at = "{}:{}".format(*server.sockets[0].getsockname())
    async with server, driver.app.run_test(size=(120, 40)) as pilot:
        script = NetworkScript().admit("server").run("server").later("1ms")
        await driver.open(pilot, "2", script.happen(Listening(script.at, 1, 1, at, 0)))
        clients = driver.app.session.clients
        await pilot.press("c")
        await until(lambda: clients.open and clients.open[0].state == "connected", pilot)
        await pilot.press("enter", *"q [b]", "enter")
        await until(lambda: "q [b] → Q [B]" in driver.text or clients.all[0].heard == "Q [B]", pilot)
        await pilot.press("escape", "h")
        await until(lambda: clients.all[-1].received > 0, pilot)
        assert clients.ticks(clients.all[-1])
        assert clients.all[-1].said == "hello"
        await until(lambda: "♪client-2" in driver.text, pilot)
        await pilot.press("b", *"30", "enter")
        await until(lambda: "burst of 30: 30 answered, 0 failed" in driver.text, pilot)
        assert [each.name for each in clients.all] == ["client-1", "client-2"], "a burst passes"
        await pilot.press("up", "x")
        await until(lambda: len(clients.all) == 1, pilot)
        await pilot.press("X")
        await until(lambda: not clients.all, pilot)
        await pilot.press("b", *"many", "enter")
        assert "a whole number from 1 to 2000" in driver.text
        await pilot.press("escape", "c")
        await until(lambda: bool(clients.open), pilot)
        before = clients
        await pilot.press("r")
        await until(lambda: not before.open, pilot)
        assert driver.app.session.clients is not before


def test_figures_are_short() -> None:
    assert [fine(ns) for ns in (None, 0, 350 * US, 12_340 * US, 123 * MS, 1_250 * MS, 61 * S)] == [
        "–", "0.00 ms", "0.35 ms", "12.3 ms", "123 ms", "1.25 s", "61.0 s",
    ]  # fmt: skip
    assert [size(number) for number in (None, 0, 999, 1_000, 1_550, 12_000, 999_600, 5_000_000)] == [
        "–", "0 B", "999 B", "1.0 kB", "1.6 kB", "12 kB", "1.0 MB", "5.0 MB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        (Clause("ready", {"place": 3}), "READY, third in the queue"),
        (Clause("ready", {"place": 11}), "READY, no. 11 in the queue"),
        (Clause("ready", {"place": None}), "READY"),
        (Clause("running", {"cpu": 0}), "RUNNING"),
        (Clause("blocked", {"cause": "recv"}), "BLOCKED on recv"),
        (Clause("blocked", {"cause": "sleep", "for_ns": 20 * MS}), "BLOCKED on sleep 20 ms"),
        (Clause("blocked"), "BLOCKED"),
        (Clause("in the kernel's backlog"), "in the kernel's backlog"),
        (Clause("in the kernel's backlog", {"name": "s", "where": "running"}), "in the kernel's backlog; s RUNNING"),
        (Clause("closed"), "it left"),
        (Clause("closed without an answer"), "the server closed the connection without an answer"),
    ],
)
def test_how_a_conversation_stands(clause: Clause, said: str) -> None:
    assert wording.situation(clause) == said


# Pictures


def with_clients(driver: AppDriver) -> AppDriver:
    first, second = driver.add_client("client-1", PEERS[0]), driver.add_client("client-2", PEERS[1])
    first.said, first.heard = "hello", "HELLO"
    first.round_trips_ns.append(2_310 * US)
    second.said = "how are you?"
    lost = driver.add_client("client-3", None)
    lost.state, lost.error, lost.said = "closed", Clause("reset"), "anybody there?"
    return driver


def test_sockets(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = with_clients(make_driver())
    assert snap_compare(
        driver.app, terminal_size=(120, 40), run_before=prepare(driver, office_hours(), "2", "down", sees="client-2")
    )


@pytest.mark.usefixtures("chinese")
def test_sockets_in_chinese(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = with_clients(make_driver())
    before = prepare(driver, office_hours(), "2", "down", sees="client-2")
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)


def test_sockets_small(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = with_clients(make_driver(config=Config("light")))
    assert snap_compare(
        driver.app, terminal_size=(80, 24), run_before=prepare(driver, office_hours(), "2", "down", sees="client-2")
    )


# Real

SERVER = """
title = "server"
[machine]
quantum = "20ms"
[[process]]
name = "server"
program = "forking-server"
listen = "127.0.0.1:0"
[[process]]
name = "hog"
work = ["cpu 60s"]
"""


@pytest.mark.real
def test_an_outside_client_and_two_of_the_panel(tmp_path: Path, leftcheck: LeftCheck) -> None:
    with terminal(write_scenario(tmp_path, SERVER)) as app:
        app.read_until(lambda: app.shows("▶ RUNNING"), "the machine runs")
        app.press("2")
        found = app.read_until(lambda: re.search(r"127\.0\.0\.1:([1-9]\d+) +1 server", app.display), "it listens")
        port = int(found[1])
        app.press("c")
        app.read_until(lambda: app.shows("client-1"), "a client connects")
        app.press("h")
        app.read_until(lambda: app.shows("hello → HELLO"), "another one is answered again and again")
        with socket.create_connection(("127.0.0.1", port), 5) as outside:
            outside.sendall("grüß".encode())
            assert outside.recv(100) == "GRüß".encode()
            app.read_until(lambda: app.shows("grüß → GRüß"), "so is one from outside")
            waits = r"outside.*\d+ server +B BLOCKED on recv"
            app.read_until(lambda: re.search(waits, app.display), "its process waits for more")
            app.press("\x1b[B")  # the last line is the one from outside
            app.read_until(lambda: app.shows("▸ outside"), "it is chosen")
            app.press("k")
            app.read_until(lambda: app.shows("is sent SIGTERM"), "it is asked whether to end it")
            app.press("\r")
            with pytest.raises(ConnectionResetError):
                outside.recv(100)
        app.read_until(lambda: not app.shows("outside"), "it is gone")
        app.press(" ")
        app.read_until(lambda: app.shows("‖ PAUSED"), "paused")
        app.press("c")
        app.read_until(lambda: app.shows("in the kernel's backlog; the machine is paused"), "one more waits")
        app.press("q")
        assert app.wait() == 0
    give_up = time.monotonic() + 2
    while True:
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                again.bind(("127.0.0.1", port))
                return
            except OSError:
                assert time.monotonic() < give_up, "the port is free"
