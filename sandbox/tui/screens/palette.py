"""The command palette: every action by its name, in the order of the help."""

from __future__ import annotations

from typing import Any

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider

from sandbox.i18n import _
from sandbox.tui.keys import ACTIONS
from sandbox.tui.widgets.lines import SteadyScreen


class Actions(Provider):
    """Textual's own sorts names by their code points, which is no order in Chinese. Whoever knows an action's English
    name finds it in any language."""

    async def discover(self) -> Hits:
        for name, says, does, *_rest in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(name, does, help=says)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        english = {_(action.name): action.name for action in ACTIONS}
        for name, says, does, *_rest in self.app.get_system_commands(self.screen):
            score = max(matcher.match(name), matcher.match(english.get(name, name)))
            if score > 0:
                yield Hit(score, matcher.highlight(name), does, help=says)


class Palette(CommandPalette, SteadyScreen[None]):  # Textual takes styles and keys from the first one
    """All of them, to be searched by name. Textual's own looks for its list even when it has been closed before it
    was complete: this one closes when it is."""

    def __init__(self) -> None:
        super().__init__(providers=[Actions], placeholder=_("Type what it is called…"), id="--command-palette")

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, and gather nothing more. Once: it may have gone."""
        if self.app.screen_stack[-1:] != [self]:
            return AwaitComplete()
        if not self.query(CommandList):
            self.call_after_refresh(self.dismiss, result)
            return AwaitComplete()
        self.workers.cancel_node(self)
        return super().dismiss(result)
