"""SearchIndex: objects by path, by name, by UUID."""

from __future__ import annotations

from typing import Any

from ...machines import PowerState
from ...world import Cluster, Datacenter, Entity, Folder, Host, ResourcePool, Vm
from .. import _faults as faults
from .._guard import visible
from .._kinds import Kind
from .._service import Call, Singleton
from ._managed_entity import travelling_name

SEARCH_INDEX = Kind("SearchIndex")


def children(entity: Entity) -> list[Entity]:
    """Return the objects below one in the tree."""
    match entity:
        case Folder():
            return list(entity.children)
        case Datacenter():
            return [entity.vm_folder, entity.host_folder, entity.datastore_folder, entity.network_folder]
        case Cluster():
            return [*entity.hosts, *([entity.pool] if entity.pool else [])]
        case ResourcePool():
            return [*entity.pools, *entity.vapps, *entity.vms]
        case _:
            return []


@SEARCH_INDEX.method("FindByInventoryPath")
def _by_path(call: Call, _: Singleton, inventoryPath: str) -> Any:
    at: Entity | None = call.world.root
    for name in inventoryPath.strip("/").split("/"):
        at = _child_named(at, name) if at is not None else None
    return _seen(call, at)


@SEARCH_INDEX.method("FindChild")
def _child(call: Call, _: Singleton, entity: Any, name: str) -> Any:
    return _seen(call, _child_named(call.resolve(entity), name))


def _seen(call: Call, found: Entity | None) -> Any:
    """Nobody finds what he may not see."""
    return call.ref(found) if found is not None and visible(call, found) else None


def _child_named(entity: Entity, name: str) -> Entity | None:
    return next((child for child in children(entity) if travelling_name(child) == name), None)


def _by_uuid(call: Call, datacenter: Any, wanted: str, vm_search: bool, instance: bool | None) -> list[Any]:
    within = call.resolve(datacenter) if datacenter is not None else None
    among: list[Vm] | list[Host] = call.world.vms() if vm_search else call.world.hosts()
    found = []
    for candidate in among:
        value = candidate.instance_uuid if instance and isinstance(candidate, Vm) else candidate.uuid
        here = within in (None, call.world.datacenter_of(candidate)) and visible(call, candidate)
        if value.lower() == wanted.lower() and here:
            found.append(call.ref(candidate))
    return found


@SEARCH_INDEX.method("FindByUuid")
def _find_by_uuid(
    call: Call, _: Singleton, datacenter: Any, uuid: str, vmSearch: bool, instanceUuid: bool | None = None
) -> Any:
    found = _by_uuid(call, datacenter, uuid, vmSearch, instanceUuid)
    return found[0] if found else None


@SEARCH_INDEX.method("FindAllByUuid")
def _find_all_by_uuid(
    call: Call, _: Singleton, datacenter: Any, uuid: str, vmSearch: bool, instanceUuid: bool | None = None
) -> Any:
    return _by_uuid(call, datacenter, uuid, vmSearch, instanceUuid)


@SEARCH_INDEX.method("FindByDatastorePath")
def _by_datastore_path(call: Call, _: Singleton, datacenter: Any, path: str) -> Any:
    within = call.resolve(datacenter)
    if not isinstance(within, Datacenter):
        raise faults.invalid_argument("datacenter")
    for vm in call.world.vms():
        if call.world.datacenter_of(vm) is within and path == vm.vmx:
            return _seen(call, vm)
    return None


def _by_name(call: Call, datacenter: Any, name: str, vm_search: bool, told: str) -> list[Any]:
    """Return the hosts of a name, or the machines whose tools tell that name or address."""
    within = call.resolve(datacenter) if datacenter is not None else None
    among: list[Vm] | list[Host] = call.world.vms() if vm_search else call.world.hosts()
    return [
        call.ref(candidate)
        for candidate in among
        if within in (None, call.world.datacenter_of(candidate))
        and visible(call, candidate)
        and _called(call, candidate, told).lower() == name.lower()
    ]


def _called(call: Call, candidate: Vm | Host, told: str) -> str:
    if isinstance(candidate, Host):
        return candidate.name
    if not candidate.tools or candidate.power is not PowerState.ON:
        return ""
    return str(call.service.kind_of(candidate).read(call, candidate, told) or "")


NAME, ADDRESS = "guest.hostName", "guest.ipAddress"


@SEARCH_INDEX.method("FindByDnsName")
def _find_by_dns(call: Call, _: Singleton, datacenter: Any, dnsName: str, vmSearch: bool) -> Any:
    return next(iter(_by_name(call, datacenter, dnsName, vmSearch, NAME)), None)


@SEARCH_INDEX.method("FindAllByDnsName")
def _find_all_by_dns(call: Call, _: Singleton, datacenter: Any, dnsName: str, vmSearch: bool) -> list[Any]:
    return _by_name(call, datacenter, dnsName, vmSearch, NAME)


@SEARCH_INDEX.method("FindByIp")
def _find_by_ip(call: Call, _: Singleton, datacenter: Any, ip: str, vmSearch: bool) -> Any:
    return next(iter(_by_name(call, datacenter, ip, vmSearch, ADDRESS)), None)


@SEARCH_INDEX.method("FindAllByIp")
def _find_all_by_ip(call: Call, _: Singleton, datacenter: Any, ip: str, vmSearch: bool) -> list[Any]:
    return _by_name(call, datacenter, ip, vmSearch, ADDRESS)
