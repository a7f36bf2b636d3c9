"""The judge's side of a room: asks the policy in it, and finds out why there is no answer."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from select import select
from typing import TypeVar

import msgspec

from sandbox.analysis.conformance import tries
from sandbox.analysis.conformance.messages import Answer, AnyAnswer, AnyQuestion, Refused, decode_answer
from sandbox.analysis.conformance.trial import LIMIT_S, OVER_LIMIT, TOO_LONG
from sandbox.link.pipes import Sink, Source
from sandbox.model.clause import Clause
from sandbox.policies.host.failures import cause
from sandbox.util.scratch import unnamed_file

#: The maximum size of an answer, and of the standard error that is read, in bytes.
MAX_ANSWER, _MAX_WORDS = 8 << 20, 1 << 16
#: The resident gives up by itself after ``LIMIT_S`` per question, and reports where. After this additional time we do.
_GRACE_S = 2.0
#: The interval of checking whether the resident has ended, while another process holds its pipe open.
_LOOK_S = 0.1
#: How long the porter may take to sweep.
_MAX_SWEEP_S = 4.0
#: Variables (or prefixes) of the environment that are passed on. Others may contain secrets.
_ENVIRONMENT = ("PATH", "LANG", "LC_", "TZ", "PYTHONPATH", "OSSANDBOX_")

#: The beginning of the dump of a stack that is written when the time for a question is over.
_DUMPED = "Timeout (0:"

A = TypeVar("A", bound=Answer)
_encode = msgspec.json.Encoder().encode


class RoomEnded(Exception):
    """There will be no more answers. ``what``: the reason."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


class Room:
    """One process, with limits, in which a policy is examined.

    ``files``: those that can be read there; ``limit_s``: its limit of CPU time; ``give_up_s``: when its time is over
    (monotonic); ``strict``: whether it refuses to run a policy if the system has no namespaces.
    """

    def __init__(self, files: list[str], limit_s: float, give_up_s: float, strict: bool = False) -> None:
        self._files, self._limit_s, self._give_up_s = files, limit_s, give_up_s
        self._tried: list[Clause] | None = None
        self._unsent = bytearray()
        self._heard = bytearray()
        self._answers: dict[int, AnyAnswer] = {}
        self._asked: set[int] = set()
        self._stderr = unnamed_file()
        how = [str(max(int(limit_s), 1) + 1), "strict" if strict else "lenient"]
        environment = {name: text for name, text in os.environ.items() if name.startswith(_ENVIRONMENT)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-m", "sandbox.analysis.conformance.resident", *how, *files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = Sink(self._process.stdin), Source(self._process.stdout, blocks=False)

    def begin(self, limit_s: float) -> None:
        """Start its time now, with a new limit."""
        self._limit_s, self._give_up_s = limit_s, time.monotonic() + limit_s

    @property
    def descriptors(self) -> tuple[int, int]:
        """The descriptors to which questions are written, and from which answers are read, for another process that
        asks from now on."""
        return self._in.fileno(), self._out.fileno()

    @property
    def ended(self) -> bool:
        """Whether the process in it has ended."""
        return self._process.poll() is not None

    def ask(self, question: AnyQuestion) -> None:
        """Ask a question, whose answer is read later. Questions are answered one after the other."""
        self._asked.add(question.nonce)
        self._unsent += _encode(question) + b"\n"
        self._send()

    def answer(self, nonce: int, kind: type[A]) -> A:
        """Return the answer to a question. Raises RoomEnded."""
        answer = self._answer(nonce)
        if not isinstance(answer, kind):
            raise RoomEnded(Clause("answers do not fit"))
        return answer

    def answer_or_refusal(self, nonce: int, kind: type[A]) -> A | Refused:
        """Return the answer to a question, or that there is no such policy. Raises RoomEnded."""
        answer = self._answer(nonce)
        if not isinstance(answer, (kind, Refused)):
            raise RoomEnded(Clause("answers do not fit"))
        return answer

    def _answer(self, nonce: int) -> AnyAnswer:
        give_up_s = min(time.monotonic() + (LIMIT_S + _GRACE_S) * len(self._asked), self._give_up_s)
        while nonce not in self._answers:
            if time.monotonic() >= give_up_s:
                raise RoomEnded(self._late())
            self._exchange(give_up_s)
        return self._answers.pop(nonce)

    def _late(self) -> Clause:
        if time.monotonic() >= self._give_up_s:
            return Clause(OVER_LIMIT, {"limit_ns": round(self._limit_s * 1e9)})
        return Clause(TOO_LONG, {"callback": ""})

    def _exchange(self, give_up_s: float) -> None:
        """Send and receive what is possible at once, or wait for a moment."""
        wait_s = max(min(_LOOK_S, give_up_s - time.monotonic()), 0)
        readable, _, _ = select([self._out], [self._in] if self._unsent else [], [], wait_s)
        self._send()
        if not readable:
            if self._process.poll() is not None:
                raise RoomEnded(self.end_of_it())
            return
        data = self._out.read(1 << 18)
        if not data:
            raise RoomEnded(self.end_of_it())
        self._heard += data
        *lines, rest = self._heard.split(b"\n") if b"\n" in data else [self._heard]
        self._heard = rest
        for line in lines:
            self._take(bytes(line))
        if len(self._heard) > MAX_ANSWER:
            raise RoomEnded(Clause("answers do not fit"))

    def _send(self) -> None:
        while self._unsent:
            try:
                del self._unsent[: self._in.write(self._unsent)]
            except BlockingIOError:
                return
            except OSError:  # it has ended, which reading will show
                self._unsent.clear()

    def _take(self, line: bytes) -> None:
        """Process one answer, to a question that was asked and not answered yet. Raises RoomEnded."""
        try:
            answer = decode_answer(line) if len(line) <= MAX_ANSWER else None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            answer = None
        if answer is None or answer.nonce not in self._asked:
            raise RoomEnded(Clause("answers do not fit"))
        self._asked.remove(answer.nonce)
        self._answers[answer.nonce] = answer

    def end_of_it(self) -> Clause:
        """Return why there are no more answers."""
        try:
            self._process.wait(_MAX_SWEEP_S)
        except subprocess.TimeoutExpired:
            pass
        self._stderr.seek(max(self._stderr.seek(0, os.SEEK_END) - _MAX_WORDS, 0))
        words = self._stderr.read().decode(errors="replace")
        if tries.NO_FENCES in words:
            return Clause("no room")
        words = "\n".join(line for line in words.split("\n") if not line.startswith(tries.MARK)).strip()
        why = cause(words, hangs=TOO_LONG, died="ends the process", readable=self._files)
        if why.rule != TOO_LONG and _DUMPED in words:  # while our own code was running
            why = Clause(TOO_LONG, {"callback": ""})
        return why

    @property
    def tried(self) -> list[Clause]:
        """What the policy has tried in the room, as far as known."""
        if self._tried is not None:
            return self._tried
        if sys.platform == "win32":  # where a file cannot be read without moving its position
            return []
        words = os.pread(self._stderr.fileno(), _MAX_WORDS, 0)  # its position is shared with the process that writes
        return tries.read(words.decode(errors="replace"))

    def end(self) -> None:
        """End all processes in it. The porter sweeps, or, if it was killed, we do."""
        self._in.close()
        self._out.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_MAX_SWEEP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._tried = self.tried
        self._stderr.close()
        if sys.platform == "linux":
            from sandbox.machines.linux.process.sweep import end_descendants

            end_descendants()


def nonce() -> int:
    """Return a number that cannot be guessed."""
    return secrets.randbits(62)
