"""Rename_Task of machines and vApps, and what a name may be."""

from __future__ import annotations

import re
from typing import Any

from ...world import Entity, VApp, Vm
from .. import _faults as faults
from .._service import Call
from ._inventory import VIRTUAL_APP
from ._operation import changing, task
from ._search_index import children
from ._virtual_machine import VIRTUAL_MACHINE

LONGEST = 80
"""Characters that the name of an object of the inventory may have."""

_ESCAPED = {"%25": "%", "%2f": "/", "%5c": "\\"}


def arriving_name(text: str) -> str:
    """Return a name that a client gave, with what it has escaped; a bare /, \\ or % stands for itself."""
    return re.sub("%25|%2f|%5c", lambda match: _ESCAPED[match[0].lower()], text, flags=re.IGNORECASE)


def new_name(call: Call, given: str, parent: Entity | None, but: Entity | None = None) -> str:
    """Return a name for an object under `parent`; InvalidName or DuplicateName where it cannot have that name."""
    name = arriving_name(given)
    if not name.strip() or not name.isprintable() or len(name) > LONGEST:
        raise faults.invalid_name(given, call.ref(but))
    taken = next((e for e in (children(parent) if parent else ()) if e.name == name and e is not but), None)
    if taken is not None:
        raise faults.duplicate_name(given, call.ref(taken))
    return name


@VIRTUAL_MACHINE.method("Rename_Task")
def _rename(call: Call, vm: Vm, newName: str) -> Any:
    with changing(call, vm) as tx:
        name = new_name(call, newName, vm.parent, vm)
        with task(call, tx, vm, "VirtualMachine.rename") as done:
            # Its files keep their names.
            tx.set(vm, "name", name)
    return call.ref(done)


@VIRTUAL_APP.method("Rename_Task")
def _rename_vapp(call: Call, vapp: VApp, newName: str) -> Any:
    with changing(call, vapp) as tx:
        name = new_name(call, newName, vapp.folder or vapp.parent, vapp)
        with task(call, tx, vapp, "VirtualApp.rename") as done:
            tx.set(vapp, "name", name)
    return call.ref(done)
