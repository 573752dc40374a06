"""Building machines: a row of a world file to a machine with its disks, its snapshots, or what it is a clone of."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..machines import PowerState
from ._contents import Contents
from ._devices import add_devices
from ._entities import Datacenter, Datastore, Folder, Host, ManagedBy, ResourcePool, Snapshot, VApp, Vm
from ._hardware import Disk, Nic
from ._history import child_disks, copied_disks, frozen, next_number
from ._settings import settings_of
from ._spec import check_keys
from ._values import (
    DEVICE_ERRORS,
    WorldFileError,
    choice,
    export_error,
    flag,
    name_of,
    number,
    pick,
    rows,
    size,
    text,
    whole,
)
from ._vapp_config import vapp_config_of

if TYPE_CHECKING:
    from ._world import Change, World

NIC_KINDS = {
    "vmxnet3": "VirtualVmxnet3", "e1000": "VirtualE1000", "e1000e": "VirtualE1000e", "pcnet32": "VirtualPCNet32",
}  # fmt: skip
"""What a world file calls a network card: its vim class."""
_POWER = {"on": PowerState.ON, "off": PowerState.OFF, "suspended": PowerState.SUSPENDED}


@dataclass(eq=False)
class Site:
    """What machines are built into: a datacenter with its hosts, and the ids and names given so far."""

    world: World
    tx: Change
    random: random.Random
    contents: Contents
    dc: Datacenter
    hosts: dict[str, Host]
    vms: dict[str, Vm] = field(default_factory=dict)

    def uuid(self) -> str:
        """Draw a UUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def host(self, name: Any, where: str) -> Host:
        """Return the host of that name; without a name the first."""
        if name is None:
            return next(iter(self.hosts.values()))
        if str(name) not in self.hosts:
            raise WorldFileError(f"{where}: no host {str(name)!r}; there are {', '.join(self.hosts)}")
        return self.hosts[str(name)]


def add_machine(site: Site, row: Mapping[str, Any], name: str, parent: Folder | VApp) -> Vm:
    """Bring one machine into the world, in a folder or a vApp."""
    where = f"vm {name}"
    host = site.host(row.get("host", _host_of(parent)), where)
    pool = parent if isinstance(parent, VApp) else host.cluster.pool
    assert pool is not None
    if pool.owner is not host.cluster:
        raise WorldFileError(f"{where}: its vApp {pool.name} is in {pool.owner.name}, so its host must be one there")
    vm = _bare(site, row, name, where, host, parent, pool)
    if vm.host not in vm.datastore.hosts:
        raise WorldFileError(f"{where}: the host {vm.host.name} does not see the datastore {vm.datastore.name}")
    cloned = _clone(site, vm, row["clone_of"], where) if "clone_of" in row else False
    add_devices(vm, row, site.contents, site.dc.datastores, where)
    _add_nics(site, vm, row, where)
    site.tx.add(vm)
    _Tree(site, vm, where).grow(rows(row, "snapshots", where))
    if "delta" in row:
        if not (cloned or vm.snapshots):
            raise WorldFileError(f"{where}: 'delta' is what was written since a snapshot or a clone; it has neither")
        vm.disks = _written(site, vm.disks, row["delta"], where)
    for holder in (host.vms, *(store.vms for store in vm.datastores()), pool.vms):
        holder.append(vm)
    if isinstance(parent, Folder):
        parent.children.append(vm)
    site.vms[name] = vm
    return vm


def _add_nics(site: Site, vm: Vm, row: Mapping[str, Any], where: str) -> None:
    if "nics" in row and "network" in row:
        raise WorldFileError(f"{where}: 'network' is that of the one card it has by default; name it under 'nics'")
    usual = [{"network": row["network"]} if "network" in row else {}] if site.dc.networks else []
    for n, raw in enumerate(rows(row, "nics", where, usual)):
        at = f"{where}: nic {n}"
        given = check_keys("nic", raw, at)
        if not site.dc.networks:
            raise WorldFileError(f"{at}: its datacenter has no networks")
        network = pick(site.dc.networks, given.get("network"), f"{at}: network")
        tail = ":".join(f"{site.random.randrange(256):02x}" for _ in range(2))
        mac = f"00:50:56:{site.random.randrange(0x80, 0xC0):02x}:{tail}"
        kind = NIC_KINDS[choice(given.get("kind", "vmxnet3"), tuple(NIC_KINDS), f"{at}: kind")]
        connected = flag(given.get("connected", True), f"{at}: connected")
        control = flag(given.get("guest_control", True), f"{at}: guest_control")
        nic = Nic(
            key=4000 + n, network=network, mac=mac, kind=kind, connected=connected, guest_control=control,
            wake_on_lan=flag(given.get("wake_on_lan", True), f"{at}: wake_on_lan"), slot=number(given, "slot", at),
            export_error=export_error(given, DEVICE_ERRORS, at),
        )  # fmt: skip
        vm.nics.append(nic)
        # A network's machines come one after the other: where this one stands there, it stands last.
        if network.vms[-1:] != [vm]:
            network.vms.append(vm)


def _host_of(parent: Folder | VApp) -> str | None:
    return parent.owner.hosts[0].name if isinstance(parent, VApp) else None


def _bare(
    site: Site, row: Mapping[str, Any], name: str, where: str, host: Host, parent: Folder | VApp, pool: ResourcePool
) -> Vm:
    power = row.get("power", "off")
    # YAML reads a bare on or off as a truth value.
    power = {True: "on", False: "off"}.get(power, power) if isinstance(power, bool) else power
    state = _POWER[choice(power, tuple(_POWER), f"{where}: power")]
    template = flag(row.get("template", False), f"{where}: template")
    if template and state is not PowerState.OFF:
        raise WorldFileError(f"{where}: a template is off; got power {power!r}")
    vtpm = flag(row.get("vtpm", False), f"{where}: vtpm")
    firmware = choice(row.get("firmware", "efi" if vtpm else "bios"), ("bios", "efi"), f"{where}: firmware")
    if vtpm and firmware != "efi":
        raise WorldFileError(f"{where}: a virtual TPM takes firmware efi; got {firmware!r}")
    encrypted = flag(row.get("encrypted", vtpm), f"{where}: encrypted")
    if vtpm and not encrypted:
        raise WorldFileError(f"{where}: a machine with a virtual TPM is encrypted; leave 'encrypted' out")
    cpus = whole(row.get("cpus", 1), f"{where}: cpus")
    store = pick(site.dc.datastores, row.get("datastore", _store_of(host, site)), f"{where}: datastore")
    return Vm(
        moid=site.world.next_moid("vm-"), name=name, parent=parent, host=host, datastore=store,
        pool=pool, uuid=_given_uuid(site, row, where), instance_uuid=site.uuid(),
        vmx=f"[{store.name}] {_directory(site, store, name)}/{_file_name(name)}.vmx", power=state,
        cpus=cpus, vapp=vapp_config_of(row["vapp"], f"{where}: vapp") if "vapp" in row else None,
        managed_by=_manager(row["managed_by"], f"{where}: managed_by") if "managed_by" in row else None,
        tags=tuple(name_of(raw, f"{where}: tag") for raw in rows(row, "tags", where)),
        customized=flag(row.get("customized", False), f"{where}: customized"),
        slots=flag(row.get("slots", True), f"{where}: slots"),
        extra_config=_options(row.get("extra_config", {}), f"{where}: extra_config"),
        settings=settings_of(row.get("settings", {}), cpus, f"{where}: settings"),
        memory_mib=whole(size(row.get("memory", 32 << 20), f"{where}: memory") >> 20, f"{where}: MiB of memory"),
        guest_id=str(row.get("guest", "otherGuest")), hardware=str(row.get("hardware", "vmx-13")),
        annotation=text(row.get("note", ""), f"{where}: note"), firmware="efi" if firmware == "efi" else "bios",
        template=template, encrypted=encrypted, vtpm=vtpm, tools=flag(row.get("tools", False), f"{where}: tools"),
    )  # fmt: skip


def _options(given: Any, where: str) -> Mapping[str, str]:
    if not isinstance(given, Mapping):
        raise WorldFileError(f"{where}: a mapping of options to their values; got {given!r}")
    return {name_of(key, f"{where}: option"): text(value, f"{where}: {key}") for key, value in given.items()}


def _manager(given: Any, where: str) -> ManagedBy:
    row = check_keys("manager", given, where)
    return ManagedBy(*(name_of(row.get(key), f"{where}: {key}") for key in ("extension", "type")))


def _store_of(host: Host, site: Site) -> str:
    return next((store.name for store in host.datastores), site.dc.datastores[0].name)


def _directory(site: Site, store: Datastore, name: str) -> str:
    """Return where a machine's files are: a vSAN keeps them in an object of its own, which has a UUID for a name."""
    return site.uuid() if store.type == "vsan" else _file_name(name)


def _file_name(name: str) -> str:
    return name.replace("/", "_")


def _given_uuid(site: Site, row: Mapping[str, Any], where: str) -> str:
    drawn, given = site.uuid(), row.get("uuid")
    if given is None:
        return drawn
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        raise WorldFileError(f"{where}: uuid is 32 hex digits with hyphens; got {given!r}") from None


def _clone(site: Site, vm: Vm, raw: Any, where: str) -> bool:
    row = {"vm": raw} if isinstance(raw, str) else raw
    checked = check_keys("clone", row, f"{where}: clone_of")
    if checked.get("vm") not in site.vms:
        known = ", ".join(site.vms) or "none"
        raise WorldFileError(
            f"{where}: clone_of names a machine that stands before it; got {checked.get('vm')!r}, of {known}"
        )
    source = site.vms[checked["vm"]]
    snapshots = source.all_snapshots()
    if not snapshots:
        raise WorldFileError(f"{where}: a linked clone is made from a snapshot, and {source.name} has none")
    wanted = checked.get("snapshot")
    of = source.current_snapshot if wanted is None else pick(snapshots, wanted, f"{where}: clone_of")
    assert of is not None
    vm.controllers = [replace(controller) for controller in of.machine.controllers]
    stores = {disk.key: vm.datastore for disk in of.machine.disks}
    vm.disks = copied_disks(vm, of.machine.disks, stores, linked=True)
    return True


def _written(site: Site, disks: list[Disk], raw: Any, where: str) -> list[Disk]:
    given = rows({"delta": raw}, "delta", where)
    if len(given) > len(disks):
        raise WorldFileError(f"{where}: {len(given)} deltas for {len(disks)} disks; give one a disk, in their order")
    made = []
    for n, disk in enumerate(disks):
        delta = given[n] if n < len(given) else None
        made.append(replace(disk, content=site.contents.written(delta, disk.content, f"{where}: delta {n}")))
    return made


class _Tree:
    """The snapshots of one machine. Each has what was written before it, the machine what was written since."""

    def __init__(self, site: Site, vm: Vm, where: str) -> None:
        self.site, self.vm, self.where = site, vm, where
        self.current: Snapshot | None = None
        self.marked = False

    def grow(self, given: list[Any]) -> None:
        base = self.vm.disks
        for raw in given:
            self._add(raw, None, base)
        if self.current is not None:
            self.vm.current_snapshot = self.current
            self.vm.disks = child_disks(self.vm, self.current.machine.disks)

    def _add(self, raw: Any, above: Snapshot | None, below: list[Disk]) -> None:
        row = check_keys("snapshot", raw, f"{self.where}: snapshot")
        name = name_of(row.get("name"), f"{self.where}: snapshot")
        where = f"{self.where}: snapshot {name}"
        power = row.get("power", "off")
        power = {True: "on", False: "off"}.get(power, power) if isinstance(power, bool) else power
        # The first one freezes the disks themselves, any other the file that was written to until then.
        disks = child_disks(self.vm, below) if self.vm.snapshots else below
        snapshot = Snapshot(
            moid=self.site.world.next_moid("snapshot-", self.vm.moid), name=name, parent=self.vm, vm=self.vm,
            machine=frozen(
                self.vm, _POWER[choice(power, tuple(_POWER), f"{where}: power")],
                _written(self.site, disks, row.get("delta", []), where),
            ),
            number=next_number(self.vm), created_at=self.site.world.clock.now(),
            description=text(row.get("note", ""), f"{where}: note"),
            quiesced=flag(row.get("quiesced", False), f"{where}: quiesced"), above=above,
        )  # fmt: skip
        self.site.tx.add(snapshot)
        (self.vm.snapshots if above is None else above.children).append(snapshot)
        marked = flag(row.get("current", False), f"{where}: current")
        if marked and self.marked:
            raise WorldFileError(f"{where}: a machine stands behind one snapshot, so 'current' is true for one only")
        if marked or not self.marked:
            self.current, self.marked = snapshot, marked
        for child in rows(row, "children", where):
            self._add(child, snapshot, snapshot.machine.disks)
