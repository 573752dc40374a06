"""VirtualMachine: what it is, and its power. What leases do to it is in `_export`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...machines import PowerInput, PowerState, required_state, step_power
from ...world import Datastore, Host, Network, ResourcePool, Vm, end_task
from .. import _faults as faults
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._hardware import hardware
from ._managed_entity import MANAGED_ENTITY
from ._task import start_task

VIRTUAL_MACHINE = Kind("VirtualMachine", MANAGED_ENTITY, of=Vm)

GUESTS = {"otherGuest": "Other (32-bit)", "otherGuest64": "Other (64-bit)", "ubuntu64Guest": "Ubuntu Linux (64-bit)"}


def refuse_while_leased(call: Call, vm: Vm) -> None:
    """Refuse a state-changing call on a machine that a lease holds (9.1, 9.2)."""
    if not vm.leases:
        return
    if call.world.profile.text("locked_fault") == "InvalidState":
        raise faults.invalid_state()
    task = next(lease.task for lease in call.world.leases() if lease.moid in vm.leases)
    raise faults.task_in_progress(call.ref(task))


@VIRTUAL_MACHINE.provides("config")
def _config(call: Call, vm: Vm) -> Any:
    folder = vm.directory
    return vim.vm.ConfigInfo(
        changeVersion="1970-01-01T00:00:00Z",
        modified=_epoch(),
        name=vm.name,
        guestFullName=GUESTS.get(vm.guest_id, vm.guest_id),
        version=vm.hardware,
        uuid=vm.uuid,
        instanceUuid=vm.instance_uuid,
        template=False,
        guestId=vm.guest_id,
        alternateGuestName="",
        annotation=vm.annotation,
        files=vim.vm.FileInfo(
            vmPathName=vm.vmx, snapshotDirectory=folder, suspendDirectory=folder, logDirectory=folder
        ),
        flags=vim.vm.FlagInfo(),
        defaultPowerOps=vim.vm.DefaultPowerOpInfo(powerOffType="soft", suspendType="hard", resetType="soft"),
        hardware=hardware(call, vm),
        firmware="bios",
    )


def _epoch() -> Any:
    return datetime.fromtimestamp(0, UTC)


@VIRTUAL_MACHINE.provides("runtime")
def _runtime(call: Call, vm: Vm) -> Any:
    return vim.vm.RuntimeInfo(
        host=call.ref(vm.host),
        connectionState="connected",
        powerState=vm.power.value,
        faultToleranceState="notConfigured",
        toolsInstallerMounted=False,
        suspendInterval=0,
        memoryOverhead=0,
        maxCpuUsage=None,
        maxMemoryUsage=None,
        numMksConnections=0,
        recordReplayState="inactive",
        cleanPowerOff=True,
        onlineStandby=False,
        consolidationNeeded=False,
    )


def _storage_bytes(vm: Vm) -> tuple[int, int]:
    populated = sum(disk.content.populated if disk.thin else disk.capacity for disk in vm.disks)
    return populated, sum(disk.capacity for disk in vm.disks) - populated


@VIRTUAL_MACHINE.provides("summary")
def _summary(call: Call, vm: Vm) -> Any:
    committed, uncommitted = _storage_bytes(vm)
    return vim.vm.Summary(
        vm=call.ref(vm),
        runtime=_runtime(call, vm),
        guest=vim.vm.Summary.GuestSummary(toolsStatus="toolsNotInstalled", toolsRunningStatus="guestToolsNotRunning"),
        config=vim.vm.Summary.ConfigSummary(
            name=vm.name,
            template=False,
            vmPathName=vm.vmx,
            memorySizeMB=vm.memory_mib,
            cpuReservation=0,
            memoryReservation=0,
            numCpu=vm.cpus,
            numEthernetCards=len(vm.nics),
            numVirtualDisks=len(vm.disks),
            uuid=vm.uuid,
            instanceUuid=vm.instance_uuid,
            guestId=vm.guest_id,
            guestFullName=GUESTS.get(vm.guest_id, vm.guest_id),
            annotation=vm.annotation,
        ),
        storage=vim.vm.Summary.StorageSummary(
            committed=committed, uncommitted=uncommitted, unshared=committed, timestamp=_epoch()
        ),
        quickStats=vim.vm.Summary.QuickStats(guestHeartbeatStatus="gray"),
        overallStatus="green",
    )


@VIRTUAL_MACHINE.provides("guest")
def _guest(call: Call, vm: Vm) -> Any:
    return vim.vm.GuestInfo(
        toolsStatus="toolsNotInstalled",
        toolsRunningStatus="guestToolsNotRunning",
        guestState="notRunning",
    )


@VIRTUAL_MACHINE.provides("guestHeartbeatStatus")
def _heartbeat(call: Call, vm: Vm) -> str:
    return "gray"


@VIRTUAL_MACHINE.provides("datastore")
def _datastore(call: Call, vm: Vm) -> list[Any]:
    return [call.ref(vm.datastore)]


@VIRTUAL_MACHINE.provides("network")
def _network(call: Call, vm: Vm) -> list[Any]:
    return call.refs(dict.fromkeys(nic.network for nic in vm.nics))


@VIRTUAL_MACHINE.provides("resourcePool")
def _pool(call: Call, vm: Vm) -> Any:
    return call.ref(vm.pool)


@VIRTUAL_MACHINE.provides("rootSnapshot")
def _root_snapshot(call: Call, vm: Vm) -> list[Any]:
    return []


def _power(call: Call, vm: Vm, input: PowerInput, description: str) -> Any:
    with call.world.change() as tx:
        refuse_while_leased(call, vm)
        after = step_power(vm.power, input)
        if after is None:
            raise faults.invalid_power_state(vm.power.value, required_state(input).value)
        task = start_task(call, tx, vm, description)
        tx.set(vm, "power", after)
        end_task(tx, task, call.world.clock.now())
    return call.ref(task)


@VIRTUAL_MACHINE.method("PowerOnVM_Task")
def _power_on(call: Call, vm: Vm, host: Any) -> Any:
    if host is not None and call.resolve(host) is not vm.host:
        raise faults.not_implemented("powering a machine on elsewhere than on its host")
    return _power(call, vm, PowerInput.POWER_ON, "VirtualMachine.powerOn")


@VIRTUAL_MACHINE.method("PowerOffVM_Task")
def _power_off(call: Call, vm: Vm) -> Any:
    return _power(call, vm, PowerInput.POWER_OFF, "VirtualMachine.powerOff")


@VIRTUAL_MACHINE.method("SuspendVM_Task")
def _suspend(call: Call, vm: Vm) -> Any:
    return _power(call, vm, PowerInput.SUSPEND, "VirtualMachine.suspend")


@VIRTUAL_MACHINE.method("ResetVM_Task")
def _reset(call: Call, vm: Vm) -> Any:
    return _power(call, vm, PowerInput.RESET, "VirtualMachine.reset")


@VIRTUAL_MACHINE.method("Destroy_Task")
def _destroy(call: Call, vm: Vm) -> Any:
    with call.world.change() as tx:
        refuse_while_leased(call, vm)
        if vm.power is not PowerState.OFF:
            raise faults.invalid_power_state(vm.power.value, PowerState.OFF.value)
        task = start_task(call, tx, vm, "VirtualMachine.destroy")
        datacenter = call.world.datacenter_of(vm)
        assert datacenter is not None
        holders: list[Host | Datastore | ResourcePool | Network] = [vm.host, vm.datastore, vm.pool]
        for holder in (*holders, *(nic.network for nic in vm.nics)):
            tx.set(holder, "vms", [other for other in holder.vms if other is not vm])
        folder = datacenter.vm_folder
        tx.set(folder, "children", [other for other in folder.children if other is not vm])
        tx.remove(vm)
        end_task(tx, task, call.world.clock.now())
    return call.ref(task)
