"""Folder, Datacenter, ComputeResource, ClusterComputeResource and ResourcePool."""

from __future__ import annotations

from typing import Any

from ...world import Cluster, Datacenter, Folder, ResourcePool, Standalone, VApp
from .._kinds import Kind
from .._registry import properties_of, vim, wsdl_class
from .._service import Call
from ._host_facts import HOST_CORES, HOST_MEMORY, HOST_MHZ
from ._managed_entity import MANAGED_ENTITY
from ._parts import part_ref
from ._values import data

FOLDER = Kind("Folder", MANAGED_ENTITY, of=Folder)
DATACENTER = Kind("Datacenter", MANAGED_ENTITY, of=Datacenter)
COMPUTE_RESOURCE = Kind("ComputeResource", MANAGED_ENTITY, of=Standalone)
CLUSTER = Kind("ClusterComputeResource", COMPUTE_RESOURCE, of=Cluster)
RESOURCE_POOL = Kind("ResourcePool", MANAGED_ENTITY, of=ResourcePool)
VIRTUAL_APP = Kind("VirtualApp", RESOURCE_POOL, of=VApp)


@FOLDER.provides("childEntity")
def _child_entity(call: Call, folder: Folder) -> list[Any]:
    return call.refs(folder.children)


@FOLDER.provides("childType")
def _child_type(call: Call, folder: Folder) -> list[Any]:
    return [wsdl_class(name) for name in folder.child_types]


@DATACENTER.provides("vmFolder")
def _vm_folder(call: Call, datacenter: Datacenter) -> Any:
    return call.ref(datacenter.vm_folder)


@DATACENTER.provides("hostFolder")
def _host_folder(call: Call, datacenter: Datacenter) -> Any:
    return call.ref(datacenter.host_folder)


@DATACENTER.provides("datastoreFolder")
def _datastore_folder(call: Call, datacenter: Datacenter) -> Any:
    return call.ref(datacenter.datastore_folder)


@DATACENTER.provides("networkFolder")
def _network_folder(call: Call, datacenter: Datacenter) -> Any:
    return call.ref(datacenter.network_folder)


@DATACENTER.provides("datastore")
def _datacenter_datastore(call: Call, datacenter: Datacenter) -> list[Any]:
    return call.refs(datacenter.datastores)


@DATACENTER.provides("network")
def _datacenter_network(call: Call, datacenter: Datacenter) -> list[Any]:
    return call.refs(datacenter.networks)


@COMPUTE_RESOURCE.provides("host")
def _compute_host(call: Call, compute: Cluster) -> list[Any]:
    return call.refs(compute.hosts)


@COMPUTE_RESOURCE.provides("resourcePool")
def _compute_pool(call: Call, compute: Cluster) -> Any:
    return call.ref(compute.pool)


@COMPUTE_RESOURCE.provides("datastore")
def _compute_datastore(call: Call, compute: Cluster) -> list[Any]:
    return call.refs(dict.fromkeys(store for host in compute.hosts for store in host.datastores))


@COMPUTE_RESOURCE.provides("network")
def _compute_network(call: Call, compute: Cluster) -> list[Any]:
    return call.refs(dict.fromkeys(network for host in compute.hosts for network in host.networks))


def _sums(compute: Cluster) -> dict[str, Any]:
    hosts = len(compute.hosts)
    return {
        "totalCpu": hosts * HOST_CORES * HOST_MHZ,
        "totalMemory": hosts * HOST_MEMORY,
        "numCpuCores": hosts * HOST_CORES,
        "numCpuThreads": hosts * HOST_CORES,
        "effectiveCpu": hosts * HOST_CORES * HOST_MHZ,
        "effectiveMemory": hosts * HOST_MEMORY >> 20,
        "numHosts": hosts,
        "numEffectiveHosts": hosts,
        "overallStatus": "green",
    }


@COMPUTE_RESOURCE.provides("summary")
def _compute_summary(call: Call, compute: Cluster) -> Any:
    return vim.ComputeResource.Summary(**_sums(compute))


@CLUSTER.provides("summary")
def _cluster_summary(call: Call, cluster: Cluster) -> Any:
    return vim.ClusterComputeResource.Summary(**_sums(cluster), currentFailoverLevel=0, numVmotions=0)


@RESOURCE_POOL.provides("owner")
def _owner(call: Call, pool: ResourcePool) -> Any:
    return call.ref(pool.owner)


@RESOURCE_POOL.provides("vm")
def _pool_vm(call: Call, pool: ResourcePool) -> list[Any]:
    return call.refs(pool.vms)


@RESOURCE_POOL.provides("resourcePool")
def _pool_pools(call: Call, pool: ResourcePool) -> list[Any]:
    return call.refs([*pool.pools, *pool.vapps])


@RESOURCE_POOL.provides("childConfiguration")
def _child_configuration(call: Call, pool: ResourcePool) -> list[Any]:
    return []


def _allocation() -> Any:
    return vim.ResourceAllocationInfo(
        reservation=0,
        expandableReservation=True,
        limit=-1,
        shares=vim.SharesInfo(shares=4000, level="normal"),
    )


@RESOURCE_POOL.provides("config")
def _pool_config(call: Call, pool: ResourcePool) -> Any:
    return vim.ResourceConfigSpec(entity=call.ref(pool), cpuAllocation=_allocation(), memoryAllocation=_allocation())


@RESOURCE_POOL.provides("runtime")
def _pool_runtime(call: Call, pool: ResourcePool) -> Any:
    hosts = len(pool.owner.hosts)

    def usage(most: int) -> Any:
        return vim.ResourcePool.ResourceUsage(
            reservationUsed=0,
            reservationUsedForVm=0,
            unreservedForPool=most,
            unreservedForVm=most,
            overallUsage=0,
            maxUsage=most,
        )

    return vim.ResourcePool.RuntimeInfo(
        memory=usage(hosts * HOST_MEMORY), cpu=usage(hosts * HOST_CORES * HOST_MHZ), overallStatus="green"
    )


@RESOURCE_POOL.provides("summary")
def _pool_summary(call: Call, pool: ResourcePool) -> Any:
    return vim.ResourcePool.Summary(
        name=pool.name, config=_pool_config(call, pool), runtime=_pool_runtime(call, pool), configuredMemoryMB=0
    )


@DATACENTER.provides("configuration")
def _datacenter_configuration(call: Call, datacenter: Datacenter) -> Any:
    return vim.Datacenter.ConfigInfo()


@COMPUTE_RESOURCE.provides("environmentBrowser")
def _environment(call: Call, compute: Cluster) -> Any:
    return part_ref("envbrowser", compute)


@COMPUTE_RESOURCE.provides("configurationEx")
def _compute_configuration(call: Call, compute: Cluster) -> Any:
    return vim.ComputeResource.ConfigInfo(vmSwapPlacement="vmDirectory", spbmEnabled=False)


_DAS = {
    "enabled": False,
    "vmMonitoring": "vmMonitoringDisabled",
    "hostMonitoring": "enabled",
    "failoverLevel": 1,
    "admissionControlEnabled": True,
    "defaultVmSettings": {"restartPriority": "medium", "isolationResponse": "none"},
}
_DRS = {"enabled": False, "enableVmBehaviorOverrides": True, "defaultVmBehavior": "fullyAutomated", "vmotionRate": 3}


@CLUSTER.provides("configuration")
def _cluster_configuration(call: Call, cluster: Cluster) -> Any:
    return data(vim.cluster.ConfigInfo, dasConfig=_DAS, drsConfig=_DRS)


@CLUSTER.provides("configurationEx")
def _cluster_configuration_ex(call: Call, cluster: Cluster) -> Any:
    return data(
        vim.cluster.ConfigInfoEx,
        vmSwapPlacement="vmDirectory",
        spbmEnabled=False,
        dasConfig=_DAS,
        drsConfig=_DRS,
        dpmConfigInfo={"enabled": False, "defaultDpmBehavior": "automated", "hostPowerActionRate": 3},
        vsanConfigInfo={"enabled": False},
        infraUpdateHaConfig={"enabled": False},
        proactiveDrsConfig={"enabled": False},
    )


@CLUSTER.provides("recommendation", "drsRecommendation", "migrationHistory", "actionHistory", "drsFault")
def _nothing_to_move(call: Call, cluster: Cluster) -> list[Any]:
    return []


if "summaryEx" in properties_of("ClusterComputeResource"):
    CLUSTER.provides("summaryEx")(_cluster_summary)
