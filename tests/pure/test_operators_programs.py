"""What a program is called that the operator starts."""

from __future__ import annotations

import pytest

from tests.support.systems import unix


@unix
@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/bin/seq", "1", "3"], "seq"),
        (["sh", "-c", "/usr/bin/seq 3 | wc"], "seq"),
        (["sh", "-c", "echo $0", "seq"], "sh"),
        (["sh", "-c", ""], "program"),
        (["a\x1b[2J" * 9], "a" * 9),
    ],
)
def test_it_is_named_after_the_first_word_of_its_command(argv: list[str], name: str) -> None:
    from sandbox.machines.life import operators_program

    program = operators_program(argv)
    assert (program.name, program.command) == (name, argv)
