"""Who is synchronous, who blocks: told by what a process does, whatever it is called."""

from __future__ import annotations

from sandbox import wording
from sandbox.model.events import Admitted, Connected, Event, Listening
from sandbox.util.units import MS
from sandbox.views.quadrants import Seat, seats
from tests.support.kernel_script import KernelScript
from tests.support.views import log_of

SYNCHRONOUS_BLOCKING, SYNCHRONOUS, ASYNCHRONOUS = (True, True), (True, False), (False, False)
ASYNCHRONOUS_BLOCKING = (False, True)


def seated(script: KernelScript, *more: Event) -> dict[str, Seat]:
    """Where everybody sits in the end, by name."""
    moment = log_of([*script.events, *more]).live
    return {moment.names[pid]: seat for pid, seat in seats(moment.board, moment.history, script.at).items()}


def where(seat: Seat) -> tuple[bool, bool]:
    return seat.synchronous, seat.blocking


def family() -> KernelScript:
    """One has started a child, and computes."""
    return KernelScript().admit("start").run("start").later("5ms").admit("child", parent="start").later("7ms")


def test_who_computes_is_synchronous_and_does_not_block() -> None:
    found = seated(
        KernelScript().admit("input").admit("b").run("input").later("30ms").expire("input").run("b").later("5ms")
    )
    assert [where(seat) for seat in found.values()] == [SYNCHRONOUS, SYNCHRONOUS], "whatever it is called"
    assert found["input"].why.rule == found["b"].why.rule == "computes"
    assert found["input"].why.figures == {"cpu_ns": 30 * MS, "blocked_ns": 0}
    assert found["b"].why.figures["cpu_ns"] == 5 * MS


def test_who_waits_in_a_call_is_synchronous_and_blocks() -> None:
    found = seated(KernelScript().admit("eval").run("eval").later("5ms").block("eval", "read console").later("40ms"))
    assert where(found["eval"]) == SYNCHRONOUS_BLOCKING
    assert found["eval"].why.figures == {"blocked_ns": 40 * MS}
    assert wording.seat(found["eval"].why, found["eval"].on) == "read console"


def test_who_goes_on_while_its_child_is_not_done_is_asynchronous() -> None:
    script = family()
    found = seated(script)
    assert where(found["start"]) == ASYNCHRONOUS
    assert found["start"].why.figures == {"child": 2, "number": 1, "cpu_ns": 7 * MS}
    assert where(found["child"]) == SYNCHRONOUS
    assert wording.seat(found["start"].why, None) == "goes on, child 2 is not done"
    assert (
        wording.seat(seated(script.admit("more", parent="start"))["start"].why, None)
        == "goes on, 2 children are not done"
    )


def test_who_waits_for_its_child_is_not() -> None:
    found = seated(family().block("start", "wait for child", pid=2).run("child").later("5ms"))
    assert where(found["start"]) == SYNCHRONOUS_BLOCKING


def test_and_none_is_whose_child_is_done() -> None:
    found = seated(family().expire("start").run("child").later("1ms").exit("child").run("start").later("5ms"))
    assert where(found["start"]) == SYNCHRONOUS
    assert "child" not in found, "who has ended sits nowhere"


def test_who_waits_for_the_first_of_several_is_asynchronous_and_blocks() -> None:
    script = KernelScript().admit("one").admit("two").run("one").block("one", "poll", on="127.0.0.1:9001")
    found = seated(script.run("two").later("5ms").block("two", "poll", on="pipe, socket"))
    assert where(found["one"]) == SYNCHRONOUS_BLOCKING
    assert where(found["two"]) == ASYNCHRONOUS_BLOCKING
    assert wording.seat(found["two"].why, found["two"].on) == "poll pipe, socket"


def test_who_has_a_socket_and_hardly_ever_waits_asks_again_and_again() -> None:
    script = KernelScript().admit("server").admit("client").admit("patient").run("server")
    sockets = [
        Listening(0, 1, 1, "127.0.0.1:9001", 5),
        Connected(0, 2, "127.0.0.1:5000", "127.0.0.1:9001", None, 2),
        Listening(0, 3, 3, "127.0.0.1:9002", 5),
    ]
    script.later("90ms")
    assert seated(script, *sockets)["server"].why.rule == "computes", "it may be at its beginnings"
    script.later("20ms").expire("server").run("patient").later("10ms").block("patient", "accept")
    script.run("client").later("120ms").wake("patient").expire("client").run("patient").later("5ms")
    found = seated(script, *sockets)
    assert {where(seat) for seat in found.values()} == {SYNCHRONOUS}
    assert found["server"].why.rule == found["client"].why.rule == "asks again and again"
    assert found["client"].why.figures == {"at": "127.0.0.1:9001", "cpu_ns": 120 * MS, "blocked_ns": 0}
    assert found["patient"].why.rule == "computes", "it had waited before"


def test_every_reason_is_a_sentence() -> None:
    for script in (family(), family().block("start", "wait for child"), family().block("start", "poll", on="a, b")):
        for name, seat in seated(script).items():
            said = wording.seat_reason(name, seat.why, seat.on)
            assert said.startswith(f"{name} ")
            assert "{" not in said
            assert said.endswith(".")


def test_nobody_sits_anywhere_before_he_is_ready() -> None:
    assert seated(KernelScript(), Admitted(0, 1, "new", "new")) == {}
