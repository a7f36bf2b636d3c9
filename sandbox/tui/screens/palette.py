"""The command palette: every action by name, in the order of the help."""

from __future__ import annotations

from typing import Any

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider

from sandbox.i18n import _
from sandbox.tui.keys import ACTIONS


class Actions(Provider):
    """The actions offered by the palette. Textual's own provider sorts names by code points, which is no useful order
    in Chinese. The English names of actions are found in any language."""

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


class Palette(CommandPalette):
    """The palette of all actions. Unlike Textual's own, it can be closed before its list is complete: Textual's would
    fail then, so closing waits for the list."""

    def __init__(self) -> None:
        super().__init__(providers=[Actions], placeholder=_("Type what it is called…"), id="--command-palette")

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close the palette, once its list exists, and stop gathering. Ignored if it is closed already."""
        if self.app.screen_stack[-1:] != [self]:
            return AwaitComplete()
        if not self.query(CommandList):
            self.call_after_refresh(self.dismiss, result)
            return AwaitComplete()
        self.workers.cancel_node(self)
        return super().dismiss(result)
