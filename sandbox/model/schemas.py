"""The header of every JSON document (its kind, the program's version, the seed), and the JSON Schema of each kind.

A document may have more keys than its schema names; the named ones are stable. If a command prints a list, each entry
of the list is such a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox import __version__

Schema = dict[str, Any]

#: The version number shared by all kinds of documents.
_EDITION = 1
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def stamped(name: str, document: Mapping[str, Any], seed: int | None = None) -> dict[str, Any]:
    """Return the document with the header of this kind. ``seed`` None: nothing was random, or the seed is unknown."""
    return {"schema": schema_name(name), "version": __version__, "seed": seed, **document}


def schema_name(name: str) -> str:
    """Return the identifier with which a document names its kind."""
    return f"ossandbox/{name}/{_EDITION}"


def schema(name: str) -> Schema:
    """Return the JSON Schema of a kind of document."""
    head: Schema = {
        "schema": {"const": schema_name(name)},
        "version": {"type": "string", "description": "of the ossandbox that wrote it"},
        "seed": {"type": ["integer", "null"], "description": "from which policies drew lots; null: unknown, or none"},
    }
    body = _KINDS[name]
    return {
        "$schema": _DIALECT,
        "$id": schema_name(name),
        **body,
        "properties": {**head, **body["properties"]},
        "required": [*head, *body["required"]],
    }


def _object(says: str, properties: Mapping[str, Any], optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": says, "properties": dict(properties), "required": required}


def _or_null(kind: Schema) -> Schema:
    return {"anyOf": [kind, {"type": "null"}]}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_TRUTH: Schema = {"type": "boolean"}
_ANY_OBJECT: Schema = {"type": "object"}
_SPREAD = _object("over processes, in ns", {part: _or_null(_WHOLE) for part in ("mean", "p50", "p95", "max")})
_METRICS = _object(
    "figures of a run; times in ns",
    {
        **dict.fromkeys(("makespan_ns", "switching_ns", "stolen_ns", "unseen_ns"), _or_null(_WHOLE)),
        **dict.fromkeys(("switches", "missed_deadlines", "undispatched_ns"), _WHOLE),
        **dict.fromkeys(("cpu_utilisation", "throughput_per_s", "fairness_jain"), _or_null(_NUMBER)),
        **dict.fromkeys(("turnaround_ns", "waiting_ns", "response_ns"), _SPREAD),
    },
)
_POLICY = _object("who schedules", {"name": _TEXT, "parameters": _ANY_OBJECT})
_PROCESS = _object(
    "a process; times in ns",
    {
        **dict.fromkeys(("pid", "arrived_ns", "cpu_ns", "waiting_ns", "blocked_ns", "switches"), _WHOLE),
        **dict.fromkeys(("os_pid", "parent", "first_run_ns", "finished_ns", "turnaround_ns"), _or_null(_WHOLE)),
        **dict.fromkeys(("response_ns", "switching_ns", "exit"), _or_null(_WHOLE)),
        **dict.fromkeys(("missed_deadlines", "family_cpu_ns"), _WHOLE),
        "name": _TEXT,
    },
)
_SLICE = _object(
    "a time slice", {**dict.fromkeys(("pid", "cpu", "start_ns", "end_ns", "cpu_ns"), _WHOLE), "reason": _TEXT}
)
_RUN: Schema = {
    "scenario": _TEXT,
    "machine": _object(
        "what it ran on", {"kind": {"enum": ["linux", "posix", "virtual"]}, "cpus": _WHOLE, "sensor": _or_null(_TEXT)}
    ),
    "policy": _POLICY,
    "processes": _list(_PROCESS),
    "slices": _list(_SLICE),
    "metrics": _METRICS,
}
_FAULT = _object("what is wrong", {"rule": _TEXT, "figures": _ANY_OBJECT, "says": _TEXT})
_EDGE = _object("a wait", {"pid": _WHOLE, "holder": _WHOLE, "resource": _TEXT, "taken": _TEXT}, ("taken",))
_DEADLOCK = _object(
    "processes that could never go on, those in the knot itself, and who waited for whom",
    {
        "t_ns": _WHOLE,
        "pids": _list(_WHOLE),
        "core": _list(_WHOLE),
        "edges": _list(_EDGE),
        "may_end": _TRUTH,
    },
)
_EXTRAS: Schema = {
    "clients": _list(_ANY_OBJECT),
    "deadlocks": _list(_DEADLOCK),
    "claims": _list(_object("of a run whose turns are steps", {"claim": _TEXT, "held": _TRUTH})),
    "verification": _ANY_OBJECT,
    "against_virtual": _ANY_OBJECT,
}
_BREAK = _list(_object("what must not be", {"rule": _TEXT, "figures": _ANY_OBJECT, "says": _TEXT}))
_TURN = _object(
    "a turn; preempts: it is taken from somebody who could have gone on",
    {
        **dict.fromkeys(("who", "file", "source", "wrote"), _TEXT),
        "line": _WHOLE,
        "preempts": _TRUTH,
        "changed": _list(
            _object(
                "a variable that has another value",
                {"name": _TEXT, "before": _or_null(_TEXT), "after": _TEXT, "shared": _TRUTH},
            )
        ),
    },
)

RUN, SWEEP, WHATIF, RECORDING, PAGE, CHECK = "run", "sweep-row", "whatif", "recording", "page", "check"
EXPLORATION = "exploration"
GRADE, LAB, CLAIM, SCENARIO, LESSON, POLICY, FINDING, MEASUREMENT = (
    "grade",
    "lab",
    "claim",
    "scenario",
    "lesson",
    "policy",
    "finding",
    "measurement",
)

_KINDS: dict[str, Schema] = {
    RUN: _object("run, simulate and compare --json: what came of a run", _RUN | _EXTRAS, tuple(_EXTRAS)),
    SWEEP: _object(
        "sweep: what came of one run among many",
        {
            "key": {"type": "string", "pattern": "^[0-9a-f]{24}$", "description": "tells this run from all others"},
            **dict.fromkeys(("scenario", "contender", "machine"), _TEXT),
            "cpus": _WHOLE,
            "policy": _POLICY,
            "unfinished": {"type": ["integer", "null"], "description": "processes that had not ended"},
            "metrics": _or_null(_METRICS),
            "error": _or_null(_FAULT),
        },
    ),
    EXPLORATION: _object(
        "explore --json: which orders of turns break a program",
        {
            "scenario": _TEXT,
            "slice": {"enum": ["line", "instruction"]},
            "verdict": {"enum": ["breaks", "proved", "holds", "limit", "interrupted"]},
            "preemptions": {"type": ["integer", "null"], "description": "orders counts those of so many at most"},
            "orders": _object(
                "how many there are (null: not known), how many of them are known through, and how many of those break",
                {"there": _or_null(_WHOLE), "tried": _WHOLE, "broke": _WHOLE},
            ),
            "runs": {"type": "integer", "description": "that were made; one stands for several orders of equal states"},
            "diverged": {"type": "integer", "description": "runs that did other things in the same order"},
            "merged": {"type": "boolean", "description": "whether all states could be known"},
            "seconds": _NUMBER,
            "found": _or_null(
                _object(
                    "the shortest order that breaks it",
                    {"breaks": _BREAK, "preemptions": _WHOLE, "order": _list(_TEXT), "turns": _list(_TURN)},
                )
            ),
            "outcomes": _or_null(
                _list(
                    _object(
                        "something that can come of it, and an order that leads to it",
                        {
                            "orders": _or_null(_WHOLE),
                            "printed": _list(_object("a text", {"who": _TEXT, "text": _TEXT})),
                            "exits": _ANY_OBJECT,
                            "shared": _ANY_OBJECT,
                            "breaks": _BREAK,
                            "order": _list(_TEXT),
                        },
                    )
                )
            ),
        },
    ),
    WHATIF: _object(
        "whatif --json: a recorded run, and what would have been",
        {
            "trusted": _TRUTH,
            "check": _ANY_OBJECT,
            "unfinished": {},
            "recorded": _object("the run", _RUN),
            "whatif": _object("the other one", _RUN | {"label": _TEXT}),
        },
    ),
    RECORDING: _object(
        "export --to json: what came of a recorded run, and every event",
        _RUN | {"recording": _ANY_OBJECT, "events": _list(_ANY_OBJECT)},
    ),
    PAGE: _object(
        "export --to html: what the page plays, from its element run",
        {
            "length_ns": _WHOLE,
            "states": _list(_TEXT),
            "processes": _list(
                _object(
                    "a process",
                    {"pid": _WHOLE, "name": _TEXT, "names": _list(_list({})), "changes": _list(_list({}))},
                )
            ),
            "decisions": _list(_WHOLE),
            "why": _list(_list(_WHOLE)),
            "texts": _list(_TEXT),
        },
    ),
    CHECK: _object(
        "check --json: what came of a scenario's file, or of a policy",
        {
            "file": _TEXT,
            "kind": {"enum": ["scenario", "policy"]},
            "passed": _TRUTH,
            "problems": _list(_FAULT),
            "policy": _TEXT,
            "worlds": _WHOLE,
            "laws": _list(_object("a law of scheduling", {"law": _TEXT, "state": _TEXT, "says": _TEXT})),
        },
        ("problems", "policy", "worlds", "laws"),
    ),
    GRADE: _object(
        "grade --to json: what came of a submission",
        {
            **dict.fromkeys(("student", "file", "assignment"), _TEXT),
            "status": {"enum": ["graded", "missing", "unusable"]},
            "points": {"type": "number", "description": "less what being late costs"},
            **dict.fromkeys(("most", "late_days"), _WHOLE),
            **dict.fromkeys(("problems", "tried"), _list(_FAULT)),
            "tasks": _list(
                _object(
                    "a task; the workload is the smallest found that shows why it has not all its points",
                    {
                        **dict.fromkeys(("name", "says"), _TEXT),
                        "points": _NUMBER,
                        "most": _WHOLE,
                        "parts": _list(
                            _object(
                                "a law, or a claim about the workload of a seed",
                                {**dict.fromkeys(("name", "says"), _TEXT), "held": _TRUTH, "seed": _or_null(_WHOLE)},
                            )
                        ),
                        "workload": _ANY_OBJECT,
                        "t_ns": _WHOLE,
                    },
                    ("workload", "t_ns"),
                )
            ),
        },
    ),
    LAB: _object(
        "labs --json: a ready assignment",
        {**dict.fromkeys(("name", "title"), _TEXT), "points": _WHOLE, "tasks": _list(_TEXT)},
    ),
    CLAIM: _object("lesson --check --json: a claim", {"claim": _TEXT, "held": _TRUTH, "found": _TEXT}),
    SCENARIO: _object("scenarios --json: a built-in scenario", {"name": _TEXT, "title": _TEXT}),
    LESSON: _object(
        "lessons --json: a lesson", {"name": _TEXT, "title": _TEXT, "concepts": _list(_WHOLE), "finished": _TRUTH}
    ),
    POLICY: _object(
        "policies --json: a policy",
        {
            **dict.fromkeys(("name", "rule", "bad", "ties"), _TEXT),
            "parameters": _list(
                _object("a parameter", {"name": _TEXT, "says": _TEXT, "default": {}, "allowed": _TEXT})
            ),
        },
    ),
    FINDING: _object("doctor --json: what this machine can do", {"state": _TEXT}),
    MEASUREMENT: _object("doctor --measure --json: how exact this machine is", {}),
}
NAMES = tuple(_KINDS)
