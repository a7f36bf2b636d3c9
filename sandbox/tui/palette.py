"""The two themes, and how everything that is drawn line by line looks in each; a state is never told by its colour
alone, and without colours (NO_COLOR) by none."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style
from textual.theme import Theme

from sandbox.kernel.states import State

#: What stands beside a process of each state.
SIGNS = {State.NEW: "N", State.READY: "R", State.RUNNING: "▶", State.BLOCKED: "B", State.EXITED: "✔"}
FAILED_SIGN = "✘"

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
    variables={
        "line": "#3d4855",
        "foreground-muted": "#8b96a5",
        "scrollbar": "#3d4855",
        "scrollbar-hover": "#566473",
        "scrollbar-active": "#6cb6ff",
        "scrollbar-background": "#0f1419",
        "scrollbar-background-hover": "#0f1419",
        "scrollbar-background-active": "#0f1419",
    },
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
    variables={
        "line": "#a9b2bc",
        "foreground-muted": "#5b646e",
        "scrollbar": "#a9b2bc",
        "scrollbar-hover": "#858f9a",
        "scrollbar-active": "#0550ae",
        "scrollbar-background": "#fbfcfd",
        "scrollbar-background-hover": "#fbfcfd",
        "scrollbar-background-active": "#fbfcfd",
    },
)


class Palette(NamedTuple):
    """Styles. ``cursor`` lies under the chosen process's line; ``turn`` and ``next_turn`` are a CPU's turns in the
    timeline, one after the other."""

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
    turn: Style
    next_turn: Style

    def on(self, base: Style) -> Palette:
        """The same on a background: what is drawn with it needs no more styling."""
        return Palette(*(style if style is self.cursor else base + style for style in self))

    def state(self, state: State) -> Style:
        """The style of a state."""
        match state:
            case State.READY:
                return self.ready
            case State.RUNNING:
                return self.running
            case State.BLOCKED:
                return self.blocked
            case State.EXITED:
                return self.done
        return self.dim


def _palette(theme: Theme, dim: str, cursor: str, turns: tuple[str, str]) -> Palette:
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
        turn=Style(color=theme.foreground, bgcolor=turns[0]),
        next_turn=Style(color=theme.foreground, bgcolor=turns[1]),
    )


ON_DARK = _palette(DARK, dim="#8b96a5", cursor="#2b3a4d", turns=("#2f5a38", "#244a2d"))
ON_LIGHT = _palette(LIGHT, dim="#5b646e", cursor="#cfe3fa", turns=("#bfe3c4", "#d9efdc"))
PLAIN = Palette(
    text=Style(),
    dim=Style(),
    strong=Style(bold=True),
    ready=Style(),
    running=Style(bold=True),
    blocked=Style(),
    done=Style(),
    failed=Style(bold=True),
    paused=Style(bold=True, reverse=True),
    cursor=Style(bold=True, underline=True),
    turn=Style(reverse=True),
    next_turn=Style(reverse=True, bold=True),
)
