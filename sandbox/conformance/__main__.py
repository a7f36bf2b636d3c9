"""The process that examines policies: ``python -m sandbox.conformance``, started by ``sandbox.conformance.apart``.

Somebody's own file may hang, print or end the process; here it can do so without harm.
"""

from __future__ import annotations

import ast
import faulthandler
import os
import signal
import sys
from collections.abc import Callable

from sandbox import policies
from sandbox.alarm import CLOCK
from sandbox.conformance.examination import examine
from sandbox.conformance.trial import LIMIT_S, Candidate
from sandbox.conformance.wire import Begun, Judged, Message, Refusal, Request, Trying, decode_request, encode
from sandbox.conformance.worlds import worlds
from sandbox.kinds import Refused


def main() -> None:
    """Examine what the first line of the standard input asks for."""
    if sys.platform == "linux":
        from sandbox.machines.linux import libc

        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    upward = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what policies print is not for us

    def tell(message: Message) -> None:
        upward.write(encode(message) + b"\n")
        upward.flush()

    request = decode_request(sys.stdin.buffer.readline())
    try:
        sources = _sources(request.what)
    except Refused as refused:
        tell(Refusal([clause for _, clause in refused.faults]))
        return
    for source in sources:
        _examine(source, request, tell)


def _examine(source: str, request: Request, tell: Callable[[Message], None]) -> None:
    tell(Begun(source))
    candidate = Candidate(source, os.path.abspath(source) if ":" in source else source)
    for verdict in examine(
        candidate, request.like, worlds(request.seed, request.worlds), lambda number: tell(Trying(number))
    ):
        tell(Judged(verdict))


def _sources(what: str) -> list[str]:
    """The policies that are meant. Raises Refused."""
    faulthandler.dump_traceback_later(LIMIT_S, exit=True)
    try:
        if not what.endswith(".py"):
            _find(what)
            return [what]
        found = [f"{what}:{name}" for name in _classes(what) if _is_policy(f"{what}:{name}")]
    finally:
        faulthandler.cancel_dump_traceback_later()
    if not found:
        raise Refused("no policy in the file", value=what)
    return found


def _classes(path: str) -> list[str]:
    """The classes of a file, private ones left out. Raises Refused for a file that cannot be read."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except OSError as error:
        raise Refused("cannot be read", reason=error.strerror) from None
    except SyntaxError:
        return ["?"]  # who loads it says it better
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def _find(source: str) -> None:
    """Load the policy's file and see what is in it. Raises Refused."""
    with CLOCK:
        policies.find(source)


def _is_policy(source: str) -> bool:
    try:
        _find(source)
    except Refused as refused:
        if refused.faults[0][1].rule == "not a policy":
            return False
        raise
    return True


if __name__ == "__main__":
    main()
