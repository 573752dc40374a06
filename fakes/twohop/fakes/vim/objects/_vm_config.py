"""VirtualMachine.config: a machine's settings as a server of each age tells them."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any

from ...machines import PowerState
from ...world import PRODUCT, Vm, extra_options
from .._registry import VmomiSupport, vim
from .._service import Call
from ._guests import guest_name
from ._hardware import hardware, slots_of
from ._storage import store_path
from ._values import allocation, before, created, data, epoch
from ._vsan import home_of, swap_of

HOT_PLUG_LIMIT = 16
"""How many times its memory a running machine may grow to."""


def change_version(vm: Vm) -> str:
    """Return the text that changes with every reconfiguration."""
    return datetime.fromtimestamp(vm.changed_at, UTC).isoformat().replace("+00:00", "Z")


def config_info(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineConfigInfo of a machine as it is, or was when a snapshot was taken."""
    folder = vm.directory
    running = vm.power is PowerState.ON
    return data(
        vim.vm.ConfigInfo,
        changeVersion=change_version(vm),
        modified=epoch(),
        name=vm.name,
        guestFullName=guest_name(vm.guest_id),
        version=vm.hardware,
        uuid=vm.uuid,
        createDate=created(call),
        instanceUuid=vm.instance_uuid,
        npivTemporaryDisabled=True,
        locationId=str(uuid.uuid5(uuid.NAMESPACE_URL, vm.vmx)),
        template=vm.template,
        guestId=vm.guest_id,
        alternateGuestName="",
        annotation=vm.annotation,
        files={"vmPathName": vm.vmx, "snapshotDirectory": folder, "suspendDirectory": folder, "logDirectory": folder},
        tools=_tools(call, vm),
        flags=_flags(call),
        defaultPowerOps=_power_ops(vm),
        rebootPowerOff=False,
        hardware=hardware(call, vm),
        cpuAllocation=cpu_allocation(call, vm),
        memoryAllocation=memory_allocation(call, vm),
        latencySensitivity={"level": "normal"},
        memoryHotAddEnabled=vm.settings.memory_hot_add,
        cpuHotAddEnabled=vm.settings.cpu_hot_add,
        cpuHotRemoveEnabled=vm.settings.cpu_hot_remove,
        hotPlugMemoryLimit=vm.memory_mib * HOT_PLUG_LIMIT if running else None,
        hotPlugMemoryIncrementSize=0 if running else None,
        extraConfig=extra_config(call, vm),
        datastoreUrl=[{"name": store.name, "url": store_path(store)} for store in vm.datastores()],
        swapPlacement="inherit",
        bootOptions=_BOOT_OPTIONS,
        vAssertsEnabled=False,
        changeTrackingEnabled=False,
        firmware=vm.firmware,
        maxMksConnections=40,
        guestAutoLockEnabled=not before(call, "7.0"),
        memoryReservationLockedToMax=False,
        initialOverhead={"initialMemoryReservation": 40 << 20, "initialSwapReservation": 120 << 20},
        nestedHVEnabled=vm.settings.nested_hv,
        vPMCEnabled=False,
        scheduledHardwareUpgradeInfo={"upgradePolicy": "never", "scheduledHardwareUpgradeStatus": "none"},
        vFlashCacheReservation=0 if before(call, "7.0") else None,
        vmxConfigChecksum=VmomiSupport.binary(hashlib.sha1(vm.vmx.encode(), usedforsecurity=False).digest()),
        messageBusTunnelEnabled=False,
        guestIntegrityInfo={"enabled": False},
        migrateEncryption="opportunistic",
        keyId=_key_id(vm) if vm.encrypted else None,
        vAppConfig=_vapp_config(vm),
        managedBy=managed_by(vm),
        vmStorageObjectId=home_of(vm),
        swapStorageObjectId=swap_of(vm),
        **_NEWER,
    )


_PRODUCT = dict(
    zip(PRODUCT, ("name", "vendor", "version", "fullVersion", "productUrl", "vendorUrl", "appUrl"), strict=True)
)


def product(vm: Vm) -> Any:
    """Return VAppProductInfo of a machine; None where it names no product. What is not said is empty, not absent."""
    if vm.vapp is None or not vm.vapp.product:
        return None
    words = {_PRODUCT[word]: vm.vapp.product.get(word, "") for word in PRODUCT}
    return vim.vApp.ProductInfo(key=0, classId="", instanceId="", **words)


def managed_by(vm: Vm) -> dict[str, str] | None:
    """Return the fields of ManagedByInfo; None for a machine that is nobody's."""
    if vm.managed_by is None:
        return None
    return {"extensionKey": vm.managed_by.extension, "type": vm.managed_by.type}


def _vapp_config(vm: Vm) -> Any:
    """Return VmConfigInfo of a machine that says something as a part of a vApp."""
    if vm.vapp is None:
        return None
    properties = [
        vim.vApp.PropertyInfo(
            key=n, id=each.id, type=each.type, value=each.value, label=each.label, category=each.category
        )
        for n, each in enumerate(vm.vapp.properties)
    ]
    return vim.vApp.VmConfigInfo(
        product=[product(vm)] if vm.vapp.product else [],
        property=properties,
        eula=list(vm.vapp.eulas),
        ovfEnvironmentTransport=list(vm.vapp.transports),
        ipAssignment=vim.vApp.IPAssignmentInfo(
            ipAllocationPolicy="fixedPolicy", supportedIpProtocol=["IPv4"], ipProtocol="IPv4"
        ),
        installBootRequired=vm.vapp.install_delay is not None,
        installBootStopDelay=vm.vapp.install_delay or 0,
    )


def extra_config(call: Call, vm: Vm) -> list[Any]:
    """Return the options of a machine's configuration file that have no field of their own."""
    options = extra_options(vm, slots_of(call, vm))
    return [vim.option.OptionValue(key=key, value=value) for key, value in options.items()]


def _tools(call: Call, vm: Vm) -> dict[str, Any]:
    return {
        "toolsVersion": 12389 if vm.tools else 0,
        "toolsInstallType": "guestToolsTypeOpenVMTools" if vm.tools else "guestToolsTypeUnknown",
        "afterPowerOn": True,
        "afterResume": True,
        "beforeGuestStandby": True,
        "beforeGuestShutdown": True,
        "toolsUpgradePolicy": "manual",
        "syncTimeWithHostAllowed": True,
        "syncTimeWithHost": vm.settings.sync_time,
        "lastInstallInfo": {"counter": 0},
    }


def cpu_allocation(call: Call, vm: Vm) -> dict[str, Any]:
    """Return the fields of a machine's share of the processors, in MHz."""
    kept = vm.settings
    return allocation(call, 1000 * vm.cpus, limit=kept.cpu_limit, reservation=kept.cpu_reservation)


def memory_allocation(call: Call, vm: Vm) -> dict[str, Any]:
    """Return the fields of a machine's share of the memory, in MiB."""
    kept = vm.settings
    return allocation(call, 10 * vm.memory_mib, limit=kept.memory_limit, reservation=kept.memory_reservation)


def _power_ops(vm: Vm) -> dict[str, Any]:
    # `preset` leaves it to the default that the configuration file or the host sets.
    return {
        "powerOffType": vm.settings.power_off,
        "suspendType": vm.settings.suspend,
        "resetType": vm.settings.reset,
        "defaultPowerOffType": "soft",
        "defaultSuspendType": "hard",
        "defaultResetType": "soft",
        "standbyAction": vm.settings.standby,
    }


def _flags(call: Call) -> dict[str, Any]:
    flags: dict[str, Any] = {
        "enableLogging": True,
        "useToe": False,
        "runWithDebugInfo": False,
        "monitorType": "release",
        "htSharing": "any",
        "snapshotDisabled": False,
        "snapshotLocked": False,
        "diskUuidEnabled": False,
        "snapshotPowerOffBehavior": "powerOff",
        "recordReplayEnabled": False,
        "faultToleranceType": "unset",
        "cbrcCacheEnabled": False,
        "vvtdEnabled": False,
        "vbsEnabled": False,
    }
    if before(call, "7.0"):
        flags |= {"disableAcceleration": False, "virtualMmuUsage": "automatic", "virtualExecUsage": "hvAuto"}
    return flags


def _key_id(vm: Vm) -> dict[str, Any]:
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop key {vm.instance_uuid}"))
    return {"keyId": key, "providerId": {"id": "twohop"}}


_BOOT_OPTIONS = {
    "bootDelay": 0,
    "enterBIOSSetup": False,
    "efiSecureBootEnabled": False,
    "bootRetryEnabled": False,
    "bootRetryDelay": 10000,
    "networkBootProtocol": "ipv4",
}
_NEWER: dict[str, Any] = {
    "sgxInfo": {"epcSize": 0, "flcMode": "unlocked", "requireAttestation": False},
    "ftEncryptionMode": "ftEncryptionOpportunistic",
    "guestMonitoringModeInfo": {},
    "sevEnabled": False,
    "numaInfo": {"coresPerNumaNode": 1, "autoCoresPerNumaNode": True, "vnumaOnCpuHotaddExposed": False},
    "pmemFailoverEnabled": False,
    "vmxStatsCollectionEnabled": True,
    "vmOpNotificationToAppEnabled": False,
    "vmOpNotificationTimeout": -1,
    "deviceSwap": {"lsiToPvscsi": {"enabled": True, "applicable": False, "status": "none"}},
    "deviceGroups": {},
    "fixedPassthruHotPlugEnabled": False,
}
"""Fields that came with 7.0 and later; a reply to an older version leaves them out of its own accord (1.8)."""
