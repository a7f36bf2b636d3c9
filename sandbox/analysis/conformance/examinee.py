"""A policy under examination: it answers in its room, and its decisions are carried out here."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import msgspec

from sandbox.analysis.conformance.messages import NOTHING, Decide, Decided, Introduced, Refused, WhatPolicy
from sandbox.analysis.conformance.room import Room, RoomEnded, nonce
from sandbox.analysis.conformance.trial import MISFIT, Trial, attempt, enter
from sandbox.analysis.conformance.verdicts import IDLE, STARVED, Violation
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.model.clause import Clause
from sandbox.model.spec import Guest, Scenario
from sandbox.model.values import BadValue
from sandbox.policies.base import Policy
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.policies.host import validate
from sandbox.policies.host.guard import Guard
from sandbox.policies.host.replay import Log, Replayed

_decode = msgspec.json.Decoder(list[Any]).decode


class _Asked(NamedTuple):
    """A question about a world that was not answered yet."""

    world: Scenario
    nonce: int


class Examinee:
    """A policy that lives in a room. ``name``: as the user wrote it; ``text``: its name in the room; ``left_s``: how
    long its examination may take."""

    def __init__(self, name: str, text: str, room: Room, left_s: float) -> None:
        """Ask the policy to introduce itself. Raises BadValue if there is no such policy, and RoomEnded."""
        self.name = name
        self.room = room
        self._hurry_s = time.monotonic() + left_s / 2
        question = WhatPolicy(nonce(), text)
        room.ask(question)
        answer = room.answer_or_refusal(question.nonce, Introduced)
        if isinstance(answer, Refused):
            raise validate.bad_value(BadValue.all(answer.faults or [("", Clause(MISFIT))]))
        self._policy: Introduced = answer
        self.declared = [law for law in (IDLE, STARVED) if law in self._policy.declared]
        self._ended: Clause | None = None
        self._asked: list[_Asked] = []
        #: The world that was tried last, with the answers of both runs.
        self._last: tuple[Scenario, Decided] | None = None

    @property
    def guest(self) -> Guest:
        """The policy as the kernel process needs it, to schedule real processes."""
        known = self._policy
        return Guest(known.source, known.parameters, known.name, known.ties)

    @property
    def hurried(self) -> bool:
        """Whether half of the time is over."""
        return self._ended is not None or time.monotonic() > self._hurry_s

    def expect(self, world: Scenario, twice: bool = True) -> None:
        """Ask about the next world in advance, so that the room computes while the judge evaluates the previous
        answers."""
        if self._ended is None:
            self._ask(world, twice)

    def _ask(self, world: Scenario, twice: bool) -> _Asked:
        asked = _Asked(world, nonce())
        self._asked.append(asked)
        self.room.ask(Decide(asked.nonce, self._policy.source, self._policy.parameters, world, twice))
        return asked

    def attempt(self, world: Scenario) -> Trial:
        """Return what happens if a kernel gets the answers that the policy gave."""
        try:
            decided = self._decide(world)
        except RoomEnded as ended:
            self._ended = ended.what
            return Trial([], Violation(ended.what, 0))
        self._last = (world, decided)
        return self._play(world, bytes(decided.first))

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        """Return the events of a second run. If its answers are the same, so are the events."""
        if self._last is None or self._last[0] is not world:
            return trial.events
        first, second = bytes(self._last[1].first), bytes(self._last[1].second)
        if second == bytes(NOTHING):
            try:
                second = bytes(self._decide(world).first)
            except RoomEnded as ended:
                self._ended = ended.what
                return trial.events
        return trial.events if second == first else self._play(world, second).events

    def _decide(self, world: Scenario) -> Decided:
        if self._ended is not None:
            raise RoomEnded(self._ended)
        asked = next((each for each in self._asked if each.world is world), None) or self._ask(world, twice=False)
        self._asked.remove(asked)
        return self.room.answer(asked.nonce, Decided)

    def _play(self, world: Scenario, answers: bytes) -> Trial:
        try:
            log: Log = _decode(answers)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return Trial([], Violation(Clause(MISFIT), 0))
        replay = _Replay(world, log, self._policy)
        trial = attempt(enter(world, self._policy.source, self._policy.parameters), replay)
        if trial.failure is None and not replay.done:
            return Trial(trial.events, Violation(Clause(MISFIT), trial.events[-1].t_ns))
        return trial


class _Replay:
    """The policies of a run in which the examined one is represented by its answers."""

    def __init__(self, world: Scenario, log: Log, policy: Introduced) -> None:
        self._examined = world.machine.policy == EXAMINED
        self._seed = world.machine.seed
        members = {"name": validate.line(policy.name, 40) or "policy", "ties": policy.ties}
        self._replayed: Replayed = type("Played", (Replayed,), members)(log)
        self._replayed.source = policy.source

    @property
    def done(self) -> bool:
        return self._replayed.done

    def first(self) -> Policy:
        return Guard(self._replayed) if self._examined else FirstComeFirstServed(seed=self._seed)

    def next(self, name: str, present: Policy) -> Policy:
        return Guard(self._replayed)
