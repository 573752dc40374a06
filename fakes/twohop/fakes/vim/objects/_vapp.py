"""VirtualApp: a resource pool with machines that are started, stopped and exported as one."""

from __future__ import annotations

import uuid
from typing import Any

from ...machines import PowerState
from ...world import VApp, Vm
from .. import _faults as faults
from .._registry import vim
from .._service import Call
from ._inventory import RESOURCE_POOL, VIRTUAL_APP
from ._operation import changing, task


def _instance_uuid(call: Call, vapp: VApp) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop vapp {call.world.seed} {vapp.moid}"))


@VIRTUAL_APP.provides("parentFolder")
def _parent_folder(call: Call, vapp: VApp) -> Any:
    return call.ref(vapp.folder)


@VIRTUAL_APP.provides("parentVApp")
def _parent_vapp(call: Call, vapp: VApp) -> Any:
    return call.ref(vapp.parent) if isinstance(vapp.parent, VApp) else None


@VIRTUAL_APP.provides("datastore")
def _datastore(call: Call, vapp: VApp) -> list[Any]:
    return call.refs(dict.fromkeys(store for vm in vapp.machines() for store in vm.datastores()))


@VIRTUAL_APP.provides("network")
def _network(call: Call, vapp: VApp) -> list[Any]:
    return call.refs(dict.fromkeys(nic.network for vm in vapp.machines() for nic in vm.nics))


@VIRTUAL_APP.provides("childLink")
def _child_link(call: Call, vapp: VApp) -> list[Any]:
    return []


@VIRTUAL_APP.provides("vAppConfig")
def _vapp_config(call: Call, vapp: VApp) -> Any:
    return vim.vApp.VAppConfigInfo(
        ipAssignment=vim.vApp.IPAssignmentInfo(ipAllocationPolicy="fixedPolicy", ipProtocol="IPv4"),
        installBootRequired=False,
        installBootStopDelay=0,
        entityConfig=[
            vim.vApp.EntityConfigInfo(
                key=call.ref(member), tag=member.name, startOrder=vapp.start_order[member.moid],
                startDelay=vapp.delay(member.moid)[0], waitingForGuest=False, startAction="powerOn",
                stopDelay=vapp.delay(member.moid)[1], stopAction="powerOff", destroyWithParent=False,
            )
            for member in vapp.members()
        ],
        annotation=vapp.annotation,
        instanceUuid=_instance_uuid(call, vapp),
    )  # fmt: skip


@VIRTUAL_APP.provides("summary")
def _summary(call: Call, vapp: VApp) -> Any:
    of_pool = RESOURCE_POOL.readers["summary"](call, vapp)
    machines = vapp.machines()
    return vim.VirtualApp.Summary(
        name=of_pool.name,
        config=of_pool.config,
        runtime=of_pool.runtime,
        configuredMemoryMB=sum(vm.memory_mib for vm in machines),
        vAppState="started" if vapp.started else "stopped",
        suspended=any(vm.power is PowerState.SUSPENDED for vm in machines),
        installBootRequired=False,
        instanceUuid=_instance_uuid(call, vapp),
    )


def _in_order(vapp: VApp) -> list[Vm]:
    """Return a vApp's machines as they start: member by member, those of a vApp in it in its own order."""
    return [vm for member in vapp.members() for vm in ([member] if isinstance(member, Vm) else _in_order(member))]


@VIRTUAL_APP.method("PowerOnVApp_Task")
def _power_on(call: Call, vapp: VApp) -> Any:
    with changing(call, vapp) as tx:
        if any(vm.power is PowerState.ON for vm in vapp.machines()):
            raise faults.invalid_state()
        with task(call, tx, vapp, "VirtualApp.powerOn") as done:
            for vm in _in_order(vapp):
                tx.set(vm, "power", PowerState.ON)
                tx.set(vm, "slots", True)
    return call.ref(done)


@VIRTUAL_APP.method("PowerOffVApp_Task")
def _power_off(call: Call, vapp: VApp, force: bool) -> Any:
    with changing(call, vapp) as tx:
        if not vapp.started:
            raise faults.invalid_state()
        with task(call, tx, vapp, "VirtualApp.powerOff") as done:
            for vm in reversed(_in_order(vapp)):
                tx.set(vm, "power", PowerState.OFF)
    return call.ref(done)


@VIRTUAL_APP.method("SuspendVApp_Task")
def _suspend(call: Call, vapp: VApp) -> Any:
    with changing(call, vapp) as tx:
        running = [vm for vm in reversed(_in_order(vapp)) if vm.power is PowerState.ON]
        if not running:
            raise faults.invalid_state()
        with task(call, tx, vapp, "VirtualApp.suspend") as done:
            for vm in running:
                tx.set(vm, "power", PowerState.SUSPENDED)
    return call.ref(done)
