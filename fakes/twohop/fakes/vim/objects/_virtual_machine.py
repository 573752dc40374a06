"""VirtualMachine: what it is. What is done to it is in files of its own, by topic."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from ...world import VApp, Vm
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._hardware import hardware
from ._managed_entity import MANAGED_ENTITY

VIRTUAL_MACHINE = Kind("VirtualMachine", MANAGED_ENTITY, of=Vm)

GUESTS = {"otherGuest": "Other (32-bit)", "otherGuest64": "Other (64-bit)", "ubuntu64Guest": "Ubuntu Linux (64-bit)"}


@VIRTUAL_MACHINE.provides("config")
def _config(call: Call, vm: Vm) -> Any:
    return config_info(call, vm)


def change_version(vm: Vm) -> str:
    """Return the text that changes with every reconfiguration."""
    return datetime.fromtimestamp(vm.changed_at, UTC).isoformat().replace("+00:00", "Z")


def config_info(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineConfigInfo of a machine as it is, or was when a snapshot was taken."""
    folder = vm.directory
    return vim.vm.ConfigInfo(
        changeVersion=change_version(vm),
        modified=datetime.fromtimestamp(vm.changed_at, UTC),
        name=vm.name,
        guestFullName=GUESTS.get(vm.guest_id, vm.guest_id),
        version=vm.hardware,
        uuid=vm.uuid,
        instanceUuid=vm.instance_uuid,
        template=vm.template,
        guestId=vm.guest_id,
        alternateGuestName="",
        annotation=vm.annotation,
        files=vim.vm.FileInfo(
            vmPathName=vm.vmx, snapshotDirectory=folder, suspendDirectory=folder, logDirectory=folder
        ),
        flags=vim.vm.FlagInfo(),
        defaultPowerOps=vim.vm.DefaultPowerOpInfo(powerOffType="soft", suspendType="hard", resetType="soft"),
        hardware=hardware(call, vm),
        firmware=vm.firmware,
        keyId=_key_id(vm) if vm.encrypted else None,
    )


def _key_id(vm: Vm) -> Any:
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop key {vm.instance_uuid}"))
    return vim.encryption.CryptoKeyId(keyId=key, providerId=vim.encryption.KeyProviderId(id="twohop"))


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
            template=vm.template,
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
    return call.refs(vm.datastores())


@VIRTUAL_MACHINE.provides("network")
def _network(call: Call, vm: Vm) -> list[Any]:
    return call.refs(dict.fromkeys(nic.network for nic in vm.nics))


@VIRTUAL_MACHINE.provides("parent")
def _parent(call: Call, vm: Vm) -> Any:
    # A machine in a vApp has no parent of its own, but parentVApp.
    return None if isinstance(vm.parent, VApp) else call.ref(vm.parent)


@VIRTUAL_MACHINE.provides("parentVApp")
def _parent_vapp(call: Call, vm: Vm) -> Any:
    return call.ref(vm.parent) if isinstance(vm.parent, VApp) else None


@VIRTUAL_MACHINE.provides("resourcePool")
def _pool(call: Call, vm: Vm) -> Any:
    # A template runs nowhere, so it is in no pool.
    return None if vm.template else call.ref(vm.pool)
