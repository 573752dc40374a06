"""Every property of every object of the default world, as every profile's client reads it with pyVmomi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import VmomiSupport

from plain_pyvmomi import Plain
from twohop.fakes.vim._registry import has, newest_known, properties_of, version_for
from twohop.runtime.profiles import known_profiles
from vcenters import make

SERVERS = [name for name in known_profiles() if not name.startswith("cell-")]


def references(value: Any) -> Iterator[Any]:
    """Yield every managed object that a value names."""
    if isinstance(value, VmomiSupport.ManagedObject):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, VmomiSupport.DataObject):
        for info in value._GetPropertyList():
            yield from references(getattr(value, info.name))


def walk(content: Any, version: str) -> dict[str, dict[str, bool]]:
    """Read every property of everything that is reached from the content; return by type which were set anywhere."""
    told: dict[str, dict[str, bool]] = {}
    seen: set[str] = set()
    todo = [content, *references(content)]
    while todo:
        obj = todo.pop()
        if obj is content or obj._moId in seen:
            continue
        seen.add(obj._moId)
        kind = type(obj)._wsdlName
        for name, info in properties_of(kind).items():
            if not has(version, info.version):
                continue
            value = getattr(obj, name)
            where = f"{kind}.{name} of {obj._moId}"
            if not info.optional:
                assert value is not None, f"{where} is unset, but it is mandatory"
            told.setdefault(kind, {})[name] = told.get(kind, {}).get(name, False) or value is not None
            todo += references(value)
    return told


@pytest.mark.parametrize("profile", SERVERS)
def test_every_property_of_everything_is_readable(profile: str) -> None:
    with make(profile, world=None) as fake, Plain(fake) as plain:
        version = version_for("", newest_known(fake.profile.text("api_version")))
        told = walk(plain.content, version)
        assert fake.about()["gaps"] == {}
    assert {"VirtualMachine", "HostSystem", "Datastore", "Network", "ResourcePool", "Folder", "Datacenter"} <= set(told)
    for kind in ("VirtualMachine", "HostSystem", "Datastore"):
        assert sum(told[kind].values()) >= 0.6 * len(told[kind]), (kind, told[kind])
