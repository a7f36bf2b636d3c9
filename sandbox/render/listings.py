"""What there is to choose from: policies with their rules and parameters, and the rules of one instant."""

from __future__ import annotations

import inspect
import shutil
import sys
from typing import Any

from sandbox import policies
from sandbox.i18n import _
from sandbox.kernel.kernel import Kernel
from sandbox.policies.base import Policy
from sandbox.render.cells import wrap

#: What happens at one instant, in which order.
RULES = tuple(inspect.cleandoc(method.__doc__ or "") for method in (Kernel.tell, Kernel.decide))


def says(kind: type[Policy]) -> tuple[str, str]:
    """A policy's docstring: its rule, and when it is bad, each on one line."""
    return rule_and_rest(kind.__doc__ or "")


def rule_and_rest(docstring: str) -> tuple[str, str]:
    """The first paragraph of a policy's docstring, and all others, each on one line, in the reader's language."""
    rule, _blank, rest = inspect.cleandoc(docstring).replace("``", "").partition("\n\n")
    return _(" ".join(rule.split())), _(" ".join(rest.split()))


def policy_documents() -> list[dict[str, Any]]:
    """Every policy as JSON carries it."""
    documents = []
    for name in policies.names():
        kind = policies.find(name)
        rule, bad = says(kind)
        documents.append(
            {
                "name": name,
                "rule": rule,
                "bad": bad,
                "ties": kind.ties,
                "parameters": [
                    {
                        "name": parameter.name,
                        "says": parameter.says,
                        "default": parameter.default,
                        "allowed": parameter.kind.range(),
                    }
                    for parameter in kind.declared()
                ],
            }
        )
    return documents


def print_policies() -> None:
    """Every policy: its rule, when it is bad, its parameters; lines end where the terminal does, if it is one."""
    width = min(shutil.get_terminal_size().columns, 110) if sys.stdout.isatty() else 10_000
    for name in policies.names():
        kind = policies.find(name)
        print(name)
        for text in says(kind):
            print(*wrap(text, width, indent=" " * 4, first=" " * 4), sep="\n")
        for parameter in kind.declared():
            default = parameter.kind.write(parameter.kind.read(parameter.default))
            said = _("{says}; {allowed}").format(says=_(parameter.says), allowed=parameter.kind.range())
            print(*wrap(f"{parameter.name:<12}{default:<18}{said}", width, indent=" " * 36, first=" " * 6), sep="\n")
        print()


def rules() -> str:
    """The order of things at one instant, as the kernel's own docstrings say it."""
    ties = [f"  {name:<10} {policies.find(name).ties}" for name in policies.names()]
    heading = _("Each policy's own rule for ties ([machine] ties = … overrides it):")
    return "\n".join([*map(_, RULES), "", heading, *ties])
