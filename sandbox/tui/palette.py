"""The two themes, and the colours of the states in each; a state is never told by its colour alone."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style
from textual.theme import Theme

from sandbox.kernel.states import State

#: What stands beside a process of each state, and what a cell of the timeline shows.
SIGNS = {State.NEW: "N", State.READY: "R", State.RUNNING: "▶", State.BLOCKED: "B", State.EXITED: "✔"}
FAILED_SIGN = "✘"
CELLS = {State.READY: "░", State.BLOCKED: "·"}

DARK = Theme(
    name="ossandbox-dark",
    primary="#6cb6ff",
    secondary="#539bf5",
    warning="#e5b567",
    error="#ff7b72",
    success="#7ec87e",
    accent="#e5b567",
    foreground="#d5dae1",
    background="#0f1419",
    surface="#151b23",
    panel="#1f2731",
    dark=True,
)
LIGHT = Theme(
    name="ossandbox-light",
    primary="#0550ae",
    secondary="#0969da",
    warning="#8a5a00",
    error="#cf222e",
    success="#1a7f37",
    accent="#8a5a00",
    foreground="#1f2328",
    background="#fbfcfd",
    surface="#f3f5f7",
    panel="#e6eaee",
    dark=False,
)


class Palette(NamedTuple):
    """Styles for everything that is drawn line by line."""

    text: Style
    dim: Style
    strong: Style
    ready: Style
    running: Style
    blocked: Style
    done: Style
    failed: Style
    paused: Style
    cursor: Style

    def state(self, state: State) -> Style:
        """The style of a state."""
        return {
            State.NEW: self.dim,
            State.READY: self.ready,
            State.RUNNING: self.running,
            State.BLOCKED: self.blocked,
            State.EXITED: self.done,
        }[state]


def palette(theme: Theme, dim: str, cursor: str) -> Palette:
    """The palette of a theme."""
    return Palette(
        text=Style(color=theme.foreground),
        dim=Style(color=dim),
        strong=Style(color=theme.foreground, bold=True),
        ready=Style(color=theme.warning),
        running=Style(color=theme.success, bold=True),
        blocked=Style(color=theme.primary),
        done=Style(color=dim),
        failed=Style(color=theme.error),
        paused=Style(color=theme.background, bgcolor=theme.warning, bold=True),
        cursor=Style(bgcolor=cursor),
    )


ON_DARK = palette(DARK, dim="#7d8896", cursor="#2b3a4d")
ON_LIGHT = palette(LIGHT, dim="#656d76", cursor="#cfe3fa")
