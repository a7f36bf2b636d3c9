"""``ossandbox lesson NAME``: a lesson in the app, as plain text, or put to the test."""

from __future__ import annotations

import argparse
from io import StringIO
from typing import TYPE_CHECKING, cast

import msgspec
from rich.cells import cell_len

from sandbox import wording
from sandbox.cli import app
from sandbox.cli.exits import DONE, FAILED, Interruption
from sandbox.cli.headless import RunObserver, drive_real, drive_virtual
from sandbox.cli.recordings import complain_of, opened_lesson
from sandbox.cli.run_options import Given, RunOptions, prepare, recorder, unstretched
from sandbox.i18n import _, english, spoken
from sandbox.lessons.plain import plain
from sandbox.lessons.text import fill, lesson_text
from sandbox.lessons.whatif import imagined
from sandbox.model.events import AnyEvent, Event
from sandbox.model.problems import BadInput
from sandbox.model.schemas import CLAIM, stamped
from sandbox.model.spec import Scenario
from sandbox.render.cells import fit
from sandbox.render.output import say, say_document
from sandbox.render.progress import Progress
from sandbox.render.stderr import complain
from sandbox.util.text import clean
from sandbox.views.figures import Figure, figures
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import Verdict, happenings, judge

if TYPE_CHECKING:
    from sandbox.trace.record import Recorder


#: Columns of a chart in a handout.
_CHART = 80


class LessonRun(RunObserver):
    """A run of a lesson without the app."""

    def __init__(self, scenario: Scenario, recorder: Recorder | None) -> None:
        super().__init__(Interruption(), recorder)
        self.scenario = scenario
        self.tracker = LessonTracker(happenings(scenario.claims))
        self.events: list[AnyEvent] = []

    def show(self, event: Event) -> None:
        self.events.append(cast(AnyEvent, event))
        self.tracker.add(event)
        super().show(event)

    def figures(self) -> dict[str, Figure]:
        """Return the figures of the run, and those of imagined runs with other settings."""
        return imagined(self.scenario) | figures(self.history, self.tracker)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", metavar="NAME", help=_("a lesson's name (see: lessons), or a scenario file"))
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--plain", action="store_true", help=_("run it without the app, and print its text"))
    says = _("a page to print: the text, questions with space for answers, a chart of the run, and the answers")
    form.add_argument("--handout", choices=("md", "html"), help=says)
    form.add_argument("--check", action="store_true", help=_("run it without the app, and check its claims"))
    parser.add_argument("--json", action="store_true", help=_("with --check: as JSON"))
    says = _("use the recording of a real run that comes with the lesson instead of running it")
    parser.add_argument("--recorded", action="store_true", help=says)
    app.add_options(parser)


def do(args: argparse.Namespace) -> int:
    """Open the app, print the text, or check the claims."""
    given = Given(args)
    options = RunOptions.read(given)
    if args.json and not args.check:
        given.add("--json", "belongs to another option", hint="--check")
    given.check()
    recorded = args.recorded or (not args.check and app.has_only_recording(options))
    if not (args.plain or args.check or args.handout):
        return app.open_recorded(options, args.ascii) if recorded else app.open_app(options, args.ascii)
    if recorded and not args.recorded:
        complain(app.recording_notice())
    run, status = _replay(options) if recorded else _run(options)
    if status != DONE:
        return status
    known = run.figures()
    if args.check:
        return _check(judge(run.scenario.claims, run.tracker, known), args.json, run.scenario.machine.seed)
    shown = {name: figure.shown for name, figure in known.items()}
    text = fill(clean(lesson_text(run.scenario, spoken()) or ""), run.scenario, shown)
    say(_handout(run, text, args.handout) if args.handout else plain(text).rstrip("\n"))
    return DONE


def _handout(run: LessonRun, text: str, form: str) -> str:
    """Return the handout of a lesson, as Markdown or HTML."""
    from sandbox.lessons.handout import as_html, as_markdown, handout

    paper = handout(text)
    if form == "md":
        from sandbox.render.gantt import chart, legend

        drawn = ["".join(piece for piece, _tone in line).rstrip() for line in chart(run.history, _CHART)]
        return as_markdown(paper, "\n".join([*drawn, "", legend(run.history)])).rstrip()
    from sandbox.export import svg
    from sandbox.export.material import gather
    from sandbox.trace.header import describe

    picture = StringIO()
    titled = msgspec.structs.replace(run.scenario, title=paper.title or run.scenario.title)
    svg.write(gather(describe(titled, None), run.events), picture)
    return as_html(paper, picture.getvalue(), spoken()).rstrip()


def _replay(options: RunOptions) -> tuple[LessonRun, int]:
    """Read the recording that comes with the lesson. Returns the run and the exit status."""
    with opened_lesson(options.scenario) as recording:
        run = LessonRun(recording.header.scenario, None)
        run.take(recording.events())
    complain_of(recording)
    return run, DONE


def _run(options: RunOptions) -> tuple[LessonRun, int]:
    """Run the lesson. Returns the run and the exit status."""
    boot = prepare(options, real=not options.virtual)
    for said in unstretched(options, boot.scenario):
        complain(said)
    if boot.scenario.lesson is None:
        raise BadInput.because(options.scenario, "has no lesson")
    run = LessonRun(boot.scenario, recorder(options, boot.scenario))
    progress = Progress(1)
    progress.next(boot.scenario.name)
    try:
        if options.virtual:
            return run, drive_virtual(boot.scenario, run)
        return run, drive_real(boot, run, options.strict)
    finally:
        progress.end()


def _check(verdicts: list[Verdict], as_json: bool, seed: int) -> int:
    """Print which claims hold, and what was found. Returns the exit status."""
    if as_json:
        with english():
            found = [
                stamped(CLAIM, {"claim": each.claim.text, "held": each.held, "found": _found(each)}, seed)
                for each in verdicts
            ]
        say_document(found)
    else:
        width = max((cell_len(each.claim.text) for each in verdicts), default=0)
        for each in verdicts:
            say(f"{'✔' if each.held else '✘'} {fit(each.claim.text, width)}   {_found(each)}")
    return DONE if all(each.held for each in verdicts) else FAILED


def _found(verdict: Verdict) -> str:
    return wording.finding(verdict.found)
