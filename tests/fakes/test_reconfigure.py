"""ReconfigVM_Task: what is changed, what is refused, and that nothing is ignored."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from machine_client import WORLD, Machine, edit
from twohop.fakes.vmdk import GRAIN_BYTES
from vcenters import make

device = vim.vm.device
Flat = device.VirtualDisk.FlatVer2BackingInfo
Iso = device.VirtualCdrom.IsoBackingInfo


@pytest.fixture
def m() -> Iterator[Machine]:
    with make(world=WORLD) as vc, Machine(vc) as machine:
        yield machine


def change(m: Machine, **fields: Any) -> Any:
    return m.me.ReconfigVM_Task(vim.vm.ConfigSpec(**fields))


def devices(m: Machine, operation: str, *given: Any, **more: Any) -> Any:
    specs = [device.VirtualDeviceSpec(operation=operation, device=each, **more) for each in given]
    return change(m, deviceChange=specs)


def disk(key: int = -1, controller: int | None = 1000, size: int = 1 << 20, **backing: Any) -> Any:
    given = Flat(**({"fileName": "", "diskMode": "persistent", "thinProvisioned": True} | backing))
    return device.VirtualDisk(key=key, controllerKey=controller, unitNumber=-1, capacityInKB=size >> 10, backing=given)


def test_what_is_said_changes_and_nothing_else(m: Machine) -> None:
    before = m.me.config
    uuid = "4210c5b0-0000-4000-8000-00000000000a"
    task = change(
        m, name="n%2fm", annotation="a\nb", numCPUs=4, memoryMB=128, guestId="ubuntu64Guest", uuid=uuid.upper(),
        firmware="bios", changeVersion=before.changeVersion,
    )  # fmt: skip
    after = m.me.config
    assert (task.info.state, task.info.descriptionId) == ("success", "VirtualMachine.reconfigure")
    assert (after.name, after.annotation, after.guestId, after.uuid, after.firmware) == (
        "n/m", "a\nb", "ubuntu64Guest", uuid, "bios",
    )  # fmt: skip
    assert (after.hardware.numCPU, after.hardware.memoryMB) == (4, 128)
    assert after.instanceUuid == before.instanceUuid
    assert (len(after.hardware.device), after.files.vmPathName) == (
        len(before.hardware.device),
        before.files.vmPathName,
    )


def test_options_of_the_configuration_file_are_set_and_by_an_empty_value_removed(m: Machine) -> None:
    def options() -> dict[str, str]:
        return {each.key: each.value for each in m.me.config.extraConfig}

    def say(**given: str) -> None:
        change(m, extraConfig=[vim.option.OptionValue(key=key, value=value) for key, value in given.items()])

    before = options()
    say(one="1", two="2")
    assert options() == before | {"one": "1", "two": "2"}
    say(one="", two="3")
    assert options() == before | {"two": "3"}


def test_cores_and_what_may_be_added_while_it_runs_change_while_it_is_off(m: Machine) -> None:
    change(m, numCPUs=4, numCoresPerSocket=2, memoryHotAddEnabled=True, nestedHVEnabled=True)
    config = m.me.config
    assert (config.hardware.numCPU, config.hardware.numCoresPerSocket) == (4, 2)
    assert (config.memoryHotAddEnabled, config.cpuHotAddEnabled, config.nestedHVEnabled) == (True, False, True)
    for fields in ({"numCPUs": 3}, {"numCoresPerSocket": 3}, {"numCoresPerSocket": 0}):
        with pytest.raises(vmodl.fault.InvalidArgument) as caught:
            change(m, **fields)
        assert caught.value.invalidProperty == f"spec.{next(iter(fields))}"
    m.me = m.vm("running")
    with pytest.raises(vim.fault.InvalidPowerState):
        change(m, cpuHotAddEnabled=True)


def test_each_change_has_a_version_of_its_own_though_the_clock_stands(m: Machine) -> None:
    seen = [m.me.config.changeVersion]
    for note in "abc":
        change(m, annotation=note, changeVersion=seen[-1])
        seen.append(m.me.config.changeVersion)
    assert len(set(seen)) == 4
    with pytest.raises(vim.fault.ConcurrentAccess):
        change(m, annotation="d", changeVersion=seen[0])
    assert m.me.config.annotation == "c"


def test_a_running_machine_takes_notes_and_disks_but_no_memory(m: Machine) -> None:
    m.me = m.vm("running")
    change(m, annotation="hot", name="renamed")
    devices(m, "add", disk(), fileOperation="create")
    assert len(m.entity.disks) == 2
    for fields in ({"memoryMB": 64}, {"numCPUs": 2}):
        with pytest.raises(vim.fault.InvalidPowerState) as caught:
            change(m, **fields)
        assert (caught.value.existingState, caught.value.requestedState) == ("poweredOn", "poweredOff")
    with pytest.raises(vim.fault.InvalidPowerState):
        devices(m, "add", disk(controller=200), fileOperation="create")


def test_a_disk_is_added_empty_where_it_is_wanted(m: Machine) -> None:
    controller = device.ParaVirtualSCSIController(key=-7, busNumber=1, sharedBus="noSharing")
    on_new = disk(-8, -7, 3 << 20, fileName="[Other]", thinProvisioned=False)
    plain = disk(-9, 1000, 1 << 20)
    adds = [device.VirtualDeviceSpec(operation="add", device=controller)]
    adds += [device.VirtualDeviceSpec(operation="add", fileOperation="create", device=d) for d in (on_new, plain)]
    change(m, deviceChange=adds)
    shown = m.device(2016)
    assert (shown.controllerKey, shown.unitNumber, shown.capacityInBytes) == (1001, 0, 3 << 20)
    assert (shown.backing.fileName, shown.backing.thinProvisioned) == ("[Other] VM0/VM0.vmdk", False)
    third = m.device(2002)
    assert third.backing.fileName == "[Main] VM0/VM0_2.vmdk"
    assert [d.content.populated for d in m.entity.disks[2:]] == [0, 0]
    assert [s.name for s in m.me.datastore] == ["Main", "Other"]
    assert m.entity in m.vcenter.world.objects[m.store("Other")._moId].vms


def test_a_disk_grows_and_keeps_what_it_holds(m: Machine) -> None:
    m.me.RemoveAllSnapshots_Task()
    before = list(m.entity.disks[0].content.grains())
    given = m.device(2000)
    given.capacityInKB *= 3
    devices(m, "edit", given)
    assert m.device(2000).capacityInBytes == 12 << 20
    content = m.entity.disks[0].content
    assert list(content.grains()) == before and content.capacity == 12 << 20
    given = m.device(2000)
    given.capacityInBytes += 512
    devices(m, "edit", given)
    assert m.device(2000).capacityInBytes == (12 << 20) + 512
    assert all(len(zlib.decompress(grain)) == GRAIN_BYTES for _, grain in content.grains())


def test_a_disk_that_is_edited_as_it_was_read_stays(m: Machine) -> None:
    devices(m, "edit", m.device(2000), m.device(2001))
    assert [d.capacity for d in m.entity.disks] == [4 << 20] * 2


def test_a_removed_disk_is_gone_from_the_machine_and_not_from_its_snapshots(m: Machine) -> None:
    devices(m, "remove", m.device(2000), fileOperation="destroy")
    assert [d.key for d in m.entity.disks] == [2001]
    m.snapshot("s1").RevertToSnapshot_Task()
    assert [d.key for d in m.entity.disks] == [2000, 2001]


def test_a_drive_takes_an_image_that_there_is_and_gives_it_back(m: Machine) -> None:
    drive = m.device(16000)
    drive.backing = Iso(fileName="[Main] some.iso", datastore=m.store("Main"))
    devices(m, "edit", drive)
    assert m.device(16000).backing.fileName == "[Main] some.iso"
    image = next(i for i in m.entity.images if i.key == 16000)
    assert image.content is m.vcenter.world.vm("other").images[0].content
    drive.backing = device.VirtualCdrom.RemotePassthroughBackingInfo(deviceName="")
    devices(m, "edit", drive)
    assert [i.key for i in m.entity.images] == [3000] and [d.key for d in m.entity.drives] == [16000]
    devices(m, "remove", m.device(3000), m.device(16000))
    assert (m.entity.images, m.entity.drives) == ([], [])
    new = device.VirtualCdrom(key=-1, controllerKey=201, backing=Iso(fileName="[Main] some.iso"))
    floppy = device.VirtualFloppy(key=-1, backing=device.VirtualFloppy.RemoteDeviceBackingInfo(deviceName=""))
    devices(m, "add", new, floppy)
    assert m.device(3002).controllerKey == 201 and m.device(8000).controllerKey == 400
    assert 3002 in m.device(201).device and 8000 in m.device(400).device


def test_a_drive_takes_no_image_that_is_gone(m: Machine) -> None:
    drive = m.device(3000)
    for name in ("[Main] gone.iso", "[Main] never.iso"):
        drive.backing = Iso(fileName=name)
        with pytest.raises(vim.fault.FileNotFound) as caught:
            devices(m, "edit", drive)
        assert caught.value.file == name
    assert m.device(3000).backing.fileName == "[Main] VM0/VM0.iso"


def test_controllers_come_and_go_while_nothing_stands_on_them(m: Machine) -> None:
    devices(
        m, "add", device.VirtualNVMEController(key=-1, busNumber=0), device.VirtualAHCIController(key=-2, busNumber=1)
    )
    assert {31000, 15001} <= {d.key for d in m.me.config.hardware.device}
    devices(m, "remove", m.device(31000))
    with pytest.raises(vim.fault.InvalidDeviceOperation) as caught:
        devices(m, "remove", m.device(1000))
    assert caught.value.badOp == "remove"


def _edited(m: Machine, key: int, **fields: Any) -> Any:
    given = m.device(key)
    for name, value in fields.items():
        setattr(given, name, value)
    return devices(m, "edit", given)


BAD = "Invalid configuration for device '0'."
REFUSED: dict[str, tuple[Callable[[Machine], Any], Any, dict[str, Any]]] = {
    "no CPU": (lambda m: change(m, numCPUs=0), vmodl.fault.InvalidArgument, {"invalidProperty": "spec.numCPUs"}),
    "odd memory": (lambda m: change(m, memoryMB=33), vmodl.fault.InvalidArgument, {"invalidProperty": "spec.memoryMB"}),
    "a firmware of none": (lambda m: change(m, firmware="uefi"), vmodl.fault.InvalidArgument,
                           {"invalidProperty": "spec.firmware"}),
    "a uuid of none": (lambda m: change(m, uuid="42"), vmodl.fault.InvalidArgument, {"invalidProperty": "spec.uuid"}),
    "a name that is taken": (lambda m: change(m, name="other"), vim.fault.DuplicateName, {"name": "other"}),
    "a template's memory": (lambda m: m.vm("mould").ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=64)),
                            vmodl.fault.NotSupported, {}),
    "a disk on no controller": (lambda m: devices(m, "add", disk(controller=1003), fileOperation="create"),
                                vim.fault.InvalidController, {"deviceIndex": 0, "controllerKey": 1003, "msg": BAD}),
    "a disk on nothing": (lambda m: devices(m, "add", disk(controller=None), fileOperation="create"),
                          vim.fault.InvalidDeviceSpec, {"property": "deviceChange[0].device.controllerKey"}),
    "a disk on a place that is taken": (
        lambda m: devices(m, "add", device.VirtualDisk(key=-1, controllerKey=1000, unitNumber=1, capacityInKB=4,
                          backing=Flat(fileName="", diskMode="persistent")), fileOperation="create"),
        vim.fault.InvalidDeviceSpec, {"property": "deviceChange[0].device.unitNumber"}),
    "a disk without a size": (lambda m: devices(m, "add", disk(size=0), fileOperation="create"),
                              vim.fault.InvalidDeviceSpec, {"property": "deviceChange[0].device.capacityInKB"}),
    "a disk in a file that is there": (
        lambda m: devices(m, "add", disk(fileName="[Main] VM0/VM0.vmdk"), fileOperation="create"),
        vim.fault.FileAlreadyExists, {"file": "[Main] VM0/VM0.vmdk"}),
    "a disk on a datastore out of sight": (
        lambda m: (m.me.MigrateVM_Task(host=m.host("H1"), priority="defaultPriority"),
                   devices(m, "add", disk(fileName="[Local]"), fileOperation="create")),
        vim.fault.InvalidDatastorePath, {"datastorePath": "[Local]"}),
    "a disk that shrinks": (lambda m: _edited(m, 2000, capacityInKB=1024, capacityInBytes=None),
                            vim.fault.InvalidDeviceSpec, {"property": "deviceChange[0].device.capacityInKB"}),
    "a disk that grows under snapshots": (lambda m: _edited(m, 2000, capacityInKB=8192),
                                          vim.fault.InvalidDeviceSpec, {"deviceIndex": 0, "msg": BAD}),
    "a device that is none": (lambda m: devices(m, "remove", disk(key=2099)), vim.fault.DeviceNotFound,
                              {"deviceIndex": 0, "property": "deviceChange[0].device.key"}),
    "a disk removed by replacing": (lambda m: devices(m, "remove", m.device(2000), fileOperation="replace"),
                                    vim.fault.InvalidDeviceOperation, {"badOp": "remove", "badFileOp": "replace"}),
    "a bus that is taken": (lambda m: devices(m, "add", device.VirtualBusLogicController(
        key=-1, busNumber=0, sharedBus="noSharing")),
        vim.fault.InvalidDeviceSpec, {"property": "deviceChange[0].device.busNumber"}),
    "a third floppy drive": (
        lambda m: devices(m, "add", *(device.VirtualFloppy(key=-n) for n in (1, 2, 3))),
        vim.fault.InvalidDeviceSpec, {"deviceIndex": 2, "property": "deviceChange[2].device.unitNumber"}),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_machine_can_be_is_refused_with_what_the_fault_must_say(what: str, m: Machine) -> None:
    act, fault, fields = REFUSED[what]
    before = _figures(m)
    with pytest.raises(fault) as caught:
        act(m)
    assert type(caught.value) is fault
    assert {name: getattr(caught.value, name) for name in fields} == fields
    assert _figures(m) == before, "a fault leaves the machine as it was"
    assert all(task.value.state.value == "success" for task in m.vcenter.world.tasks())


def _figures(m: Machine) -> Any:
    vm = m.entity
    plain = (vm.name, vm.cpus, vm.memory_mib, vm.firmware, vm.uuid)
    return (*plain, list(vm.controllers), list(vm.disks), list(vm.images), list(vm.drives))


GAPS: dict[str, Callable[[Machine], Any]] = {
    "ReconfigVM_Task with vPMCEnabled": lambda m: change(m, vPMCEnabled=True),
    "ReconfigVM_Task with alternateGuestName": lambda m: change(m, alternateGuestName="x"),
    "a device change of a VirtualVmxnet3": lambda m: devices(m, "edit", m.device(4000)),
    "editing a controller": lambda m: devices(m, "edit", m.device(1000)),
    "moving a disk to another place": lambda m: _edited(m, 2000, unitNumber=5),
    "adding a disk from an existing file": lambda m: devices(m, "add", disk(fileName="[Main] VM0/VM0.vmdk")),
    "a disk of mode independent_persistent": lambda m: devices(
        m, "add", disk(diskMode="independent_persistent"), fileOperation="create"),
}  # fmt: skip


@pytest.mark.parametrize("what", GAPS)
def test_what_is_not_carried_out_is_named_and_nothing_of_it_done(what: str, m: Machine) -> None:
    before = _figures(m)
    with pytest.raises(vmodl.fault.NotSupported, match=f"twohop does not implement {what}"):
        GAPS[what](m)
    assert _figures(m) == before
    assert what in m.vcenter.about()["gaps"]


def test_the_last_of_several_changes_undoes_the_first_where_it_fails(m: Machine) -> None:
    before = _figures(m)
    changes = [
        *edit("remove", m.device(2000))["spec"].deviceChange,
        *edit("remove", disk(key=2099))["spec"].deviceChange,
    ]
    with pytest.raises(vim.fault.DeviceNotFound) as caught:
        change(m, annotation="x", deviceChange=changes)
    assert (caught.value.deviceIndex, _figures(m), m.me.config.annotation) == (1, before, "")
