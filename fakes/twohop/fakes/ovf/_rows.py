"""Rows of VMware's own: what servers write of devices and machines beside what CIM has words for (8.5).

They are in the order of those servers that do not sort them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..world import Drive, Nic, Vm
from ._dialect import Dialect

Row = tuple[str, object]
_TOOLS = ("afterPowerOn", "afterResume", "beforeGuestShutdown", "beforeGuestStandby")
_EXPRESS = "VirtualVmxnet3"
"""The card that takes part in Uniform Passthrough."""


def flag(value: bool) -> str:
    """Return a truth value as descriptors have it."""
    return "true" if value else "false"


def slot_row(number: int | None) -> Iterable[Row]:
    """Yield the slot of a device on the PCI bus, where it has one."""
    if number is not None:
        yield "slotInfo.pciSlotNumber", number


def video_rows(vm: Vm, dialect: Dialect) -> Iterable[Row]:
    """Yield what a video card is set to. No source has two displays in a list: the place of their row is ours."""
    yield from (("useAutoDetect", "false"), ("videoRamSizeInKB", vm.settings.video_kib))
    if vm.settings.displays > 1:
        yield "numDisplays", vm.settings.displays
    yield "enable3DSupport", "false"
    if dialect.mpt:
        yield "enableMPTSupport", "false"
    yield "use3dRenderer", "automatic"
    if dialect.listed:
        yield "graphicsMemorySizeInKB", 262144


def drive_rows(drive: Drive, dialect: Dialect, *, passed_through: bool) -> Iterable[Row]:
    """Yield what a drive is set to; one that is passed through may be so for one machine alone."""
    if passed_through:
        yield "backing.exclusive", "false"
    yield from _guest_control(drive, dialect)


def nic_rows(nic: Nic, slot: int | None, dialect: Dialect) -> Iterable[Row]:
    """Yield what a network card is set to."""
    yield from slot_row(slot)
    yield "wakeOnLanEnabled", flag(nic.wake_on_lan)
    yield from _guest_control(nic, dialect)
    if dialect.rows == "listed-8.0":
        yield "uptCompatibilityEnabled", flag(nic.kind == _EXPRESS)
        if nic.kind == _EXPRESS:
            yield "uptv2Enabled", "false"


def _guest_control(device: Drive | Nic, dialect: Dialect) -> Iterable[Row]:
    if dialect.guest_control:
        yield "connectable.allowGuestControl", flag(device.guest_control)


def machine_rows(vm: Vm, dialect: Dialect) -> Iterable[Row]:
    """Yield what a machine is set to; those who sort do so within a few groups."""
    return _listed(vm, newest=dialect.rows == "listed-8.0") if dialect.listed else _sorted(vm)


def _sorted(vm: Vm) -> Iterable[Row]:
    kept = vm.settings
    yield from (("cpuHotAddEnabled", flag(kept.cpu_hot_add)), ("cpuHotRemoveEnabled", flag(kept.cpu_hot_remove)))
    yield from (("firmware", vm.firmware), ("virtualICH7MPresent", "false"), ("virtualSMCPresent", "false"))
    yield from (("memoryHotAddEnabled", flag(kept.memory_hot_add)), ("nestedHVEnabled", flag(kept.nested_hv)))
    yield from (("powerOpInfo.powerOffType", kept.power_off), ("powerOpInfo.resetType", kept.reset))
    yield from (("powerOpInfo.standbyAction", kept.standby), ("powerOpInfo.suspendType", kept.suspend))
    yield from ((f"tools.{moment}", "true") for moment in _TOOLS)
    yield from (("tools.syncTimeWithHost", flag(kept.sync_time)), ("tools.toolsUpgradePolicy", "manual"))


def _listed(vm: Vm, *, newest: bool) -> Iterable[Row]:
    kept = vm.settings
    yield from (("cpuHotAddEnabled", flag(kept.cpu_hot_add)), ("cpuHotRemoveEnabled", flag(kept.cpu_hot_remove)))
    yield from (("memoryHotAddEnabled", flag(kept.memory_hot_add)), ("firmware", vm.firmware))
    yield from (("cpuAllocation.shares.shares", 1000 * vm.cpus), ("cpuAllocation.shares.level", "normal"))
    if newest:
        yield "simultaneousThreads", 1
    yield "tools.syncTimeWithHost", flag(kept.sync_time)
    if newest:
        yield "tools.syncTimeWithHostAllowed", "true"
    yield from ((f"tools.{moment}", "true") for moment in _TOOLS)
    yield "tools.toolsUpgradePolicy", "manual"
    if newest:
        yield "fixedPassthruHotPlugEnabled", "false"
    yield from (("powerOpInfo.powerOffType", kept.power_off), ("powerOpInfo.resetType", kept.reset))
    yield from (("powerOpInfo.suspendType", kept.suspend), ("nestedHVEnabled", flag(kept.nested_hv)))
    if newest:
        yield "vPMCEnabled", "false"
    yield from ((f"virtual{name}Present", "false") for name in ("ICH7M", "SMC"))
    yield from ((f"flags.{name}Enabled", "false") for name in ("vvtd", "vbs"))
    yield from (("bootOptions.efiSecureBootEnabled", "false"), ("powerOpInfo.standbyAction", kept.standby))
