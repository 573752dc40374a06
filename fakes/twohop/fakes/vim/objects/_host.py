"""HostSystem: an ESXi host as its vCenter, or its own agent, shows it."""

from __future__ import annotations

from typing import Any

from ...world import Host
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._about import host_about
from ._inventory import HOST_CORES, HOST_MEMORY, HOST_MHZ
from ._managed_entity import MANAGED_ENTITY

HOST = Kind("HostSystem", MANAGED_ENTITY, of=Host)


@HOST.provides("vm")
def _vm(call: Call, host: Host) -> list[Any]:
    return call.refs(host.vms)


@HOST.provides("datastore")
def _datastore(call: Call, host: Host) -> list[Any]:
    return call.refs(host.datastores)


@HOST.provides("network")
def _network(call: Call, host: Host) -> list[Any]:
    return call.refs(host.networks)


@HOST.provides("runtime")
def _runtime(call: Call, host: Host) -> Any:
    return vim.host.RuntimeInfo(connectionState="connected", powerState="poweredOn", inMaintenanceMode=False)


@HOST.provides("summary")
def _summary(call: Call, host: Host) -> Any:
    name, _, port = host.authority.rpartition(":")
    return vim.host.Summary(
        host=call.ref(host),
        hardware=vim.host.Summary.HardwareSummary(
            vendor="twohop",
            model="fake ESXi host",
            uuid=host.uuid,
            memorySize=HOST_MEMORY,
            cpuModel="fake CPU",
            cpuMhz=HOST_MHZ,
            numCpuPkgs=1,
            numCpuCores=HOST_CORES,
            numCpuThreads=HOST_CORES,
            numNics=1,
            numHBAs=1,
        ),
        runtime=_runtime(call, host),
        config=vim.host.Summary.ConfigSummary(
            name=name or host.name,
            port=int(port or 443),
            sslThumbprint=host.thumbprint or None,
            product=host_about(call),
            vmotionEnabled=False,
            faultToleranceEnabled=False,
        ),
        quickStats=vim.host.Summary.QuickStats(
            overallCpuUsage=0,
            overallMemoryUsage=0,
            distributedCpuFairness=0,
            distributedMemoryFairness=0,
            uptime=0,
        ),
        overallStatus="green",
        rebootRequired=False,
        managementServerIp=None if call.world.product.standalone else "127.0.0.1",
        maxEVCModeKey=None,
        currentEVCModeKey=None,
    )
