"""The two themes, and the styles for everything drawn line by line. No state is distinguished by colour alone, and
without colours (NO_COLOR) styles have none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from rich.style import Style
from textual.app import App
from textual.theme import Theme

from sandbox.model.states import State
from sandbox.views.console import PLAIN as PLAIN_LOOK
from sandbox.views.console import Colour, Look

#: The signs of processes by state.
SIGNS = {
    State.NEW: "N",
    State.READY: "R",
    State.RUNNING: "▶",
    State.BLOCKED: "B",
    State.STOPPED: "T",  # as in ps(1)
    State.EXITED: "✔",
}
FAILED_SIGN = "✘"
#: The sign of a zombie, as in ps(1).
ZOMBIE_SIGN = "Z"

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


def in_sixteen(theme: Theme) -> Theme:
    """Return a theme for terminals with sixteen colours, where the nearest colours to the theme's own would mostly be
    white."""
    return replace(theme, **(_DARK_IN_SIXTEEN if theme.dark else _LIGHT_IN_SIXTEEN))


_DARK_IN_SIXTEEN: dict[str, Any] = {
    "primary": "#55ffff",
    "secondary": "#55ffff",
    "warning": "#ffff55",
    "error": "#ff5555",
    "success": "#55ff55",
    "accent": "#ffff55",
    "foreground": "#aaaaaa",
    "background": "#000000",
    "surface": "#000000",
    "panel": "#000000",
}
_LIGHT_IN_SIXTEEN: dict[str, Any] = {
    "primary": "#0000aa",
    "secondary": "#0000aa",
    "warning": "#aa5500",
    "error": "#aa0000",
    "success": "#00aa00",
    "accent": "#aa5500",
    "foreground": "#000000",
    "background": "#ffffff",
    "surface": "#ffffff",
    "panel": "#ffffff",
}


#: The numbered colours in pictures of the screen, as in the themes.
VALUES_OF_SIXTEEN = (
    *("#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa"),
    *("#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff"),
)


class Palette(NamedTuple):
    """The styles of a theme. ``cursor`` lies under the chosen process's line; ``ran_while_ready`` is for a timeline
    cell during part of which the process was running and for the rest READY; ``later`` lies over anything later than
    the time looked at. ``hues`` distinguish processes on a CPU's lane; ``many`` is used where there are too many for
    that. ``sixteen``: the colours that programs refer to by number."""

    text: Style
    dim: Style
    strong: Style
    ready: Style
    running: Style
    ran_while_ready: Style
    blocked: Style
    done: Style
    failed: Style
    paused: Style
    past: Style
    cursor: Style
    many: Style
    later: Style
    hues: tuple[Style, ...]
    sixteen: tuple[str, ...]

    def on(self, base: Style) -> Palette:
        """Return the palette on a background, so that no further styling is needed."""
        kept = ("cursor", "later", "hues", "sixteen")
        return self._replace(**{name: base + style for name, style in self._asdict().items() if name not in kept})

    def hue(self, pid: int) -> Style:
        """Return the style that distinguishes a process from others."""
        return self.hues[pid % len(self.hues)]

    def look(self, look: Look) -> Style:
        """Return the style of text written by a program."""
        if look == PLAIN_LOOK:
            return self.text
        base = self.dim if look.dim and look.colour is None else self.text
        colour, ground = (self._colour(colour) for colour in (look.colour, look.ground))
        return base + Style(
            color=colour,
            bgcolor=ground,
            bold=look.bold or None,
            italic=look.italic or None,
            underline=look.underline or None,
            reverse=look.reverse or None,
            strike=look.strike or None,
        )

    def _colour(self, colour: Colour) -> str | None:
        if not self.sixteen:
            return None
        return self.sixteen[colour] if isinstance(colour, int) else colour

    def state(self, state: State) -> Style:
        """Return the style of a state."""
        match state:
            case State.READY:
                return self.ready
            case State.RUNNING:
                return self.running
            case State.BLOCKED:
                return self.blocked
            case State.STOPPED:
                return self.ready
            case State.EXITED:
                return self.done
        return self.dim


def _palette(
    theme: Theme,
    dim: str,
    cursor: str,
    ready: str,
    many: str,
    ink: str | None,
    hues: tuple[str, ...],
    sixteen: tuple[str, ...],
) -> Palette:
    return Palette(
        text=Style(color=theme.foreground),
        dim=Style(color=dim),
        strong=Style(color=theme.foreground, bold=True),
        ready=Style(color=theme.warning),
        running=Style(color=theme.success, bold=True),
        ran_while_ready=Style(color=theme.success, bgcolor=ready),
        blocked=Style(color=theme.primary),
        done=Style(color=dim),
        failed=Style(color=theme.error),
        paused=Style(color=theme.background, bgcolor=theme.warning, bold=True),
        past=Style(color=theme.background, bgcolor=theme.primary, bold=True),
        cursor=Style(bgcolor=cursor),
        many=Style(bgcolor=many),
        later=Style(dim=True),
        hues=tuple(Style(color=ink, bgcolor=hue) for hue in hues),
        sixteen=sixteen,
    )


# The hues differ from the colours of states.
ON_DARK = _palette(
    DARK,
    dim="#8b96a5",
    cursor="#2b3a4d",
    ready="#443c2d",
    many="#2a5233",
    ink="#ffffff",
    hues=("#6d5aa6", "#1f7a80", "#9c4f74", "#6b7029", "#8f5a35", "#56687d", "#40539c", "#7f4391"),
    sixteen=(
        *("#3a424d", "#e06c60", "#7ec87e", "#d8a657", "#5d9ff0", "#c586c0", "#56b6c2", "#c3cad4"),
        *("#6b7685", "#ff8f86", "#9fe39f", "#f2c97d", "#8bc1ff", "#e3a9de", "#7fd6e0", "#ffffff"),
    ),
)
ON_LIGHT = _palette(
    LIGHT,
    dim="#5b646e",
    cursor="#cfe3fa",
    ready="#dfd4be",
    many="#c4e6c8",
    ink=LIGHT.foreground,
    hues=("#d3c9f2", "#b5e0e2", "#f2c4d9", "#dfe3a0", "#f0cfae", "#c3cfdd", "#b9c8f5", "#e6bdf0"),
    sixteen=(  # colours that are bright in the dark theme are dark here
        *("#1f2328", "#b3261e", "#1a7f37", "#8a5a00", "#0550ae", "#8f3f8a", "#0b7285", "#6b747e"),
        *("#4a525b", "#cf222e", "#116329", "#6f4800", "#0a3069", "#6e2c6a", "#095c6b", "#8b949e"),
    ),
)
PLAIN = Palette(
    text=Style(),
    dim=Style(),
    strong=Style(bold=True),
    ready=Style(),
    running=Style(bold=True),
    ran_while_ready=Style(bold=True),
    blocked=Style(),
    done=Style(),
    failed=Style(bold=True),
    paused=Style(bold=True, reverse=True),
    past=Style(bold=True, reverse=True),
    cursor=Style(bold=True, underline=True),
    many=Style(bgcolor="#808080"),
    later=Style(dim=True),
    hues=(
        Style(color="#ffffff", bgcolor="#404040"),
        Style(color="#000000", bgcolor="#b0b0b0"),
        Style(color="#ffffff", bgcolor="#6a6a6a"),
    ),
    sixteen=(),
)


#: The numbered colours, as names, so that the terminal's own colours are used.
_SIXTEEN = (
    *("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"),
    *("bright_black", "bright_red", "bright_green", "bright_yellow"),
    *("bright_blue", "bright_magenta", "bright_cyan", "bright_white"),
)


def _palette_of_sixteen(text: str, strong: str, bright: str, cursor: str, hues: tuple[Style, ...]) -> Palette:
    """Return a palette for terminals with sixteen colours, where the nearest colours to the theme's own would be white
    for most states. ``bright``: the prefix of colour names that stand out from the background."""
    return Palette(
        text=Style(color=text),
        dim=Style(color="bright_black" if not bright else "white"),
        strong=Style(color=strong, bold=True),
        ready=Style(color=f"{bright}yellow"),
        running=Style(color=f"{bright}green", bold=True),
        ran_while_ready=Style(color=f"{bright}green", bgcolor="yellow"),
        blocked=Style(color=f"{bright}cyan" if bright else "blue"),
        done=Style(color="bright_black" if not bright else "white"),
        failed=Style(color=f"{bright}red"),
        paused=Style(color="black", bgcolor="yellow", bold=True),
        past=Style(color="bright_white", bgcolor="blue", bold=True),
        cursor=Style(bgcolor=cursor),
        many=Style(bgcolor="green"),
        later=Style(color="bright_black"),
        hues=hues,
        sixteen=_SIXTEEN,
    )


SIXTEEN_ON_DARK = _palette_of_sixteen(
    *("white", "bright_white", "bright_", "blue"),
    tuple(
        Style(color="black" if ground in ("white", "cyan") else "bright_white", bgcolor=ground)
        for ground in ("magenta", "cyan", "red", "white", "blue")
    ),
)
SIXTEEN_ON_LIGHT = _palette_of_sixteen(
    *("black", "black", "", "white"),
    tuple(Style(color="black", bgcolor=f"bright_{ground}") for ground in ("magenta", "cyan", "red", "yellow", "blue")),
)


def palette_of(app: App[Any]) -> Palette:
    """Return the palette of the present theme, in the colours that the terminal has."""
    dark = app.current_theme.dark
    if app.no_color:
        return PLAIN
    if app.console.color_system == "standard":
        return SIXTEEN_ON_DARK if dark else SIXTEEN_ON_LIGHT
    return ON_DARK if dark else ON_LIGHT
