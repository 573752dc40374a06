"""Parts of an entity that are objects of their own: environment and datastore browsers, the systems of a host.

Their ids are made from that of their owner, so none has to be kept.
"""

from __future__ import annotations

from typing import Any

from ...world import Cluster, Datastore, Entity, Host, Vm, World
from .._registry import known_type, wsdl_class
from .._service import Part

PARTS: dict[str, tuple[str, tuple[type[Entity], ...]]] = {
    "envbrowser": ("EnvironmentBrowser", (Vm, Cluster)),
    "datastoreBrowser": ("HostDatastoreBrowser", (Host, Datastore)),
    "networkSystem": ("HostNetworkSystem", (Host,)),
    "storageSystem": ("HostStorageSystem", (Host,)),
    "datastoreSystem": ("HostDatastoreSystem", (Host,)),
    "serviceSystem": ("HostServiceSystem", (Host,)),
    "firewallSystem": ("HostFirewallSystem", (Host,)),
    "EsxHostAdvSettings": ("OptionManager", (Host,)),
    "dateTimeSystem": ("HostDateTimeSystem", (Host,)),
    "virtualNicManager": ("HostVirtualNicManager", (Host,)),
    "cpuSchedulerSystem": ("HostCpuSchedulerSystem", (Host,)),
    "memoryManagerSystem": ("HostMemorySystem", (Host,)),
    "vmotionSystem": ("HostVMotionSystem", (Host,)),
    "diagnosticSystem": ("HostDiagnosticSystem", (Host,)),
    "autoStartManager": ("HostAutoStartManager", (Host,)),
    "patchManager": ("HostPatchManager", (Host,)),
    "firmwareSystem": ("HostFirmwareSystem", (Host,)),
    "healthStatusSystem": ("HostHealthStatusSystem", (Host,)),
    "pciPassthruSystem": ("HostPciPassthruSystem", (Host,)),
    "kernelModuleSystem": ("HostKernelModuleSystem", (Host,)),
    "authenticationManager": ("HostAuthenticationManager", (Host,)),
    "powerSystem": ("HostPowerSystem", (Host,)),
    "cacheConfigManager": ("HostCacheConfigurationManager", (Host,)),
    "imageConfigManager": ("HostImageConfigManager", (Host,)),
    "iscsiManager": ("IscsiManager", (Host,)),
    "vsanSystem": ("HostVsanSystem", (Host,)),
    "messageBusProxy": ("MessageBusProxy", (Host,)),
    "graphicsManager": ("HostGraphicsManager", (Host,)),
    "hostAccessManager": ("HostAccessManager", (Host,)),
    "vsanInternalSystem": ("HostVsanInternalSystem", (Host,)),
}
"""What an id begins with, the type, and whose part it is."""


def part_id(prefix: str, owner: Entity) -> str:
    """Return the id of a part."""
    if prefix == "datastoreBrowser":
        return f"{prefix}-{owner.moid}"
    kind, _, number = owner.moid.rpartition("-")
    return f"{prefix}-{number if kind in ('vm', 'host') else owner.moid}"


def has_part(prefix: str) -> bool:
    """Tell whether this pyVmomi knows the type of a part."""
    return known_type(PARTS[prefix][0])


def part_ref(prefix: str, owner: Entity) -> Any:
    """Return the reference of a part."""
    return wsdl_class(PARTS[prefix][0])(part_id(prefix, owner), None)


def find_part(world: World, moid: str) -> Part | None:
    """Return the part that an id names; None where it names none."""
    prefix, dash, _ = moid.partition("-")
    if not dash or prefix not in PARTS:
        return None
    wsdl, owners = PARTS[prefix]
    if not known_type(wsdl):
        return None
    for entity in world.objects.values():
        if isinstance(entity, owners) and part_id(prefix, entity) == moid:
            return Part(moid, wsdl, entity)
    return None


def parts_of(entity: Entity) -> list[str]:
    """Return the ids of the parts that an entity has."""
    return [part_id(prefix, entity) for prefix, (_, owners) in PARTS.items() if isinstance(entity, owners)]
