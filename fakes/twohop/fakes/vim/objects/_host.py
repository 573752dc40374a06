"""HostSystem: an ESXi host as vCenter shows it."""

from __future__ import annotations

from typing import Any

from ...world import Host
from .._kinds import Kind
from .._registry import newest_known, vim
from .._service import Call
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


def _product(call: Call) -> Any:
    version = call.world.profile.text("about_version")
    build = call.world.profile.text("build")
    return vim.AboutInfo(
        name="VMware ESXi",
        fullName=f"VMware ESXi {version} build-{build}",
        vendor="VMware, Inc.",
        version=version,
        build=build,
        osType="vmnix-x86",
        productLineId="embeddedEsx",
        apiType="HostAgent",
        apiVersion=newest_known(call.world.profile.text("api_version")),
    )


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
            product=_product(call),
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
        managementServerIp="127.0.0.1",
        maxEVCModeKey=None,
        currentEVCModeKey=None,
    )
