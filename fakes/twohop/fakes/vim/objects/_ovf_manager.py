"""OvfManager: CreateDescriptor before, during or after the lease (8.1, 8.2)."""

from __future__ import annotations

from typing import Any

from ...ovf import DescribedFile, describe, dialect_of
from ...world import Snapshot, VApp, Vm, missing_image
from .. import _faults as faults
from .._kinds import Kind
from .._registry import vim, vmodl
from .._service import Call, Singleton
from ._export_faults import device_errors, left_out, other_errors
from ._service_instance import moment
from ._values import before

OVF_MANAGER = Kind("OvfManager")

OPTIONS = {
    "mac": "Include MAC addresses of network adapters",
    "uuid": "Include the BIOS UUID",
    "extraconfig": "Include the extra configuration of machines",
    "nodevicesubtypes": "Leave out the subtypes of devices",
}
"""What a server lists; it ignores any other (8.8)."""


@OVF_MANAGER.method("CreateDescriptor")
def _create_descriptor(call: Call, _: Singleton, obj: Any, cdp: Any) -> Any:
    profile = call.world.profile
    entity = _described(call, call.resolve(obj), cdp.snapshot)
    machines = entity.machines() if isinstance(entity, VApp) else [entity]
    gone = missing_image(machines)
    if gone is not None and profile.text("missing_image") == "CreateDescriptor":
        raise faults.file_not_found(gone.file_name)
    now = moment(call.world.clock.now())
    assert now is not None
    included = bool(cdp.includeImageFiles)
    text = describe(
        entity,
        name=cdp.name or _name_of(call, entity),
        description=cdp.description,
        files=[_file(given) for given in cdp.ovfFiles] if cdp.ovfFiles else None,
        options=frozenset(cdp.exportOption or ()),
        build=profile.text("build"),
        user=call.user,
        moment=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        images="all" if included else "named" if profile.text("named_images") == "included" else "none",
        nvram=profile.text("nvram_entry") == "present",
        dialect=dialect_of(profile, vmci_slot=before(call, "7.0")),
    )
    images = [(vm, image) for vm in machines for image in vm.images]
    errors = [fault for vm in machines for fault in device_errors(call, vm)]
    more = [fault for vm in machines for fault in other_errors(call, vm)]
    kept = profile.text("export_faults") == "error"
    return vim.OvfManager.CreateDescriptorResult(
        ovfDescriptor=text.decode(),
        error=[*errors, *(more if kept else ())],
        warning=[*(() if included else (left_out(call, vm, image) for vm, image in images)), *(() if kept else more)],
        # Not what was asked, but whether there are any (8.9).
        includeImageFiles=bool(images),
    )


def _name_of(call: Call, entity: Vm | VApp) -> str:
    """Return what an entity is called at the top where the caller gives no name: by its product, if any (8.8)."""
    product = entity.vapp.product.get("name") if isinstance(entity, Vm) and entity.vapp is not None else None
    return product if product and call.world.profile.text("descriptor_name") == "product" else entity.name


def _described(call: Call, entity: Any, snapshot: Any) -> Vm | VApp:
    """Return what is described: the configuration of a snapshot is the machine as it was (8.8)."""
    if not isinstance(entity, Vm | VApp):
        raise faults.invalid_argument("obj", "It is neither a virtual machine nor a vApp.")
    if snapshot is None:
        return entity
    found = call.resolve(snapshot)
    if not isinstance(found, Snapshot) or found.vm is not entity:
        raise faults.invalid_argument("cdp.snapshot", "It is no snapshot of that machine.")
    return found.machine


def _file(given: Any) -> DescribedFile:
    if given.path.startswith("/") or "\\" in given.path or ".." in given.path.split("/"):
        raise faults.invalid_argument("ovfFiles.path", "A path is relative and has / between its parts.")
    return DescribedFile(given.deviceId, given.path, given.size, given.capacity, given.populatedSize)


@OVF_MANAGER.provides("ovfExportOption")
def _export_options(call: Call, _: Singleton) -> list[Any]:
    return [vim.OvfManager.OvfOptionInfo(option=name, description=_message(text)) for name, text in OPTIONS.items()]


@OVF_MANAGER.provides("ovfImportOption")
def _import_options(call: Call, _: Singleton) -> list[Any]:
    return []


def _message(text: str) -> Any:
    return vmodl.LocalizableMessage(key="twohop", message=text)
