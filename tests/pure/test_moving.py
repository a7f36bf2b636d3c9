"""Pictures of a run that move by themselves."""

from __future__ import annotations

import io
from typing import cast
from xml.etree import ElementTree

from sandbox.export import svg
from sandbox.export.material import gather
from sandbox.export.moving import MAX_CHIPS
from sandbox.model.events import AnyEvent
from sandbox.trace.header import describe
from tests.support.scenarios import process, scenario, simulate

SVG = "{http://www.w3.org/2000/svg}"


def picture(count: int = 2) -> ElementTree.Element:
    world = scenario(*(process(f"<{number}>&", "cpu 30ms", "io 20ms", "cpu 10ms") for number in range(count)))
    file, events = io.StringIO(), cast(list[AnyEvent], simulate(world))
    svg.write(gather(describe(world, None), events), file, moving=True)
    return ElementTree.fromstring(file.getvalue())  # noqa: S314 - we have written it


def chips(drawn: ElementTree.Element) -> list[ElementTree.Element]:
    return [group for group in drawn.iter(f"{SVG}g") if group.find(f"{SVG}animateTransform") is not None]


def test_each_move_has_its_place_and_its_time() -> None:
    for animated in picture().iter():
        if "keyTimes" in animated.attrib:
            times = [float(time) for time in animated.attrib["keyTimes"].split(";")]
            assert len(times) == len(animated.attrib["values"].split(";"))
            assert times == sorted(set(times))
            assert times[0] == 0
            assert times[-1] <= 1


def test_a_process_goes_from_column_to_column_and_ends_in_the_last() -> None:
    first, _second = chips(picture())
    move = first.find(f"{SVG}animateTransform")
    assert move is not None
    places = [float(place.split()[0]) for place in move.attrib["values"].split(";")]
    ready, running, blocked, done = 36, 348, 660, 972
    assert places[-1] == done
    assert {running, blocked, done} <= set(places) <= {ready, running, blocked, done}
    assert first.attrib["transform"].startswith(f"translate({done}")


def test_of_many_processes_the_first_are_on_the_board_and_all_in_the_chart() -> None:
    drawn = picture(MAX_CHIPS + 3)
    assert len(chips(drawn)) == MAX_CHIPS
    said = ["".join(text.itertext()) for text in drawn.iter(f"{SVG}text")]
    assert any("<14>&" in each for each in said)
