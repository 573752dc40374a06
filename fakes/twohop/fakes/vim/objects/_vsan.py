"""What a vSAN keeps for a machine: an object for its home, one for each disk, and one to swap to while it runs."""

from __future__ import annotations

import uuid

from ...machines import PowerState
from ...world import Datastore, Vm


def object_of(store: Datastore, name: str) -> str | None:
    """Return the id of the object that holds a file; None where the datastore is no vSAN."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name)) if store.type == "vsan" else None


def home_of(vm: Vm) -> str | None:
    """Return the id of the object that holds a machine's small files: its directory has it for a name."""
    directory = vm.directory.rstrip("/").rpartition(" ")[2]
    return directory if vm.datastore.type == "vsan" else None


def swap_of(vm: Vm) -> str | None:
    """Return the id of the object that a machine swaps to; None for one that does not run."""
    return object_of(vm.datastore, f"{vm.vmx} swap") if vm.power is PowerState.ON else None
