"""The dialog to choose a scheduling policy, each shown with its rule, its drawbacks and its parameters."""

from __future__ import annotations

import os

from sandbox import policies, wording
from sandbox.i18n import _
from sandbox.model.values import BadValue, nearest
from sandbox.policies.host.loader import classes
from sandbox.tui.interaction import permitted
from sandbox.tui.screens.dialogs import ChooseOrType, Offer
from sandbox.util.text import clean_line
from sandbox.wording.policies import rule_and_rest


class ChoosePolicy(ChooseOrType):
    """A dialog whose result is a policy's name or ``file.py:Class``. The file is only read here; the kernel process
    runs it."""

    def __init__(self, present: str, title: str = "") -> None:
        offers = [_offer(name) for name in policies.names()]
        typed = _("or a policy of yours, for example ~/mine.py:Mine")
        super().__init__(title or _("Scheduling policy"), offers, present, typed)

    def accept(self, id: str) -> None:
        """Close with this policy, or show why there is no such policy."""
        if id not in policies.names() and not permitted(self):
            return
        try:
            self.dismiss(_source(id))
        except BadValue as bad:
            self.refuse(wording.problem(bad.what))


def _source(text: str) -> str:
    """Return the policy that is meant: the class may be omitted for a file with a single one. Raises BadValue."""
    file, __, name = text.partition(":")
    if not file.endswith(".py"):
        policies.find(text)
        return text
    path = os.path.abspath(file)
    found = classes(path)
    if name and name not in found:
        meant, shown = nearest(name, found), clean_line(os.path.basename(file))
        raise BadValue("no such class", value=clean_line(name), file=shown, hint=meant and clean_line(meant))
    if not name and len(found) != 1:
        allowed = clean_line(" | ".join(f"{os.path.basename(file)}:{one}" for one in found)) or "file.py:Class"
        raise BadValue("which class", value=clean_line(text), allowed=allowed)
    return f"{path}:{name or found[0]}"


def _shown(value: object) -> str:
    """Format a value as in a scenario, not as in Python."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _offer(name: str) -> Offer:
    try:
        kind = policies.find(name)
    except BadValue:
        return Offer(name, name, _("(does not load)"))
    rule, bad = rule_and_rest(kind.__doc__)
    lines = [rule, bad]
    lines += [
        _("{name} = {value}: {says} ({allowed})").format(
            name=parameter.name, value=_shown(parameter.default), says=_(parameter.says), allowed=parameter.kind.range()
        )
        for parameter in kind.declared()
    ]
    return Offer(name, name, rule, "\n".join(filter(None, lines)))
