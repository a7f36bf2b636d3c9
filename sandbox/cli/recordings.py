"""Opens recordings for commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.model.problems import BadInput, problems_of
from sandbox.model.values import BadValue
from sandbox.scenario import find, load, recording_of
from sandbox.trace.load import Recording


@contextmanager
def opened(path: str) -> Iterator[Recording]:
    """Open a recording and read its header. ``path``: a file, or the name of a lesson that comes with a recording.
    Raises BadInput, also for errors that are found later, within the context."""
    if recording_of(path) is not None and not os.path.exists(path):
        with opened_lesson(path) as recording:
            yield recording
        return
    try:
        yield Recording(path)
    except BadValue as bad:
        raise BadInput(path, problems_of(bad)) from None


@contextmanager
def opened_lesson(name: str) -> Iterator[Recording]:
    """Open the recording that comes with a lesson. Raises BadInput if there is none."""
    path = recording_of(name)
    if path is None:
        raise BadInput.because(name, "comes with no recording")
    with opened(str(path)) as recording:
        recording.header.scenario = load(find(name))  # with its text and claims, which recordings lack
        yield recording


def complain_of(recording: Recording) -> None:
    """Print the problems of reading a recording. They are complete once all of it was read."""
    from sandbox import wording
    from sandbox.render.stderr import complain

    for problem in recording.problems:
        complain(f"{recording.path}: {wording.recording(problem)}")
