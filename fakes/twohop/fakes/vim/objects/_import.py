"""ResourcePool.ImportVApp: the objects of a specification, held by a lease until all of their files have come (1.5)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ...world import (
    Change,
    Datastore,
    DeviceFile,
    Folder,
    Host,
    ImportLease,
    Nvram,
    ResourcePool,
    SeededBytes,
    Settings,
    VApp,
    VAppConfig,
    Vm,
    device_files,
    discard,
    enter,
    vapp_config_of,
)
from .. import _faults as faults
from .._registry import vim, vmodl
from .._service import Call
from .._sessions import uuid52
from ._granting import grant
from ._import_devices import ImportedDevices
from ._inventory import RESOURCE_POOL
from ._naming import new_name
from ._operation import refuse_unknown, refuse_while_leased, vcenter_only

DESCRIPTION = "ResourcePool.ImportVAppLRO"
KNOWN = frozenset(
    {
        "name", "version", "uuid", "instanceUuid", "guestId", "annotation", "files", "tools", "powerOpInfo", "numCPUs",
        "numCoresPerSocket", "memoryMB", "deviceChange", "cpuAllocation", "memoryAllocation", "vAppConfig", "firmware",
        "cpuHotAddEnabled", "cpuHotRemoveEnabled", "memoryHotAddEnabled", "nestedHVEnabled", "extraConfig",
    }
)  # fmt: skip
"""What is carried out of a machine's ConfigSpec."""
_NVRAM = {"efi": 270840, "bios": 8684}


@dataclass
class Place:
    """Where things are imported to: a pool, a host, and the folder or the vApp that they stand in."""

    pool: ResourcePool
    host: Host
    parent: Folder | VApp


@RESOURCE_POOL.method("ImportVApp")
def _import(call: Call, pool: ResourcePool, spec: Any, folder: Any, host: Any) -> Any:
    with call.world.change() as tx:
        if isinstance(pool, VApp):
            refuse_while_leased(call, pool)
        place = _place(call, pool, folder, host)
        made = _Import(call, tx)
        _check_stores(call, spec, place)
        try:
            created = made.entity(spec, place, "")
        except vmodl.MethodFault:
            if made.vapps:
                # Nothing stays of an import that is refused halfway.
                discard(tx, made.vapps[0])
            raise
        vms = made.machines
        files, tickets = device_files(call.world.profile, [(vm, _shown(call, vm)) for vm in vms], uuid52)
        _key_files(made, files)
        lease = grant(
            call, tx, ImportLease, about=pool, entity=created, description_id=DESCRIPTION, created=created,
            vms=tuple(vms), vapps=tuple(made.vapps), files=files, tickets=tickets, failure=made.failure,
        )  # fmt: skip
        return call.ref(lease)


def _place(call: Call, pool: ResourcePool, folder: Any, host: Any) -> Place:
    on = call.resolve(host) if host is not None else None
    if on is not None and on not in pool.owner.hosts:
        raise faults.invalid_argument("host", "The host and the resource pool are not of one compute resource.")
    if on is None:
        if len(pool.owner.hosts) > 1 and call.world.profile.text("import_without_host") == "InvalidArgument":
            raise faults.invalid_argument("host", "A cluster without DRS chooses no host.")
        on = pool.owner.hosts[0]
    if isinstance(pool, VApp):
        if folder is not None:
            raise faults.invalid_argument("folder", "What is imported into a vApp stands in no folder.")
        return Place(pool, on, pool)
    datacenter = call.world.datacenter_of(pool)
    assert datacenter is not None
    if folder is None:
        chosen = call.world.product.standalone or call.world.profile.text("import_without_folder") == "chosen"
        if not chosen:
            raise faults.invalid_argument("folder", "What is imported into a resource pool takes a folder.")
        return Place(pool, on, datacenter.vm_folder)
    into = call.resolve(folder)
    if not isinstance(into, Folder) or "VirtualMachine" not in into.child_types:
        raise faults.invalid_argument("folder")
    if call.world.datacenter_of(into) is not datacenter:
        raise faults.invalid_argument("folder", "The folder and the resource pool are not of one datacenter.")
    return Place(pool, on, into)


def _check_stores(call: Call, spec: Any, place: Place) -> None:
    """Choose, where nobody named a host, one that sees the datastore of every machine."""
    stores = [_store(call, config) for config in _configs(spec)]
    hosts = [place.host, *place.pool.owner.hosts]
    found = next((host for host in hosts if all(host in store.hosts for store in stores)), None)
    if found is None:
        raise faults.inaccessible_datastore(call.ref(stores[0]), stores[0].name, place.host.name)
    place.host = found


def _configs(spec: Any) -> Iterator[Any]:
    if isinstance(spec, vim.vm.VmImportSpec):
        yield spec.configSpec
    for child in getattr(spec, "child", None) or ():
        yield from _configs(child)


def _store(call: Call, config: Any) -> Datastore:
    path = config.files.vmPathName if config.files is not None else None
    name = (path or "").partition("]")[0].lstrip("[")
    found = next((store for store in call.world.all(Datastore) if store.name == name), None)
    if found is None:
        raise vim.fault.InvalidDatastorePath(datastorePath=path or "", msg=f"Invalid datastore path '{path}'.")
    return found


class _Import:
    """One import on its way: objects come into the world as they are made; `failure` is what preparing ends with."""

    def __init__(self, call: Call, tx: Change) -> None:
        self.call, self.tx = call, tx
        self.machines: list[Vm] = []
        self.vapps: list[VApp] = []
        self.keys: dict[str, str] = {}
        self.hollow: set[str] = set()
        self.failure: Any = None

    def entity(self, spec: Any, place: Place, path: str) -> Vm | VApp:
        """Make what a specification says, in a place; `path` is where it stands in the package."""
        if isinstance(spec, vim.vApp.VAppImportSpec):
            return self._vapp(spec, place, path)
        if not isinstance(spec, vim.vm.VmImportSpec):
            raise faults.invalid_argument("spec", "It is that of a machine or of a vApp.")
        return self._machine(spec.configSpec, place, path)

    def _vapp(self, spec: Any, place: Place, path: str) -> VApp:
        vcenter_only(self.call)
        name = new_name(self.call, spec.name, place.parent)
        vapp = VApp(
            moid=self.call.world.next_moid("resgroup-v"), name=name, parent=place.pool, owner=place.pool.owner,
            folder=place.parent if isinstance(place.parent, Folder) else None,
            annotation=spec.vAppConfigSpec.annotation or "",
        )  # fmt: skip
        self.tx.add(vapp)
        self.tx.set(place.pool, "vapps", [*place.pool.vapps, vapp])
        if isinstance(place.parent, Folder):
            self.tx.set(place.parent, "children", [*place.parent.children, vapp])
        if isinstance(place.parent, VApp):
            order = place.parent.start_order
            self.tx.set(place.parent, "start_order", {**order, vapp.moid: len(order) + 1})
        self.vapps.append(vapp)
        inside = Place(vapp, place.host, vapp)
        for child in spec.child or ():
            member = self.entity(child, inside, f"{path}/{spec.name}")
            said = child.entityConfig
            if said is not None and said.startOrder is not None:
                self.tx.set(vapp, "start_order", {**vapp.start_order, member.moid: said.startOrder})
            if said is not None and said.startDelay is not None:
                vapp.delays[member.moid] = (said.startDelay, said.stopDelay or 0)
        return vapp

    def _machine(self, config: Any, place: Place, path: str) -> Vm:
        call = self.call
        hollow = call.world.profile.text("import_boot_order") == "empty-disks"
        refuse_unknown(call, config, KNOWN | {"bootOptions"} if hollow else KNOWN, "ImportVApp")
        _check_quantities(config)
        store = _store(call, config)
        name = new_name(call, config.name or "", place.parent)
        moid = call.world.next_moid("vm-")
        directory = self._directory(store, name)
        vm = Vm(
            moid=moid, name=name, parent=place.parent, host=place.host, datastore=store, pool=place.pool,
            uuid=config.uuid or _uuid(call, moid, "bios"),
            instance_uuid=config.instanceUuid or _uuid(call, moid, "instance"),
            vmx=f"[{store.name}] {directory}/{directory}.vmx", hardware=config.version or "vmx-13",
            guest_id=config.guestId or "otherGuest", annotation=config.annotation or "", cpus=config.numCPUs or 1,
            memory_mib=int(config.memoryMB or 32), firmware="efi" if config.firmware == "efi" else "bios",
            extra_config={each.key: str(each.value) for each in config.extraConfig or ()}, slots=False,
            vapp=self._config(config.vAppConfig), changed_at=call.world.clock.now(),
        )  # fmt: skip
        devices = ImportedDevices(call, vm)
        for attribute, value in devices.apply(config.deviceChange or []).items():
            setattr(vm, attribute, value)
        vm.settings = _settings(config, devices)
        if vm.firmware == "efi":
            vm.nvram = _nvram(vm, "efi")
        self.tx.add(vm)
        enter(self.tx, vm)
        self.machines.append(vm)
        if config.bootOptions is not None and config.bootOptions.bootOrder:
            self.hollow.add(moid)
        by_path = call.world.profile.text("import_key_of_vapp") == "path"
        self.keys[moid] = f"{path if by_path else ''}/{config.name}"
        return vm

    def _directory(self, store: Datastore, name: str) -> str:
        stem = name.replace("/", "_")
        used = {vm.directory for vm in self.call.world.vms()}
        names = (stem if not number else f"{stem}_{number}" for number in range(len(used) + 1))
        return next(each for each in names if f"[{store.name}] {each}/" not in used)

    def _config(self, given: Any) -> VAppConfig | None:
        if given is None:
            return None
        for each in given.property or ():
            info = each.info
            if info.value and info.value != info.defaultValue and not info.userConfigurable and self.failure is None:
                fields = {name: getattr(info, name) or "" for name in ("id", "category", "label", "type", "value")}
                self.failure = vim.fault.NotUserConfigurableProperty(
                    msg=f"Property {info.id} is not user configurable.", **fields
                )
        words = {"name": "name", "vendor": "vendor", "version": "version", "full_version": "fullVersion",
                 "product_url": "productUrl", "vendor_url": "vendorUrl", "app_url": "appUrl"}  # fmt: skip
        products = [each.info for each in given.product or ()][:1]
        row: dict[str, Any] = {
            "product": {word: value for p in products for word, name in words.items() if (value := getattr(p, name))},
            "properties": [
                {
                    "id": each.info.id, "type": each.info.type or "string", "label": each.info.label or "",
                    "category": each.info.category or "", "value": each.info.value or each.info.defaultValue or "",
                }
                for each in given.property or ()
            ],
            "eulas": list(given.eula or ()),
            "transports": list(given.ovfEnvironmentTransport or ()),
        }  # fmt: skip
        if given.installBootRequired:
            row["install_delay"] = given.installBootStopDelay or 0
        try:
            return vapp_config_of(row, "spec.configSpec.vAppConfig")
        except ValueError as error:
            raise faults.invalid_argument("spec.configSpec.vAppConfig", str(error)) from None


def _check_quantities(config: Any) -> None:
    """Refuse what a reconfiguration refuses as well; what is left out has a default."""
    cpus, cores, memory = config.numCPUs, config.numCoresPerSocket, config.memoryMB
    if cpus is not None and cpus < 1:
        raise faults.invalid_argument("spec.configSpec.numCPUs")
    if cores is not None and (cores < 1 or (cpus or 1) % cores):
        raise faults.invalid_argument("spec.configSpec.numCoresPerSocket")
    if memory is not None and (memory < 4 or memory % 4):
        raise faults.invalid_argument("spec.configSpec.memoryMB", "Memory is a multiple of 4 MB.")


def _settings(config: Any, devices: ImportedDevices) -> Settings:
    cores = config.numCoresPerSocket or 1
    power, cpu, memory = config.powerOpInfo, config.cpuAllocation, config.memoryAllocation
    said: dict[str, Any] = {
        "power_off": getattr(power, "powerOffType", None), "reset": getattr(power, "resetType", None),
        "suspend": getattr(power, "suspendType", None), "standby": getattr(power, "standbyAction", None),
        "sync_time": getattr(config.tools, "syncTimeWithHost", None),
        "cpu_limit": _limit(cpu), "memory_limit": _limit(memory),
        "cpu_reservation": getattr(cpu, "reservation", None),
        "memory_reservation": getattr(memory, "reservation", None),
        "cpu_hot_add": config.cpuHotAddEnabled, "cpu_hot_remove": config.cpuHotRemoveEnabled,
        "memory_hot_add": config.memoryHotAddEnabled, "nested_hv": config.nestedHVEnabled,
        **devices.more,
    }  # fmt: skip
    kept = {name: value for name, value in said.items() if value is not None}
    return Settings(cores_per_socket=cores, order=devices.order(config.deviceChange or []), **kept)


def _limit(allocation: Any) -> int | None:
    limit = getattr(allocation, "limit", None)
    return None if limit in (None, -1) else int(limit)


def _nvram(vm: Vm, kind: str) -> Nvram:
    stem = vm.directory.partition("] ")[2].rstrip("/")
    return Nvram(file_name=f"{vm.directory}{stem}.nvram", content=SeededBytes(_NVRAM[kind], 0))


def _shown(call: Call, vm: Vm) -> Vm:
    """Return a machine as its lease offers it: a client may send nvram to each (4.15)."""
    return vm if vm.nvram is not None else replace(vm, nvram=_nvram(vm, "bios"))


def _key_files(made: _Import, files: list[DeviceFile]) -> None:
    machines = {vm.moid: vm for vm in made.machines}
    for file in files:
        _, moid, device = file.key.split("/", 2)
        file.vm, file.import_key = machines[moid], f"{made.keys[moid]}/{device}"
        file.hollow = moid in made.hollow


def _uuid(call: Call, moid: str, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop import {call.world.seed} {moid} {what}"))
