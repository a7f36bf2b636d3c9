"""The plan of a sweep: which runs there are, their order, and a unique key of each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from sandbox import __version__, policies
from sandbox.analysis.sweep.messages import Chunk, Entry, Row
from sandbox.model.commands import UsePolicy
from sandbox.model.ranges import Wholes
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue
from sandbox.policies.choice import Contender
from sandbox.util.timeout import ALARM

#: Hexadecimal digits of a key, enough for a million rows without collisions.
_DIGITS = 24


class Contest(NamedTuple):
    """A scenario and the contenders for it. ``text``: the content of its file."""

    scenario: Scenario
    text: bytes
    contenders: Sequence[Contender]


class Plan:
    """All runs in order: by scenario, CPUs, contender and seed, so that adjacent runs have the same policy. ``real``:
    on real processes."""

    def __init__(
        self, contests: Iterable[Contest], seeds: Wholes | None, cpus: Wholes | None, limit_s: float, real: bool = False
    ) -> None:
        self.limit_s, self.real = limit_s, real
        self._seeds, self._cpus = seeds, cpus
        self.entries: list[Entry] = []
        self._prefixes: list[bytes] = []
        #: The indices of the entries of each scenario.
        self._scenarios: list[list[int]] = []
        seen: set[bytes] = set()
        for contest in contests:
            self._scenarios.append([])
            for contender in contest.contenders:
                entry = _entry(contest.scenario, contender, real)
                prefix = self._identity(contest, entry)
                if prefix not in seen:
                    seen.add(prefix)
                    self._scenarios[-1].append(len(self.entries))
                    self.entries.append(entry)
                    self._prefixes.append(prefix)

    def __len__(self) -> int:
        return len(self.entries) * len(self._seeds or (0,)) * len(self._cpus or (0,))

    def rows(self) -> Iterator[Row]:
        """Iterate over all runs."""
        for numbers in self._scenarios:
            if not numbers:
                continue
            machine = self.entries[numbers[0]].scenario.machine
            for cpus in self._cpus or (machine.cpus,):
                for number in numbers:
                    for seed in self._seeds or (machine.seed,):
                        yield Row(number, self._key(number, seed, cpus), seed, cpus)

    def chunk(self, rows: Sequence[Row]) -> Chunk:
        """Return these rows as a chunk, with the entries that they need."""
        used = sorted({row.entry for row in rows})
        places = {number: place for place, number in enumerate(used)}
        moved = [Row(places[row.entry], row.key, row.seed, row.cpus) for row in rows]
        return Chunk([self.entries[number] for number in used], moved, self.limit_s)

    def _identity(self, contest: Contest, entry: Entry) -> bytes:
        scenario = entry.scenario
        what = [
            __version__,
            "real" if self.real else "virtual",
            scenario.name,
            hashlib.sha256(contest.text).hexdigest(),
            scenario.machine.policy,
            _settings(scenario, entry),
            sorted(entry.files.items()),
            msgspec.json.encode(scenario.script).decode(),
            _programs(scenario) if self.real else [],
        ]
        return hashlib.sha256(msgspec.json.encode(what)).digest()

    def _key(self, number: int, seed: int, cpus: int) -> str:
        return hashlib.sha256(self._prefixes[number] + b"%d %d" % (seed, cpus)).hexdigest()[:_DIGITS]


def _entry(scenario: Scenario, contender: Contender, real: bool) -> Entry:
    """Return what is sent to workers: policy files by their contents, without paths of this machine. Real runs are not
    sent."""
    entered = contender.enter(scenario)
    machine = entered.machine
    files: dict[str, str] = {}
    name = machine.policy
    if ":" in name:
        name = _carried(name, scenario.folder, files)
        machine = msgspec.structs.replace(machine, policy=name)
    for at in scenario.script:
        if isinstance(at.do, UsePolicy) and ":" in at.do.policy:
            _carried(at.do.policy, scenario.folder, files)
    if real:
        return Entry(entered, contender.label, files)
    kept = msgspec.structs.replace(
        entered, machine=machine, folder="", lesson=None, claims=[], steps=[], whatifs=[], concepts=[]
    )
    return Entry(kept, contender.label, files)


def _carried(name: str, folder: str, files: dict[str, str]) -> str:
    """Add the file of ``file.py:Class`` to ``files``. Returns the policy's name there."""
    file, _, kind = name.rpartition(":")
    try:
        with open(os.path.join(folder, file), "rb") as opened:
            text = opened.read().decode("latin-1")  # keeps the bytes, which the interpreter decodes
    except OSError:
        return name  # the worker reports it
    carried = os.path.basename(file) if os.path.isabs(file) else file
    if files.get(carried, text) != text:  # two files with the same name
        carried = f"{hashlib.sha256(text.encode('latin-1')).hexdigest()[:8]}-{carried}"
    files[carried] = text
    return f"{carried}:{kind}"


def _settings(scenario: Scenario, entry: Entry) -> list[tuple[str, str]]:
    """Return the parameters that were given, as the policy writes them, so that 1ms and 1000us are the same."""
    asked = scenario.machine.parameters
    try:
        written = policies.build(scenario.machine, "", ALARM).written if not entry.files else {}
    except BadValue:
        written = {}
    return sorted((name, written.get(name, repr(value))) for name, value in asked.items())


def _programs(scenario: Scenario) -> list[str]:
    """Return hashes of the Python files of real processes."""
    found = []
    for process in scenario.processes:
        if process.python is not None:
            try:
                with open(os.path.join(scenario.folder, process.python.partition(":")[0]), "rb") as file:
                    found.append(hashlib.sha256(file.read()).hexdigest())
            except OSError:
                found.append("")
    return found
