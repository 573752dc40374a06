"""What CreateDescriptor tells beside a descriptor: images that it leaves out, devices that it cannot describe (8.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...world import Disk, Drive, Image, Nic, VApp, Vm
from .._registry import vim
from .._service import Call
from ._hardware import hardware


def left_out(call: Call, vm: Vm, image: Image) -> Any:
    """Return the warning that a drive is described without its image."""
    fault = vim.fault.OvfConnectedDeviceIso if image.kind == "iso" else vim.fault.OvfConnectedDeviceFloppy
    text = f"The image {image.file_name} is connected to the virtual machine and is not exported."
    return fault(filename=image.file_name, device=_shown(call, vm, image), vmPath=path_in_vapp(vm), msg=text)


def device_errors(call: Call, vm: Vm) -> Iterator[Any]:
    """Yield the fault of each device of a machine that is not supported, or is backed by something unknown."""
    devices: list[Disk | Drive | Nic] = [*vm.disks, *vm.drives_and_images(), *vm.nics]
    for device in devices:
        if device.export_error in _DEVICE:
            shown = _shown(call, vm, device)
            text = f"The device {shown.deviceInfo.label} cannot be exported."
            more = {"backing": shown.backing} if device.export_error == "OvfUnknownDeviceBacking" else {}
            yield _DEVICE[device.export_error](device=shown, vmPath=path_in_vapp(vm), msg=text, **more)


def other_errors(call: Call, vm: Vm) -> Iterator[Any]:
    """Yield the fault of each disk that cannot be exported, and of each property of a type that OVF does not have."""
    for disk in vm.disks:
        if disk.export_error == "OvfUnableToExportDisk":
            shown = _shown(call, vm, disk)
            name = shown.deviceInfo.label
            text = f"The disk {name} cannot be exported."
            yield vim.fault.OvfUnableToExportDisk(device=shown, vmPath=path_in_vapp(vm), diskName=name, msg=text)
    for each in vm.vapp.properties if vm.vapp is not None else ():
        if each.export_error:
            text = f"The property {each.id} of type {each.type} cannot be exported."
            yield vim.fault.OvfPropertyExport(type=each.type, value=each.value, msg=text)


def path_in_vapp(vm: Vm) -> str:
    """Return where a machine stands among vApps: `/outer vApp/inner vApp/machine`."""
    names, at = [vm.name], vm.parent
    while isinstance(at, VApp):
        names.append(at.name)
        at = at.parent
    return "".join(f"/{name}" for name in reversed(names))


_DEVICE = {
    "OvfUnsupportedDeviceExport": vim.fault.OvfUnsupportedDeviceExport,
    "OvfUnknownDeviceBacking": vim.fault.OvfUnknownDeviceBacking,
}


def _shown(call: Call, vm: Vm, device: Disk | Drive | Nic) -> Any:
    return next(shown for shown in hardware(call, vm).device if shown.key == device.key)
