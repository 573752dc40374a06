"""A scenario: a world, a profile and a plan of faults, from the thread in which somebody told what happened."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twohop.runtime.profiles import Profile, load_profile

from .._esxi import ESXi
from .._serving import fake_for
from .._vcenter import VCenter
from ..world import default_host_spec, default_spec


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which exports went wrong, by row of section 12 of the fact sheet and by its threads.

    `mistake` is the client's, `happens` what follows from it. `vm` are fields of the first machine, `fields` those of
    the profile that are not as usual, `faults` the rules of the plan.
    """

    name: str
    row: int
    threads: str
    mistake: str
    happens: str
    right: str
    product: str = "vcenter-8.0"
    fields: Mapping[str, Any] = field(default_factory=dict)
    vm: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Mapping[str, Any]] = ()

    @property
    def profile(self) -> Profile:
        """The profile of its server."""
        return load_profile(self.product).but(**self.fields)

    @property
    def world(self) -> dict[str, Any]:
        """The plain data of its world: the default one, with the first machine as it has to be."""
        alone = self.profile.product == ESXi.product
        made = copy.deepcopy(default_host_spec(2) if alone else default_spec(2, 2))
        made["datacenters"][0]["vms"][0] |= {"disks": [dict(DISK), dict(DISK)], **copy.deepcopy(dict(self.vm))}
        return made

    def server(self, **options: Any) -> VCenter | ESXi:
        """Return the server of the scenario, not yet started; `options` are those of its class."""
        return fake_for(self.profile, world=self.world, faults=list(self.faults), **options)


DISK = {"size": "64 MiB", "data": "1 MiB"}


def scenario(name: str) -> Scenario:
    """Return a scenario; ValueError names those there are."""
    from ._table import SCENARIOS

    try:
        return SCENARIOS[name]
    except KeyError:
        raise ValueError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}") from None
