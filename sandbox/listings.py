"""What there is to choose from: policies with their rules and parameters, and the rules of one instant."""

from __future__ import annotations

import inspect
import shutil
import sys
from textwrap import fill
from typing import Any

from sandbox import policies
from sandbox.kernel.kernel import Kernel
from sandbox.policies.base import Policy


def says(kind: type[Policy]) -> tuple[str, str]:
    """A policy's docstring: its rule, and when it is bad, each on one line."""
    return rule_and_rest(kind.__doc__ or "")


def rule_and_rest(docstring: str) -> tuple[str, str]:
    """The first paragraph of a policy's docstring, and all others, each on one line."""
    rule, _, rest = inspect.cleandoc(docstring).replace("``", "").partition("\n\n")
    return " ".join(rule.split()), " ".join(rest.split())


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
            print(fill(text, width, initial_indent=" " * 4, subsequent_indent=" " * 4))
        for parameter in kind.declared():
            default = parameter.kind.write(parameter.kind.read(parameter.default))
            line = f"{parameter.name:<12}{default:<18}{parameter.says}; {parameter.kind.range()}"
            print(fill(line, width, initial_indent=" " * 6, subsequent_indent=" " * 36))
        print()


def rules() -> str:
    """The order of things at one instant, as the kernel's own docstrings say it."""
    lines = [inspect.cleandoc(method.__doc__ or "") for method in (Kernel.tell, Kernel.decide)]
    ties = "\n".join(f"  {name:<10} {policies.find(name).ties}" for name in policies.names())
    return "\n".join(lines) + f"\n\nEach policy's own rule for ties ([machine] ties = … overrides it):\n{ties}"
