"""The tests of faults would notice: each is tried on a copy of the project in which what it tests is out of order."""

from __future__ import annotations

import pytest

from tests.support.changed import ChangedProject
from tests.support.controls import CONTROLS, Control

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ChangedProject:
    return ChangedProject(tmp_path_factory.mktemp("changed"))


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "control",
    [pytest.param(each, id=f"f{each.row:02}", marks=() if each.quick else pytest.mark.thorough) for each in CONTROLS],
)
def test_a_test_fails_when_what_it_tests_is_out_of_order(project: ChangedProject, control: Control) -> None:
    outcomes = project.outcomes(control.test, control.changes)
    if outcomes.get("skipped"):
        pytest.skip("that test is skipped on this machine")
    assert outcomes.get("failed") or outcomes.get("error"), f"nobody notices that {control.without}"


@pytest.mark.thorough
def test_what_is_in_order_passes(project: ChangedProject) -> None:
    """In the copy as such nothing fails: what a control sees is its change's doing."""
    for control in (each for each in CONTROLS if each.quick):
        assert project.outcomes(control.test, []).keys() == {"passed"}
