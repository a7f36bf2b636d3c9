"""``make bench``: what claims of speed rest on, each figure beside an alternative measured in the same rounds.

Ratios say more than seconds: the alternative met the same machine in the same minutes. NAMEs are modules of
tests/benchmarks; without one, all are run.

--beside REV measures an earlier revision, too, in turn with this one (here, there, here, there, …), and prints for each
figure the medians of both, and the median of the ratios here / there, pair by pair. The interval behind it has the true
median with the confidence that is given: with 1 in it, nothing was shown to differ. ``control`` is the same ratio of an
alternative that no code of the project takes part in: it should be 1, and how far it is from 1 is how little
the machine can be trusted. The revision is checked out as a git worktree, which is removed in the end. Both revisions
run on environments made of what they ask for in pyproject.toml and constraints.txt; these stay in
~/.cache/ossandbox-benchmarks (or $XDG_CACHE_HOME), and revisions that ask for the same share one.

Each revision runs its own benchmark, which knows its own modules; figures are matched by name. Where the two differ in
a constant (how many processes, how many events), that is said, since then the figures are not of the same work.
Revisions without --json are measured by tests/benchmarks/legacy.py, which calls the functions that their benchmarks
consist of; nothing printed is parsed, hence nothing rounded is compared.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import msgspec

from tests.benchmarks.figures import CannotMeasure, Figure, Result, encode, lines
from tests.benchmarks.goals import goal_of

BENCHMARKS = (
    *("start", "first_frame", "simulate", "virtual", "growth", "births", "dispatch", "blocks", "makespan"),
    *("screen", "server", "sockets", "past", "sweep", "grade"),
)
#: Rounds of a comparison of revisions.
ROUNDS = 5


def main(words: Sequence[str]) -> int:
    options = _parse(words)
    names = options.names or list(BENCHMARKS)
    if options.beside is not None:
        from tests.benchmarks.beside import compare

        return compare(names, options.beside, options.rounds or ROUNDS, options.json)
    found = []
    for name in names:
        benchmark = importlib.import_module(f"tests.benchmarks.{name}")
        if not options.json:
            print(f"\n## {name}: {title(benchmark)}")
        figures = list(_measured(name, benchmark, options.rounds, shown=not options.json))
        if options.json and figures:
            print(encode(Result(name, figures)), flush=True)
        found += [document(name, figure) for figure in figures]
    if options.out is not None:
        with open(options.out, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    missed = [f"{each['benchmark']}: {each['name']}" for each in found if each.get("reached") is False]
    if missed and not options.json:
        print("\nGoals not reached (on a quiet machine they are worth something):", *missed, sep="\n  ")
    return 0


def document(benchmark: str, figure: Figure) -> dict[str, Any]:
    """The figure, with its goal and whether it is reached."""
    goal = goal_of(benchmark, figure)
    said = {} if goal is None else {"goal": goal._asdict(), "reached": goal.reached(figure)}
    return {"benchmark": benchmark, **msgspec.to_builtins(figure), **said}


def _measured(name: str, benchmark: ModuleType, rounds: int | None, shown: bool) -> Iterator[Figure]:
    """The figures, printed as soon as they are known."""
    try:
        for figure in benchmark.measure(rounds or benchmark.ROUNDS):
            if shown:
                goal = goal_of(name, figure)
                print("\n".join([*lines(figure), *([f"    {goal.said(figure)}"] if goal else [])]), flush=True)
            yield figure
    except CannotMeasure as error:
        print(f"{name}: {error}", file=sys.stderr)


def title(benchmark: ModuleType) -> str:
    return (benchmark.__doc__ or "").partition("\n")[0]


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", metavar="NAME", nargs="*", type=_name, help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--beside", metavar="REV", help="compare with this revision: a commit, a tag, a branch")
    parser.add_argument(
        "--rounds", metavar="N", type=_rounds, help=f"rounds; beside a revision {ROUNDS}, else 1, 3 or 5"
    )
    parser.add_argument("--out", metavar="FILE", help="write the figures, their goals and whether they are reached")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each benchmark")
    return parser.parse_args(words)


def _name(word: str) -> str:
    if word not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"no benchmark {word}; there are: {', '.join(BENCHMARKS)}")
    return word


def _rounds(word: str) -> int:
    if not word.isdecimal() or not int(word):
        raise argparse.ArgumentTypeError(f"{word!r} is no number of rounds: 1 or more")
    return int(word)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
