"""Scenarios that nobody would think of: for tests of what holds in each."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from sandbox import policies
from sandbox.model.commands import AnyCommand, Describe, Kill, Look, Pause, Reload, Resume, Step, Tune, UsePolicy
from sandbox.model.spec import At, MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS

#: What a person may set any parameter of any policy to, right or wrong.
TUNINGS = [
    Tune(parameter.name, text)
    for name in policies.names()
    for parameter in policies.find(name).declared()
    for text in ("2ms", "9ms", "3ms, 5ms", "0ms", "true", "false", "2", "3, 1", "0.25", "declared", "estimate")
]

lengths = st.integers(0, 30).map(lambda value: value * MS)
segments = st.builds(Segment, st.sampled_from(["cpu", "io"]), lengths)
commands: st.SearchStrategy[AnyCommand] = st.one_of(
    st.builds(Pause),
    st.builds(Resume),
    st.builds(Step),
    st.builds(Kill, st.integers(1, 6).map(str)),
    st.builds(Tune, st.just("quantum"), st.sampled_from(["1ms", "7ms", "20ms"])),
    st.sampled_from(TUNINGS),
    st.builds(UsePolicy, st.sampled_from(policies.names())),
    st.builds(Reload),
    st.builds(Look),
    st.builds(Describe),
)
processes = st.lists(
    st.builds(
        ProcessSpec,
        st.just(""),
        lengths,
        st.lists(segments, min_size=1, max_size=6),
        repeat=st.integers(1, 3),
        priority=st.integers(-2, 3),
        nice=st.sampled_from([-20, -5, 0, 3, 19]),
        tickets=st.sampled_from([1, 7, 100, 100_000]),
        period_ns=st.none() | st.integers(1, 60).map(lambda value: value * MS),
        deadline_ns=st.none() | st.integers(1, 90).map(lambda value: value * MS),
        estimate_ns=st.none() | st.integers(1, 20).map(lambda value: value * MS),
    ),
    max_size=6,
)


@st.composite
def any_scenario(draw: st.DrawFn) -> Scenario:
    """Any scenario of synthetic work, with an operator who does anything."""
    specs = [replace(spec, name=f"p{index}") for index, spec in enumerate(draw(processes))]
    script = [At(time, command) for time, command in draw(st.lists(st.tuples(lengths, commands), max_size=5))]
    machine = MachineSpec(
        cpus=draw(st.integers(1, 3)),
        policy=draw(st.sampled_from(policies.names())),
        quantum_ns=draw(st.sampled_from([None, 1 * MS, 10 * MS])),
        switch_cost_ns=draw(st.sampled_from([0, 100_000])),
        ties=draw(st.sampled_from([None, "arrival-first", "requeue-first"])),
    )
    # Whatever was paused goes on in the end, so that every process can end.
    return Scenario("any", "any", machine, specs, [*script, At(10**9, Resume())])
