"""A machine that is told to pause where its lesson does asks for it as soon as the step is done."""

from __future__ import annotations

from sandbox.kernel.kernel import Kernel
from sandbox.link.server import pausing_at_steps
from sandbox.model.claims import parse_happening
from sandbox.model.commands import Command, Pause
from sandbox.model.events import Event
from sandbox.model.spec import Step
from sandbox.policies.fcfs import FirstComeFirstServed
from tests.support.kernel_script import KernelScript


class Heard:
    """What has been sent, and asked for."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.asked: list[Command] = []

    def emit(self, events: list[Event]) -> None:
        self.sent += events

    def ask(self, command: Command) -> None:
        self.asked.append(command)


STEPS = [Step(parse_happening("a runs"), pause=True), Step(parse_happening("a exits")), Step(parse_happening("b runs"))]


def test_it_pauses_at_the_very_event() -> None:
    link, kernel = Heard(), Kernel(FirstComeFirstServed())
    kernel.pacing.at_steps = True
    emit = pausing_at_steps(STEPS, kernel, link)
    script = KernelScript().admit("a").admit("b")
    emit([*script.take()])
    assert link.asked == []
    emit([*script.run("a").take()])
    assert link.asked == [Pause("lesson")]
    emit([*script.exit("a").run("b").take()])
    assert link.asked == [Pause("lesson")], "the others do not pause"
    assert len(link.sent) >= 5


def test_whose_lesson_is_hidden_is_not_stopped() -> None:
    link, kernel = Heard(), Kernel(FirstComeFirstServed())
    emit = pausing_at_steps(STEPS, kernel, link)
    emit([*KernelScript().admit("a").run("a").take()])
    assert link.asked == []
