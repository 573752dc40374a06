"""VirtualSystem and VirtualSystemCollection: machines, and vApps nested as they are in the inventory (8.11)."""

from __future__ import annotations

from typing import Any

from ..world import VApp, Vm
from ._files import Files
from ._hardware import Hardware
from ._names import GUESTS
from ._xml import element, section, set_vmw

_DELAY = 120
"""Seconds that a server writes between the starts of machines unless somebody chose others."""


class Content:
    """Writes machines and vApps; only the top one goes by another name and description than its own (8.8)."""

    def __init__(self, files: Files, options: frozenset[str]) -> None:
        self._files = files
        self._options = options

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
        children: list[Vm | VApp] = [*vapp.vapps, *vapp.vms]
        order = {child.moid: vapp.start_order.get(child.moid, n) for n, child in enumerate(children, 1)}
        children.sort(key=lambda child: order[child.moid])
        if children:
            startup = section(at, "StartupSection", "Startup order")
            for child in children:
                element(
                    startup, "Item", id=child.name, order=order[child.moid], startAction="powerOn", startDelay=_DELAY,
                    stopAction="powerOff", stopDelay=_DELAY,
                )  # fmt: skip
        _annotation(at, note)
        for child in children:
            self.write(at, child, child.name, child.annotation)

    def _system(self, parent: Any, vm: Vm, name: str, note: str) -> None:
        at = element(parent, "VirtualSystem", id=name)
        element(at, "Info", "A virtual machine")
        element(at, "Name", name)
        number, text = GUESTS.get(vm.guest_id, (1, vm.guest_id))
        guest = section(at, "OperatingSystemSection", "The kind of installed guest operating system", id=number)
        set_vmw(guest, "osType", vm.guest_id)
        element(guest, "Description", text)
        Hardware(vm, self._files, self._options).write(at)
        _annotation(at, note)


def _annotation(parent: Any, note: str) -> None:
    if note:
        at = section(parent, "AnnotationSection", "A human-readable annotation", required="false")
        element(at, "Annotation", note)
