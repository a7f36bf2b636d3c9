"""The resident of a room: ``python -m sandbox.analysis.conformance.resident SECONDS HOW FILE…``.

It runs the policy in virtual time, and only reports what the policy answered. The judge uses these answers in a kernel
of its own, so manipulating this process is pointless.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import stat
import sys
import traceback

import msgspec

from sandbox.analysis.conformance import tries
from sandbox.analysis.conformance.messages import (
    NOTHING,
    AnyAnswer,
    AnyQuestion,
    Classes,
    Decide,
    Decided,
    Introduced,
    Refused,
    WhatPolicy,
    WhichClasses,
    decode_question,
)
from sandbox.analysis.conformance.trial import LIMIT_S, Bound, NoEnd, Quiet, enter
from sandbox.analysis.conformance.verdicts import IDLE, STARVED
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.analysis.tidying import TIDYING
from sandbox.machines.simulate import simulate
from sandbox.model.clause import Figure
from sandbox.model.spec import TIES, MachineSpec, Scenario
from sandbox.model.values import BadValue
from sandbox.policies import build, choice
from sandbox.policies.base import Policy
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.loader import MAX_BYTES, classes, imports, limit_executions
from sandbox.policies.host.remote import Call, Said, Seat, Seated
from sandbox.policies.host.replay import Failed, Log, logging_in
from sandbox.util.paths import NONBLOCK, PLAIN
from sandbox.util.timeout import ALARM

#: How long one call of a policy may take here, and running its file.
_PATIENCE_S = 5.0
#: A file whose executions have taken longer in all (in CPU time) is not executed again for each run.
_ALL_EXECUTIONS_S = 1.0

_encode = msgspec.json.Encoder().encode


def main(paths: list[str]) -> None:
    """Answer questions until the standard input is closed. The process then exits at once, so that no code of the
    policy runs on.

    ``paths``: seconds of CPU time, whether the room must be a strict one, and the paths of the files.
    """
    questions, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    cpu_s, how, *files = paths
    fenced = False
    if sys.platform == "linux":
        from sandbox.machines.linux.room import Limits, enclose
        from sandbox.util import libc

        libc.end_with_reader(answers)
        fences = enclose(
            Limits(cpu_s=int(cpu_s)), {path: data for path in files if (data := _content(path)) is not None}
        )
        fenced = fences.apart and fences.files
    if how == "strict" and not fenced:
        os.write(2, tries.NO_FENCES.encode())
        os._exit(1)
    ALARM.be_patient(_PATIENCE_S)
    limit_executions(_ALL_EXECUTIONS_S)
    ALARM.end_hanging_process()  # C code cannot be interrupted in another way
    tries.watch(files, nothing)
    gc.freeze()  # what is loaded by now need not be looked through when policies are freed
    sys.stderr = open(nothing, "w", closefd=False)
    resident = _Resident()
    try:
        for line in questions:
            answer = _encode(resident.answer(decode_question(line))) + b"\n"
            while answer:
                answer = answer[os.write(answers, answer) :]
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def _content(path: str) -> bytes | None:
    """Return the content of a file; None if it does not exist or is no plain file any more."""
    try:
        with open(os.open(path, os.O_RDONLY | NONBLOCK | PLAIN), "rb") as file:
            return file.read(MAX_BYTES + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None


class _Resident:
    """Answers one question after the other. ``_seated`` schedules real processes."""

    def __init__(self) -> None:
        self._seated: Seated | None = None

    def answer(self, question: AnyQuestion) -> AnyAnswer:
        faulthandler.dump_traceback_later(LIMIT_S, exit=True, file=2)
        try:
            match question:
                case WhichClasses(nonce, file):
                    return Classes(nonce, classes(file), imports(file))
                case WhatPolicy(nonce, text):
                    return _introduced(nonce, text)
                case Decide():
                    return _decided(question)
                case Seat():
                    return self._seat(question)
                case Call() if self._seated is not None:
                    return self._seated.answer(question)
                case _:
                    return Refused(question.nonce, [])
        except BadValue as bad:
            return Refused(question.nonce, bad.faults)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _seat(self, seat: Seat) -> Said:
        try:
            self._seated = Seated(seat, ALARM)
        except BadValue as bad:
            return Said(seat.nonce, msgspec.Raw(_encode([_failed_to_start(bad)])))
        return Said(seat.nonce, msgspec.Raw(b"[]"))


def _introduced(nonce: int, text: str) -> Introduced:
    _, source, parameters = choice.parse(text)
    log: Log = []
    policy = build(MachineSpec(policy=source, parameters=parameters), alarm=ALARM, guard=logging_in(log))
    try:
        declared = [law for law, says in ((IDLE, policy.idles), (STARVED, policy.starves)) if says]
    except Failed:
        _, rule, figures = log[-1]
        raise BadValue("policy does not start", value=source, reason=_told(rule, figures)) from None
    ties = next(ties for ties in TIES if ties == policy.kind.ties)
    return Introduced(nonce, source, parameters, policy.kind.name, ties, declared)


def _told(rule: str, figures: dict[str, Figure]) -> str:
    """Return what the policy reports of its failure, or the rule that it has broken."""
    if rule == "policy answers nonsense":
        return f"{figures['callback']}: {figures['answer']} instead of {figures['allowed']}"
    return f"{figures['callback']}: {figures.get('error') or rule}"


def _decided(question: Decide) -> Decided:
    """Return what the policy answers in one run or in two. A run that fails is not repeated: it is not compared with
    another one, which would spin or sleep as long as the first."""
    first, fails = _answers(question)
    second = _answers(question)[0] if question.twice and not fails else NOTHING
    return Decided(question.nonce, first, second)


def _answers(question: Decide) -> tuple[msgspec.Raw, bool]:
    """Return what the policy answers in this world, until the end or its failure, and whether it has failed."""
    world = enter(question.world, question.source, question.parameters)
    log: Log = []
    fails = True
    try:
        with TIDYING.after_run():
            simulate(world, Bound(world).take, factory=_Logged(question.world, world, log))
        fails = False
    except Quiet:
        fails = False
    except (Failed, NoEnd):
        pass
    except _NotAgain as not_again:
        log.append(_failed_to_start(not_again.bad))
    except BadValue as bad:
        log.append(_failed_to_start(bad))
    return msgspec.Raw(_encode(log)), fails


class _Logged(PolicyFactory):
    """Creates the policies of a run, and records the answers of the examined one only."""

    def __init__(self, asked: Scenario, entered: Scenario, log: Log) -> None:
        super().__init__(entered.machine, alarm=ALARM, guard=logging_in(log))
        self._examined = asked.machine.policy == EXAMINED

    def first(self) -> Policy:
        return super().first() if self._examined else build(self._spec)

    def next(self, name: str, present: Policy) -> Policy:
        try:
            return super().next(name, present)
        except BadValue as bad:
            raise _NotAgain(bad) from None


class _NotAgain(Exception):
    """The policy could be created before, but not again. (In the middle of a run the kernel would handle a BadValue,
    and continue with the present policy.)"""

    def __init__(self, bad: BadValue) -> None:
        super().__init__()
        self.bad = bad


def _failed_to_start(bad: BadValue) -> list[object]:
    """Return the failure to create a policy in the form of a failure of its first call."""
    figures = bad.what.figures
    error = figures.get("reason") or bad.what.rule
    return ["fail", "policy raises", {**figures, "callback": "__init__", "error": error, "file": figures.get("value")}]


if __name__ == "__main__":
    main(sys.argv[1:])
