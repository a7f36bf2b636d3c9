"""Recordings that commands read."""

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
    """A recording, its beginning read: a file, or that which comes with the lesson of that name. Raises BadInput, also
    for what is found to be wrong while it is read."""
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
    """The recording of a real run that comes with a lesson. Raises BadInput where none does."""
    path = recording_of(name)
    if path is None:
        raise BadInput.because(name, "comes with no recording")
    with opened(str(path)) as recording:
        recording.header.scenario = load(find(name))  # our own: its text and its claims are to be had
        yield recording


def complain_of(recording: Recording) -> None:
    """Say what could not be read of it; complete when all was read."""
    from sandbox import wording
    from sandbox.render.stderr import complain

    for problem in recording.problems:
        complain(f"{recording.path}: {wording.recording(problem)}")
