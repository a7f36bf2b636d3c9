"""Failures of policies from files as data: what has gone wrong and where, for the policy's author."""

from __future__ import annotations

import linecache
import os
import re
import sys
from collections.abc import Collection, Iterator
from types import TracebackType

import sandbox
from sandbox.i18n import N_
from sandbox.model.clause import Clause, Figure
from sandbox.policies.base import Policy
from sandbox.policies.host import validate
from sandbox.policies.host.validate import InvalidAnswer
from sandbox.util.text import clean, clean_line
from sandbox.util.timeout import Timeout

_TRACEBACK_MOST, _FRAMES_MOST = 4_000, 20
#: The folder of this package: frames in it are not the author's code.
_FOLDER = sandbox.__path__[0] + os.sep
#: How ``faulthandler`` writes a stack.
_DUMP = "(most recent call first):\n"
_FRAME = re.compile(r'^  File "(.+)", line ([0-9]{1,9}) in (.+)$', re.MULTILINE)
#: How it writes characters that are not ASCII.
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4}))")


class Reported(Exception):
    """A failure that has happened in another process, as data."""

    def __init__(self, what: Clause) -> None:
        self.what = what


def failure(policy: Policy, callback: str, error: BaseException) -> Clause:
    """Return the fault of a policy whose ``callback`` has raised. This may run code of the exception's class."""
    if type(error) is Reported and _is_plain(error.what):
        return error.what
    figures: dict[str, Figure] = {"policy": policy.name, "callback": callback}
    where = _where_failed(policy, error.__traceback__)
    if where is None and isinstance(error, InvalidAnswer):
        figures |= {"answer": error.answer, "allowed": error.allowed, **_place(_where_defined(policy, callback))}
        return Clause("policy answers nonsense", figures)
    figures |= {**_place(where or _where_defined(policy, callback)), "traceback": traceback_of(error)}
    if isinstance(error, Timeout):
        return Clause("policy takes too long", figures)
    return Clause("policy raises", {**figures, "error": reason(error)})


def _is_plain(what: Clause) -> bool:
    """Whether a clause consists of plain values, so that it can be used as it is. The policy may have made it."""
    return type(what.rule) is str and all(
        type(name) is str and type(figure) in (str, int, float, type(None)) for name, figure in what.figures.items()
    )


def bare(policy: str, callback: str, kind: type[BaseException] | None, traceback: TracebackType | None) -> Clause:
    """Return a fault without the exception's text, which cannot be had because asking for it raises an exception of
    this kind. No code of the policy is run."""
    places = [(link.tb_frame.f_code.co_filename, link.tb_lineno) for link in _links(traceback)]
    where = next((place for place in reversed(places) if not _ours(place[0])), None)
    figures: dict[str, Figure] = {"policy": policy, "callback": callback, **_place(where)}
    if kind is Timeout:
        return Clause("policy takes too long", figures)
    return Clause("policy raises", {**figures, "error": N_("something that cannot be shown")})


def reason(error: BaseException) -> str:
    """Return an exception as one line that is safe to print."""
    name = validate.plain(type(error).__name__)
    try:
        words = validate.plain(str(error))
    except Timeout:
        raise
    except BaseException:  # raised by the exception's own __str__
        words = ""
    return clean_line(f"{name}: {words}" if words else name)


def failing_line(error: BaseException, path: str) -> int | None:
    """Return the last line of the file at ``path`` in an exception's traceback; None if there is none."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [link.tb_lineno for link in _links(error.__traceback__) if link.tb_frame.f_code.co_filename == path]
    return lines[-1] if lines else None


def traceback_of(error: BaseException) -> str:
    """Return the traceback as text, without frames of this package."""
    import traceback  # imported only after a failure, to keep the kernel process small

    links = [link for link in _links(error.__traceback__) if not _ours(link.tb_frame.f_code.co_filename)]
    if len(links) > 2 * _FRAMES_MOST:  # the beginning and the end of an endless recursion suffice
        links = links[:_FRAMES_MOST] + links[-_FRAMES_MOST:]
    frames = traceback.StackSummary.extract((link.tb_frame, link.tb_lineno) for link in links)
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames), reason(error)]
    return clean("".join(lines))[-_TRACEBACK_MOST:]


def hang(words: str, readable: Collection[str] | None = None) -> dict[str, Figure] | None:
    """Return where a policy was according to a stack that ``faulthandler`` has dumped; None if there is no such stack.
    ``readable``: the files whose lines may be shown, for dumps that may be forged; None: all files."""
    dump = words.rpartition(_DUMP)[2] if _DUMP in words else ""
    frames = [(_plain(file), int(line), _plain(name)) for file, line, name in _FRAME.findall(dump)]
    ours = [index for index, frame in enumerate(frames) if _ours(frame[0])]
    frames = frames[: ours[-1]] if ours else frames  # what is further out has called us
    frames = [frame for frame in frames if not _ours(frame[0]) and not frame[0].startswith("<")]
    if not frames:
        return None
    import traceback

    def code(file: str, line: int) -> str:
        return linecache.getline(file, line) if readable is None or file in readable else ""

    policy, _, callback = frames[-1]
    file, line, _ = next(frame for frame in frames if frame[0] == policy)
    stack = traceback.StackSummary.from_list([(*frame, code(*frame[:2])) for frame in reversed(frames)])
    text = "".join(["Stack (most recent call last):\n", *stack.format()])
    where = _place((file, line), code(file, line))
    return {"callback": clean_line(callback), **where, "traceback": clean(text)[-_TRACEBACK_MOST:]}


def _plain(escaped: str) -> str:
    """Decode the escapes that a dump has for characters that are not ASCII."""
    return _ESCAPE.sub(lambda found: chr(int(found[found.lastindex or 0], 16)), escaped)


Place = tuple[str, int]


def _place(where: Place | None, code: str | None = None) -> dict[str, Figure]:
    if where is None:
        return {}
    file, line = where
    code = linecache.getline(file, line) if code is None else code
    return {"file": clean_line(os.path.basename(file)), "line": line, "code": clean_line(code, 100)}


def _where_failed(policy: Policy, traceback: TracebackType | None) -> Place | None:
    """Return the innermost place in the policy's file, else in another file that is not ours; None if there is none."""
    places = [(link.tb_frame.f_code.co_filename, link.tb_lineno) for link in _links(traceback)]
    places = [place for place in places if not _ours(place[0])]
    module = sys.modules.get(type(policy).__module__)
    own = [place for place in places if place[0] == getattr(module, "__file__", None)]
    return next(reversed(own or places), None)


def _where_defined(policy: Policy, callback: str) -> Place | None:
    code = getattr(getattr(type(policy), callback, None), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else None


def _links(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _ours(file: str) -> bool:
    return file.startswith(_FOLDER)


def cause_of_death(words: str) -> Clause:
    """Return why a kernel process has died, from its last words: where a policy hangs, or their last line."""
    return cause(words, hangs="policy hangs", died="kernel process died")


def cause_of_end(words: str) -> Clause:
    """Return why a command has died that ran a policy in its own process."""
    return cause(words, hangs="command hangs", died="command died")


def cause(words: str, hangs: str, died: str, readable: Collection[str] | None = None) -> Clause:
    """Return a clause with the rule ``hangs`` if the words contain the stack of a hanging policy, else ``died``.
    ``readable``: see ``hang``."""
    figures = hang(words, readable)
    if figures is not None:
        return Clause(hangs, figures)
    lines = words.splitlines()
    return Clause(died, {"reason": clean_line(lines[-1]) if lines else N_("it was killed")})
