"""The fakes of `twohop drift`: one of the recorded product and version, with the recorded inventory or its own."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from twohop.contracts.drift import Cassette, Inventory, Outcome, Server, read_inventory, replay
from twohop.fakes import fake_for
from twohop.runtime import Clock
from twohop.runtime.profiles import Profile, ProfileError, load_profile

from ._drift_world import furnished

BATCH = 100
"""Objects that a server tells of at once."""

ENTITIES = ("VirtualMachine", "HostSystem", "ResourcePool", "Folder", "Datastore", "Network", "ClusterComputeResource")


_NARROWER = {"ComputeResource": "ClusterComputeResource"}
"""Types that the own world has none of, and a type of those that it has: what is one is the other as well."""


def replay_both(cassette: Cassette) -> dict[str, list[Outcome]]:
    """Replay a cassette against the recorded inventory and against the fake's own world."""
    inventory = read_inventory(cassette)
    return {
        "imported": _replay(cassette, inventory, own=False),
        "own": _replay(cassette, inventory, own=True),
    }


def profile_of(inventory: Inventory) -> Profile:
    """Return the profile of the recorded product, version and build; the newest vCenter's where it does not say."""
    name = inventory.product or "vcenter"
    if inventory.version:
        name += f"-{inventory.version}"
    profile = load_profile(name)
    about = inventory.about
    api = about.get("apiVersion", "")
    told = {
        "about_version": about.get("version"),
        "build": about.get("build"),
        "api_version": api if _is_api(api) else "",
    }
    return profile.but(**{key: value for key, value in told.items() if value})


def _is_api(version: str) -> bool:
    """Tell whether a text is a version of the API that a fake can speak: some had letters, such as `2.5u2`."""
    return re.fullmatch(r"\d+(\.\d+)+", version) is not None and [int(n) for n in version.split(".")] >= [2, 5]


def _replay(cassette: Cassette, inventory: Inventory, *, own: bool) -> list[Outcome]:
    try:
        profile = profile_of(inventory)
    except ProfileError:
        profile = load_profile("vcenter")
    # Long answers come in batches, so the fake's own world has as many objects as the recorded one.
    told = sum(seen.type in ENTITIES for seen in inventory.objects.values())
    vms = told if own and told > BATCH else 2
    fake = fake_for(profile, clock=Clock(start=_moment(cassette)), world=furnished(profile.product, vms))
    if not own:
        fake.adopt(
            {
                seen.id: {"type": seen.type, "properties": seen.properties, "unset": sorted(seen.unset)}
                for seen in inventory.objects.values()
            }
        )
    with fake:
        server = Server(
            fake.url, fake.ca_file, fake.user, fake.password, fake.clock.advance,
            _stand_ins(fake) if own else None, frozenset() if own else frozenset(moid for moid, _ in fake.inventory()),
            fake.word,
        )  # fmt: skip
        return replay(cassette, server, inventory.types())


def _moment(cassette: Cassette) -> float:
    """Return when a cassette was recorded, so that what it asks about is past; a fixed day where it does not say."""
    for exchange in cassette.exchanges:
        with contextlib.suppress(KeyError, ValueError, TypeError):
            return parsedate_to_datetime(exchange.answer.headers["date"]).timestamp()
    return 1_700_000_000.0


def _stand_ins(fake: Any) -> Callable[[str], list[str]]:
    known: dict[str, list[str]] = {}
    for moid, kind in fake.inventory():
        known.setdefault(kind, []).append(moid)
    return lambda type_name: known.get(type_name) or known.get(_NARROWER.get(type_name, ""), [])
