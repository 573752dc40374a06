"""What a call needs before it is carried out, and before a property is read: a session and its privileges (2.14)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ..machines import PowerState
from ..world import Cluster, Datacenter, Entity, ExportLease, ExportTask, Folder, ResourcePool, VApp, Vm
from . import _faults as faults
from ._access import ANONYMOUS, READ, VIEW, anchor, canonical
from ._registry import MethodInfo, PropertyInfo, VmomiSupport, method_named, vmodl, wsdl_class

if TYPE_CHECKING:
    from ._service import Call

# Privileges that the metadata leaves open and the text of the reference names, by method and type of object.
_BY_OBJECT: dict[str, tuple[tuple[type, str], ...]] = {
    "Destroy_Task": (
        (Vm, "VirtualMachine.Inventory.Delete"), (VApp, "VApp.Delete"), (ResourcePool, "Resource.DeletePool"),
        (Folder, "Folder.Delete"), (Datacenter, "Datacenter.Delete"), (Cluster, "Host.Inventory.DeleteCluster"),
    ),
    "Rename_Task": (
        (Vm, "VirtualMachine.Config.Rename"), (VApp, "VApp.Rename"), (ResourcePool, "Resource.RenamePool"),
        (Folder, "Folder.Rename"), (Datacenter, "Datacenter.Rename"), (Cluster, "Host.Inventory.RenameCluster"),
    ),
    "ReconfigVM_Task": ((Vm, "VirtualMachine.Config.Settings"),),
    "CloneVM_Task": ((Vm, "VirtualMachine.Provisioning.Clone"),),
    "HttpNfcLeasePullFromUrls_Task": ((ExportLease, "VApp.PullFromUrls"),),
}  # fmt: skip


def denied(call: Call, obj: Any, privilege: str) -> Any:
    """Return the fault for a caller who lacks a privilege on an object; None for one who has it.

    Managers have no permissions of their own: the root folder's count for them, and whoever is logged in sees them.
    """
    if privilege == ANONYMOUS:
        return None
    place = anchor(call.world, obj)
    if call.session is None:
        return faults.not_authenticated(call.ref(place), privilege)
    if privilege in (VIEW, READ) and not isinstance(obj, Entity):
        return None
    held = call.service.access.privileges(call.session.user, place)
    return None if privilege in held else faults.no_permission(call.ref(place), privilege)


def check_read(call: Call, obj: Any, info: PropertyInfo) -> None:
    """Raise NotAuthenticated or NoPermission where the caller may not read a property."""
    default = READ if isinstance(obj, Entity) and _in_inventory(call, obj) else VIEW
    for privilege in (info.privilege or default).split():
        fault = denied(call, obj, privilege)
        if fault is not None:
            raise fault


def check_call(call: Call, target: Any, method: MethodInfo, arguments: dict[str, Any]) -> None:
    """Raise NoPermission where the caller may not call a method, on its object or on what an argument names.

    A method without a privilege of its own, as those of a lease are but for one (5.7), takes that its object is seen.
    """
    for privilege in method.privileges or _from_text(call, target, method.name) or (VIEW,):
        _check(call, target, privilege)
    for name, privilege in method.on_arguments:
        given = arguments.get(name)
        for reference in given if isinstance(given, list) else (given,):
            if isinstance(reference, VmomiSupport.ManagedObject):
                # What is not there is for the method to say: some leave it out.
                with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):
                    _check(call, call.resolve(reference), privilege)


def check_session(call: Call, this: Any, method: str) -> None:
    """Raise NotAuthenticated for a method that needs a session, where there is none."""
    needed = method_named(method).privileges or (VIEW,)
    if call.session is None and needed != (ANONYMOUS,):
        raise faults.not_authenticated(this, needed[0])


def visible(call: Call, obj: Any) -> bool:
    """Tell whether the caller sees that an object exists."""
    return denied(call, obj, VIEW) is None


def seen_of(call: Call, references: Any) -> Any:
    """Return an array of references without those that the caller does not see."""
    item = getattr(references, "Item", None)
    if call.session is None or item is None or not issubclass(item, VmomiSupport.ManagedObject):
        return references
    kept = [ref for ref in references if visible(call, call.world.objects.get(ref._moId))]
    return references if len(kept) == len(references) else type(references)(kept)


def _check(call: Call, obj: Any, privilege: str) -> None:
    fault = denied(call, obj, privilege)
    if fault is not None:
        raise fault


def _in_inventory(call: Call, obj: Any) -> bool:
    return issubclass(call.service.kind_of(obj).vim, wsdl_class("ManagedEntity"))


def _from_text(call: Call, target: Any, method: str) -> tuple[str, ...]:
    if method == "CancelTask" and isinstance(target, ExportTask) and call.session is not None:
        mine = canonical(target.user) == canonical(call.session.user)
        return () if mine else ("Global.CancelTask",)
    if method == "MigrateVM_Task" and isinstance(target, Vm):
        return ("Resource.ColdMigrate" if target.power is PowerState.OFF else "Resource.HotMigrate",)
    for kind, privilege in _BY_OBJECT.get(method, ()):
        if isinstance(target, kind):
            return (privilege,)
    return ()
