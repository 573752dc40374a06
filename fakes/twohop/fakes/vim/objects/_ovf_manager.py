"""OvfManager: CreateDescriptor before, during or after the lease (8.1, 8.2)."""

from __future__ import annotations

from typing import Any

from ...ovf import DescribedFile, describe
from ...world import Vm, missing_image
from .. import _faults as faults
from .._kinds import Kind
from .._registry import vim, vmodl
from .._service import Call, Singleton
from ._service_instance import moment

OVF_MANAGER = Kind("OvfManager")

OPTIONS = {"mac": "Include MAC addresses of network adapters", "uuid": "Include the BIOS UUID"}
"""What `describe` does something about; a server lists what it knows and ignores the rest (8.8)."""


def _file(given: Any) -> DescribedFile:
    if given.path.startswith("/") or "\\" in given.path or ".." in given.path.split("/"):
        raise faults.invalid_argument("ovfFiles.path", "A path is relative and has / between its parts.")
    return DescribedFile(given.deviceId, given.path, given.size, given.capacity, given.populatedSize)


@OVF_MANAGER.method("CreateDescriptor")
def _create_descriptor(call: Call, _: Singleton, obj: Any, cdp: Any) -> Any:
    entity = call.resolve(obj)
    if not isinstance(entity, Vm):
        raise faults.not_implemented("CreateDescriptor of anything but a machine")
    if cdp.snapshot is not None:
        raise faults.not_implemented("CreateDescriptor of a snapshot")
    gone = missing_image([entity])
    if gone is not None and call.world.profile.text("missing_image") == "CreateDescriptor":
        raise faults.file_not_found(gone.file_name)
    now = moment(call.world.clock.now())
    assert now is not None
    text = describe(
        entity,
        name=cdp.name or entity.name,
        description=cdp.description,
        files=[_file(given) for given in cdp.ovfFiles] if cdp.ovfFiles else None,
        options=frozenset(cdp.exportOption or ()),
        build=call.world.profile.text("build"),
        user=call.user,
        moment=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )
    return vim.OvfManager.CreateDescriptorResult(ovfDescriptor=text.decode(), includeImageFiles=False)


@OVF_MANAGER.provides("ovfExportOption")
def _export_options(call: Call, _: Singleton) -> list[Any]:
    return [vim.OvfManager.OvfOptionInfo(option=name, description=_message(text)) for name, text in OPTIONS.items()]


@OVF_MANAGER.provides("ovfImportOption")
def _import_options(call: Call, _: Singleton) -> list[Any]:
    return []


def _message(text: str) -> Any:
    return vmodl.LocalizableMessage(key="twohop", message=text)
