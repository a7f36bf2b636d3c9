"""Makes the policies of a run one after another: what the next one takes over from the current one."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from sandbox.model.clause import Clause
from sandbox.model.spec import MachineSpec
from sandbox.model.values import BadValue
from sandbox.policies import BUILT_IN, GuardMaker, build
from sandbox.policies.base import Policy
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.util.timeout import NO_LIMIT, TimeLimit


class PolicyFactory:
    """Makes the policies of one run: first the scenario's, then those that the operator asks for. ``guard``: the guard
    of all of them; by default policies that are not built in have the usual one."""

    def __init__(
        self, spec: MachineSpec, folder: str = ".", alarm: TimeLimit = NO_LIMIT, guard: GuardMaker | None = None
    ) -> None:
        self._spec, self._folder, self._alarm, self._guard = spec, folder, alarm, guard

    def first(self) -> Policy:
        """Return the scenario's policy. Raises BadValue."""
        return build(self._spec, self._folder, self._alarm, self._guard)

    def first_or_stand_in(self) -> tuple[Policy, Clause | None]:
        """Return the scenario's policy and None; if its file cannot be used, return first come, first served, which
        stands in until the file is reloaded, and the reason."""
        try:
            return self.first(), None
        except BadValue as bad:
            stand_in = FirstComeFirstServed(seed=self._spec.seed)
            stand_in.source = self._spec.policy
            what = bad.faults[0][1]
            return stand_in, Clause(what.rule, {"asked": "policy", **what.figures, "successor": stand_in.name})

    def next(self, name: str, present: Policy) -> Policy:
        """Return the policy of this name. It has the scenario's parameters if it is the scenario's policy, and the
        quantum of the current policy if both have one. The name of the current policy reloads it, with all of its
        parameters. Raises BadValue."""
        again = name == present.source or (name == present.kind.name and name not in BUILT_IN)
        source = present.source if again else name
        spec = self._spec
        if source != spec.policy:
            spec = msgspec.structs.replace(spec, policy=source, parameters={})
        policy = build(spec, self._folder, self._alarm, self._guard)
        for parameter, text in present.written.items():
            if again or parameter == "quantum":
                with suppress(BadValue):  # the range may differ there
                    policy.tune(parameter, text)
        return policy
