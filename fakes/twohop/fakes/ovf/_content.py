"""VirtualSystem and VirtualSystemCollection: machines, and vApps nested as they are in the inventory (8.11)."""

from __future__ import annotations

from typing import Any

from ..world import VApp, Vm
from ._dialect import Dialect
from ._files import Files
from ._hardware import Hardware
from ._vapp_config import write_vapp_config
from ._xml import element, section, set_vmw


class Content:
    """Writes machines and vApps; only the top one goes by another name and description than its own (8.8)."""

    def __init__(self, files: Files, options: frozenset[str], dialect: Dialect) -> None:
        self._files = files
        self._options = options
        self._dialect = dialect

    def write(self, parent: Any, entity: Vm | VApp, name: str, note: str) -> None:
        """Add a machine or a vApp."""
        if isinstance(entity, VApp):
            self._collection(parent, entity, name, note)
        else:
            self._system(parent, entity, name, note)

    def _collection(self, parent: Any, vapp: VApp, name: str, note: str) -> None:
        at = element(parent, "VirtualSystemCollection", id=name)
        element(at, "Info", "A multi-tiered software solution")
        element(at, "Name", name)
        members = vapp.members()
        if members:
            startup = section(at, "StartupSection", "Startup order")
            for child in members:
                start, stop = vapp.delay(child.moid)
                element(
                    startup, "Item", id=child.name, order=vapp.start_order[child.moid], startAction="powerOn",
                    startDelay=start, stopAction="powerOff", stopDelay=stop,
                )  # fmt: skip
        _annotation(at, note)
        for child in _children(vapp):
            self.write(at, child, child.name, child.annotation)

    def _system(self, parent: Any, vm: Vm, name: str, note: str) -> None:
        at = element(parent, "VirtualSystem", id=name)
        element(at, "Info", "A virtual machine")
        element(at, "Name", name)
        number, version, text = self._dialect.guest(vm.guest_id)
        guest = section(
            at, "OperatingSystemSection", "The kind of installed guest operating system", id=number, version=version
        )
        set_vmw(guest, "osType", vm.guest_id)
        if self._dialect.guest_names:
            element(guest, "Description", text)
        Hardware(vm, self._files, self._options, self._dialect).write(at)
        _annotation(at, note)
        if vm.vapp is not None:
            write_vapp_config(at, vm.vapp, left_out=self._dialect.left_out)


def machines_of(entity: Vm | VApp) -> list[Vm]:
    """Return the machines of a package in the order in which they stand in it: those of nested vApps first."""
    return [vm for child in _children(entity) for vm in machines_of(child)] if isinstance(entity, VApp) else [entity]


def _children(vapp: VApp) -> list[Vm | VApp]:
    # Not in the order in which they start: that is the StartupSection's alone.
    return [*vapp.vapps, *vapp.vms]


def _annotation(parent: Any, note: str) -> None:
    if note:
        at = section(parent, "AnnotationSection", "A human-readable annotation", required="false")
        element(at, "Annotation", note)
