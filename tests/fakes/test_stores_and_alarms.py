"""Datastores of every type, and the alarms that watch them and the machines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plain_pyvmomi import Plain
from twohop.fakes import VCenter, WorldFileError
from vcenters import make

SPEC = {
    "twohop": 1,
    "datacenters": [
        {
            "name": "DC",
            "clusters": [{"name": "C", "hosts": ["H"]}],
            "datastores": [
                {"name": "Local"}, {"name": "Share", "type": "nfs"}, {"name": "San", "type": "vsan"},
                {"name": "Full", "capacity": "10 GiB"}, {"name": "Fuller", "capacity": "10 GiB"},
            ],
            "vms": [
                {"name": "home", "datastore": "San", "power": "on", "disks": [{"size": "1 GiB", "data": 0}]},
                {"name": "big", "datastore": "Full", "disks": [{"size": "8 GiB", "data": 0, "thin": False}]},
                {"name": "bigger", "datastore": "Fuller", "disks": [{"size": "9 GiB", "data": 0, "thin": False}]},
            ],
        }
    ],
}  # fmt: skip


def moid(fake: VCenter, name: str) -> str:
    return next(each.moid for each in fake.world.objects.values() if each.name == name)


def test_each_type_of_datastore_is_told_as_what_it_is() -> None:
    with make("vcenter-8.0", world=SPEC) as fake, Plain(fake) as plain:

        def store(name: str) -> object:
            return plain.named("Datastore", moid(fake, name))

        kinds = {
            name: (store(name).summary.type, type(store(name).info)._wsdlName) for name in ("Local", "Share", "San")
        }
        assert kinds == {
            "Local": ("VMFS", "VmfsDatastoreInfo"),
            "Share": ("NFS", "NasDatastoreInfo"),
            "San": ("vsan", "VsanDatastoreInfo"),
        }  # fmt: skip
        assert store("San").summary.url.startswith("ds:///vmfs/volumes/vsan:")
        host = plain.named("HostSystem", moid(fake, "H"))
        volumes = {row.volume.name: row.volume.type for row in host.config.fileSystemVolume.mountInfo}
        assert volumes == {"Local": "VMFS", "Share": "NFS", "San": "vsan", "Full": "VMFS", "Fuller": "VMFS"}
        assert len(host.config.storageDevice.scsiLun) == 3
        # A datastore that holds no thin disk promises nothing.
        assert (store("Local").summary.uncommitted, store("San").summary.uncommitted) == (None, 1 << 30)


def test_a_machine_on_a_vsan_has_objects() -> None:
    with make("vcenter-8.0", world=SPEC) as fake, Plain(fake) as plain:
        vm, other = (plain.named("VirtualMachine", moid(fake, name)) for name in ("home", "big"))
        home = vm.config.vmStorageObjectId
        assert vm.config.files.vmPathName == f"[San] {home}/home.vmx"
        swap, disk = vm.config.swapStorageObjectId, vm.config.hardware.device[-2:]
        ids = {row.type: row.backingObjectId for row in vm.layoutEx.file}
        assert (ids["config"], ids["swap"]) == (home, swap)
        backing = next(each.backing for each in disk if hasattr(each, "capacityInBytes"))
        assert ids["diskDescriptor"] == backing.backingObjectId and len({home, swap, backing.backingObjectId}) == 3
        assert other.config.vmStorageObjectId is None and other.config.swapStorageObjectId is None


def test_a_datastore_that_is_nearly_full_sets_off_its_alarm_up_to_the_root() -> None:
    with make("vcenter-6.7", world=SPEC) as fake, Plain(fake) as plain:
        for name, wanted in (("Local", []), ("Full", ["yellow"]), ("Fuller", ["red"])):
            store = plain.named("Datastore", moid(fake, name))
            assert [state.overallStatus for state in store.triggeredAlarmState] == wanted
            assert store.overallStatus == (wanted or ["green"])[0]
        for above in (plain.named("Datacenter", moid(fake, "DC")), plain.content.rootFolder):
            assert [state.overallStatus for state in above.triggeredAlarmState] == ["yellow", "red"]
            assert {state.alarm.info.name for state in above.triggeredAlarmState} == {"Datastore usage on disk"}
            assert above.overallStatus == "green", "what lies below counts for itself"


def test_an_alarm_that_an_event_decides_names_the_event() -> None:
    with make("vcenter-8.0", world=SPEC) as fake, Plain(fake) as plain:
        on, off = (plain.named("VirtualMachine", moid(fake, name)) for name in ("home", "big"))

        def failover(vm: object) -> object:
            return next(state for state in vm.declaredAlarmState if state.alarm._moId == "alarm-38")

        assert failover(on).overallStatus == "green" and failover(on).eventKey
        assert failover(off).overallStatus == "gray" and failover(off).eventKey is None
        off.PowerOnVM_Task()
        event = plain.content.eventManager.latestEvent
        assert type(event)._wsdlName == "VmPoweredOnEvent" and failover(off).eventKey == event.key
        assert "alarm-7" not in {state.alarm._moId for state in on.declaredAlarmState}
        assert "alarm-7" in {state.alarm._moId for state in plain.content.rootFolder.declaredAlarmState}


def test_a_type_that_there_is_not_is_named() -> None:
    world = {**SPEC, "datacenters": [{**SPEC["datacenters"][0], "datastores": [{"name": "x", "type": "zfs"}]}]}
    with pytest.raises(WorldFileError, match="type of datastore x"):
        VCenter(world=world)


def test_machines_are_found_by_what_their_tools_tell() -> None:
    world = {
        **SPEC,
        "datacenters": [
            {**SPEC["datacenters"][0], "vms": [{"name": "web", "power": "on", "tools": True}, {"name": "db"}]}
        ],
    }
    with make("vcenter-8.0", world=world) as fake, Plain(fake) as plain:
        web, index = plain.named("VirtualMachine", moid(fake, "web")), plain.content.searchIndex
        name, address = web.guest.hostName, web.guest.ipAddress
        assert name and address
        assert index.FindByDnsName(None, name, True) == web and index.FindByIp(None, address, True) == web
        web.PowerOffVM_Task()
        assert index.FindByDnsName(None, name, True) is None and index.FindAllByIp(None, address, True) == []


def test_a_host_keeps_the_time_that_it_is_given() -> None:
    with make("vcenter-8.0", world=SPEC) as fake, Plain(fake) as plain:
        clock = plain.named("HostSystem", moid(fake, "H")).configManager.dateTimeSystem
        before = clock.QueryDateTime()
        clock.UpdateDateTime(before + timedelta(hours=3))
        assert clock.QueryDateTime() - before == timedelta(hours=3)
        assert plain.si.CurrentTime() == before, "the vCenter has a clock of its own"


def test_a_host_tells_the_paths_to_its_disks_and_who_is_at_its_ports() -> None:
    with make("vcenter-8.0", world=SPEC) as fake, Plain(fake) as plain:
        told = plain.named("HostSystem", moid(fake, "H")).config
        disks = {lun.key for lun in told.storageDevice.scsiLun}
        assert {lun.lun for lun in told.storageDevice.multipathInfo.lun} == disks
        assert {device.lun for device in told.storageDevice.plugStoreTopology.device} == disks
        ports = {group.spec.name: [(port.type, port.mac) for port in group.port] for group in told.network.portgroup}
        (card,) = (nic.mac for nic in fake.world.vm("home").nics)
        assert ports["Management Network"] == [("host", [told.network.vnic[0].spec.mac])]
        assert ports["VM Network"] == [("virtualMachine", [card])], "machines that are off are at no port"
        assert bytes(told.certificate).decode().startswith("-----BEGIN CERTIFICATE-----")
