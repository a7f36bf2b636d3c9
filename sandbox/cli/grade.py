"""``ossandbox grade``: marks for submissions, in a room for strangers' code."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sandbox import policies, wording
from sandbox.analysis.grading import formats, report
from sandbox.analysis.grading.assignment import Assignment
from sandbox.analysis.grading.marks import Graded
from sandbox.analysis.grading.messages import GradeTask
from sandbox.analysis.grading.reader import read
from sandbox.analysis.grading.run import Submission, grade, grade_on
from sandbox.analysis.sweep.executors import Cluster, Unavailable
from sandbox.cli.exits import DONE, FAILED, Interrupted, Interruption
from sandbox.cli.run_options import SEED, Given
from sandbox.i18n import _, english
from sandbox.model.problems import BadInput
from sandbox.model.values import Whole, nearest, shown
from sandbox.render.output import binary, data, say, write_file
from sandbox.render.progress import Pace
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines, print_table
from sandbox.util.cpus import usable_cpus
from sandbox.util.stdin import NAME
from sandbox.util.text import clean_line

#: The kinds of reports; those in ``_ONE_EACH`` are one for each submission.
_KINDS = ("text", "gradescope", "classroom50", "junit", "csv", "json")
_ONE_EACH: dict[str, Callable[[Graded, Assignment], dict[str, Any]]] = {
    "gradescope": formats.gradescope,
    "classroom50": formats.classroom50,
}
_DAY_S = 86_400
#: Characters of a student's name.
_MAX_NAME = 60
#: Characters that are replaced by an underscore in names of files.
_PLAIN = re.compile(r"[^\w.@+-]")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("tasks", metavar="TASKS.toml", help=_("the tasks and their points"))
    parser.add_argument(
        "submissions",
        nargs="+",
        metavar="SUBMISSION",
        help=_("a student's file, or a folder of files or of students' folders"),
    )
    parser.add_argument("--to", choices=_KINDS, default="text", help=_("which report (default: text)"))
    parser.add_argument(
        "-o", "--output", metavar="PATH", help=_("write it to this file; for one file per student, to this folder")
    )
    parser.add_argument("--seed", metavar="N", help=_("the seed of hidden workloads, instead of the file's"))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", metavar="N", help=_("the number of concurrent judges (default: the number of CPUs)"))
    where.add_argument("--on", metavar="ADDRESS", help=_("run on the workers of this Dask scheduler: tcp://HOST:8786"))
    parser.add_argument(
        "--trust", action="store_true", help=_("go on even if this system has no namespaces to isolate untrusted code")
    )


class GradeOptions(NamedTuple):
    """The arguments of the command."""

    assignment: Assignment
    submissions: list[Submission]
    kind: str
    output: str | None
    jobs: int
    on: str | None
    trust: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> GradeOptions:
        """Read the arguments. Raises one BadInput for all that is wrong."""
        given = Given(args)
        seed, jobs = given.value("seed", SEED), given.value("jobs", Whole(1, 1024)) or len(usable_cpus())
        on = given.scheduler()
        given.check()
        assignment = read(args.tasks)
        if seed is not None:
            assignment.spec.seed = seed
        if on is not None:
            _check_travels(args.tasks, assignment)
        submissions = _told_apart([*_submissions(args.submissions, assignment)], assignment.spec.file)
        names = [each.name for each in submissions]
        if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
            raise BadInput.because(_("options"), "two submissions of one name", value=shown(twice))
        output = None if args.output == NAME else args.output
        if args.to in _ONE_EACH and len(submissions) > 1 and output is None:
            raise BadInput.because(f"--to {args.to}", "a folder for many", hint="-o FOLDER")
        return cls(assignment, submissions, args.to, output, jobs, on, args.trust)


def _check_travels(path: str, assignment: Assignment) -> None:
    """Raise BadInput if the assignment names files of the teacher, which workers on other machines do not have."""
    specs = [task.spec for task in assignment.tasks]
    deciders = [name for spec in specs for name in (spec.like, spec.reference, *spec.beside)]
    programs = [
        each.python for task in assignment.tasks if task.scenario is not None for each in task.scenario.processes
    ]
    named = [assignment.spec.reference, *deciders, *programs]
    for name in named:
        if name is not None and name.partition(":")[0].endswith(".py"):
            raise BadInput.because(path, "not while travelling", value=shown(os.path.basename(name)))


def _submissions(words: Sequence[str], assignment: Assignment) -> Iterator[Submission]:
    """Yield the submissions. Raises BadInput."""
    for word in words:
        if os.path.isdir(word):
            yield from _in_folder(word, assignment)
        elif word.partition(":")[0] in policies.names():
            yield Submission(word, word)
        elif (file := word.partition(":")[0]).endswith(".py") or os.sep in word:
            yield _submission(os.path.basename(file).removesuffix(".py"), word, assignment)
        else:
            names = policies.names()
            figures = {"value": shown(word), "allowed": " | ".join(names), "hint": nearest(word, names)}
            raise BadInput.because(_("options"), "no such policy", **figures)


def _told_apart(submissions: list[Submission], own: str | None) -> list[Submission]:
    """Name submissions by their folders if several files have one name, or the name that was asked for."""
    names = [each.name for each in submissions]
    found = []
    for each in submissions:
        folder, file = os.path.split(os.path.abspath(each.what.partition(":")[0]))
        alike = names.count(each.name) > 1 or file == own
        given = os.path.dirname(each.what) not in ("", ".")
        named = alike and given and each.name == file.removesuffix(".py")
        found.append(each._replace(name=os.path.basename(folder)) if named else each)
    return _distinct(found)


def _distinct(submissions: list[Submission]) -> list[Submission]:
    """Give each submission a unique name that is safe to print, and unique as the name of a file, too."""
    taken: set[str] = set()
    found = []
    for each in submissions:
        name = only = clean_line(each.name, _MAX_NAME) or "?"
        number = 1
        while (file := _file_name(only).casefold()) in taken:
            number += 1
            only = f"{name}-{number}"
        taken.add(file)
        found.append(each._replace(name=only))
    return found


def _file_name(student: str) -> str:
    return _PLAIN.sub("_", student).lstrip(".") or "_"


def _in_folder(folder: str, assignment: Assignment) -> Iterator[Submission]:
    """Yield the submissions in a folder, which is that of a student, or has files and folders of students."""
    own = assignment.spec.file
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    files = [each.name for each in entries if each.name.endswith(".py") and not each.is_dir()]
    folders = [each.name for each in entries if each.is_dir() and not each.name.startswith((".", "_"))]
    student = os.path.basename(os.path.abspath(folder))
    if own is not None and own in files:
        yield _submission(student, os.path.join(folder, own), assignment)
        return
    if not files and not folders:
        if own is None:
            raise BadInput.because(folder, "no submissions")
        yield Submission(student, os.path.join(folder, own), False)
        return
    for name in files:
        yield _submission(name.removesuffix(".py"), os.path.join(folder, name), assignment)
    for name in folders:
        yield _of_student(os.path.join(folder, name), name, assignment)


def _of_student(folder: str, student: str, assignment: Assignment) -> Submission:
    """Return the submission in a student's folder: the file that was asked for, or the only one."""
    own = assignment.spec.file
    try:
        files = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    except OSError:
        files = []
    name = own if own is not None else files[0] if len(files) == 1 else "*.py"
    return _submission(student, os.path.join(folder, name), assignment)


def _submission(student: str, what: str, assignment: Assignment) -> Submission:
    file = what.partition(":")[0]
    try:
        handed_in_s = os.stat(file).st_mtime
    except (OSError, ValueError):
        return Submission(student, what, False)
    if not os.path.isfile(file):
        return Submission(student, what, False)
    due = assignment.spec.due
    days = 0 if due is None or handed_in_s <= due else math.ceil((handed_in_s - due) / _DAY_S)
    return Submission(student, what, True, days)


def do(args: argparse.Namespace) -> int:
    """Grade all submissions, and write the report."""
    options = GradeOptions.of(args)
    if options.on is None and not options.trust and (why := _unfenced()) is not None:
        complain(why)
        return FAILED
    try:
        everyone = _judged(options)
    except Unavailable as unavailable:
        complain(wording.run_failed(unavailable.what))
        return FAILED
    except Interrupted as interrupted:
        return interrupted.status
    for each in everyone:
        if each.status == "missing":
            complain(_("{name}: there is no file {file}").format(name=each.name, file=each.file))
    _report(options, everyone)
    return DONE


def _unfenced() -> str | None:
    """Return why untrusted code cannot be isolated here; None if it can."""
    if sys.platform == "linux":
        from sandbox.machines.linux.room import probe

        try:
            fences = probe()
        except (OSError, ValueError):
            fences = None
        if fences is not None and fences.apart and fences.files:
            return None
    return _("this system has no namespaces to isolate untrusted code (see: doctor); --trust goes on without")


def _judged(options: GradeOptions) -> list[Graded]:
    """Grade all submissions. Raises Unavailable and Interrupted."""
    task = GradeTask("", options.assignment, strict=not options.trust)
    progress = Pace(sum(each.is_there for each in options.submissions), _("{done} of {total} submissions"))
    interruption = Interruption()
    place = None if options.on is None else Cluster(options.on)
    try:
        with interruption:
            if place is not None:
                found = grade_on(place, options.submissions, task, progress.step)
            else:
                found = grade(options.submissions, task, options.jobs, progress.step)
            with interruption.while_waiting():
                return [*found]
    finally:
        progress.end()
        if place is not None:
            place.close()


def _report(options: GradeOptions, everyone: list[Graded]) -> None:
    """Print the report, or write it to a file. Raises BadInput."""
    assignment = options.assignment
    if options.kind == "text":
        _text(options, everyone)
        return
    with english():
        if (one := _ONE_EACH.get(options.kind)) is not None:
            texts = {each.name: json.dumps(one(each, assignment), indent=2) + "\n" for each in everyone}
            if len(texts) > 1 or (options.output is not None and os.path.isdir(options.output)):
                _write_each(options.output or ".", texts, ".json")
                return
            whole = next(iter(texts.values())).encode()
        elif options.kind == "junit":
            whole = formats.as_junit(everyone, assignment)
        elif options.kind == "csv":
            whole = formats.as_csv(everyone, assignment).encode()
        else:
            whole = json.dumps([formats.document(each, assignment) for each in everyone]).encode() + b"\n"
    if options.output is not None:
        write_file(options.output, whole)
    elif options.kind == "junit":
        with binary() as out:
            out.write(whole)
    else:
        with data() as out:
            out.write(whole.decode())


def _text(options: GradeOptions, everyone: list[Graded]) -> None:
    """Print a page for each student, or write it to a folder, and print the table of marks."""
    assignment = options.assignment
    if options.output is not None:
        _write_each(options.output, {each.name: formats.page(each, assignment) + "\n" for each in everyone}, ".txt")
    else:
        for each in everyone:
            print_lines([*report.page(each, assignment, chart_width()), [("", "text")]])
    head, rows = report.table(everyone, assignment)
    print_table(head, rows, left={0, len(head) - 1})
    say("", *report.legend(assignment))


def _write_each(folder: str, texts: dict[str, str], suffix: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise BadInput.because(folder, "cannot be written", reason=error.strerror) from None
    for name, text in texts.items():
        write_file(os.path.join(folder, _file_name(name) + suffix), text.encode())
