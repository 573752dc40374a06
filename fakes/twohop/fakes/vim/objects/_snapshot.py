"""VirtualMachineSnapshot, and the tree of snapshots as its machine shows it."""

from __future__ import annotations

from typing import Any

from ...world import Snapshot, Vm
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._service_instance import moment
from ._values import before
from ._virtual_machine import VIRTUAL_MACHINE, config_info

SNAPSHOT = Kind("VirtualMachineSnapshot", of=Snapshot)


@SNAPSHOT.provides("config")
def _config(call: Call, snapshot: Snapshot) -> Any:
    return config_info(call, snapshot.machine)


@SNAPSHOT.provides("childSnapshot")
def _children(call: Call, snapshot: Snapshot) -> list[Any]:
    return call.refs(snapshot.children)


@SNAPSHOT.provides("vm")
def _vm(call: Call, snapshot: Snapshot) -> Any:
    return call.ref(snapshot.vm)


@SNAPSHOT.provides("availableField", "value")
def _no_fields(call: Call, snapshot: Snapshot) -> list[Any]:
    return []


@VIRTUAL_MACHINE.provides("rootSnapshot")
def _root_snapshot(call: Call, vm: Vm) -> list[Any] | None:
    # Of a machine without snapshots, newer servers say nothing and older ones that the list is empty.
    return call.refs(vm.snapshots) if vm.snapshots or before(call, "7.0") else None


@VIRTUAL_MACHINE.provides("snapshot")
def _snapshot(call: Call, vm: Vm) -> Any:
    if not vm.snapshots:
        return None
    return vim.vm.SnapshotInfo(
        currentSnapshot=call.ref(vm.current_snapshot), rootSnapshotList=[_tree(call, each) for each in vm.snapshots]
    )


def _tree(call: Call, snapshot: Snapshot) -> Any:
    return vim.vm.SnapshotTree(
        snapshot=call.ref(snapshot), vm=call.ref(snapshot.vm), name=snapshot.name, description=snapshot.description,
        id=snapshot.number, createTime=moment(snapshot.created_at), state=snapshot.machine.power.value,
        quiesced=snapshot.quiesced, backupManifest="" if snapshot.quiesced else None,
        childSnapshotList=[_tree(call, child) for child in snapshot.children], replaySupported=False,
    )  # fmt: skip
