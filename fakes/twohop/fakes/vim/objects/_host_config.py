"""HostSystem.config: network, storage, services and options of a host."""

from __future__ import annotations

from typing import Any

from ...world import Host
from .._registry import vim
from .._service import Call
from ._about import host_about
from ._host_hardware import capability
from ._storage import store_path, volume
from ._values import data

PORTS = 1536
NIC = "vmnic0"
VNIC = "vmk0"
SWITCH = "vSwitch0"
MANAGEMENT = "Management Network"


def config(call: Call, host: Host) -> Any:
    """Return HostConfigInfo."""
    return data(
        vim.host.ConfigInfo,
        host=call.ref(host),
        product=host_about(call),
        hyperThread={"available": False, "active": False, "config": True},
        storageDevice=storage_device(call, host),
        multipathState={"path": [{"name": _path(host), "pathState": "active"}]},
        fileSystemVolume=file_system_volume(call, host),
        network=network(call, host),
        vmotion={"netConfig": {"candidateVnic": [_vnic(call, host)], "selectedVnic": None}},
        virtualNicManagerInfo=virtual_nic_manager(call, host),
        capabilities=_NET_CAPABILITIES,
        datastoreCapabilities=DATASTORE_CAPABILITIES,
        offloadCapabilities={"csumOffload": True, "tcpSegmentation": True, "zeroCopyXmit": True},
        service=services(call, host),
        firewall=firewall(call, host),
        autoStart={"defaults": {"enabled": False, "startDelay": 120, "stopDelay": 120, "stopAction": "PowerOff"}},
        option=[vim.option.OptionValue(key="UserVars.SuppressShellWarning", value=0)],
        dateTimeInfo=date_time(call, host),
        flags={"backgroundSnapshotsEnabled": False},
        adminDisabled=False,
        lockdownMode="lockdownDisabled",
        certificate=[],
        domainList=[],
        graphicsInfo=[],
        vFlashConfigInfo={},
        wakeOnLanCapable=False,
    )


def _address(host: Host) -> str:
    return host.authority.rpartition(":")[0].strip("[]") or "127.0.0.1"


def _mac(host: Host) -> str:
    tail = host.uuid.replace("-", "")[-6:]
    return f"00:0c:29:{tail[:2]}:{tail[2:4]}:{tail[4:6]}"


def _policy() -> dict[str, Any]:
    return {
        "security": {"allowPromiscuous": False, "macChanges": False, "forgedTransmits": False},
        "nicTeaming": {
            "policy": "loadbalance_srcid", "reversePolicy": True, "notifySwitches": True, "rollingOrder": False,
            "failureCriteria": {
                "checkSpeed": "minimum", "speed": 10, "checkDuplex": False, "fullDuplex": False,
                "checkErrorPercent": False, "percentage": 0, "checkBeacon": False,
            },
            "nicOrder": {"activeNic": [NIC]},
        },
        "offloadPolicy": {"csumOffload": True, "tcpSegmentation": True, "zeroCopyXmit": True},
        "shapingPolicy": {"enabled": False},
    }  # fmt: skip


def _vnic(call: Call, host: Host) -> dict[str, Any]:
    return {
        "device": VNIC, "key": f"key-vim.host.VirtualNic-{VNIC}", "portgroup": MANAGEMENT,
        "spec": {
            "ip": {"dhcp": True, "ipAddress": _address(host), "subnetMask": "255.255.255.0"}, "mac": _mac(host),
            "portgroup": MANAGEMENT, "mtu": 1500, "tsoEnabled": True, "netStackInstanceKey": "defaultTcpipStack",
        },
        "port": f"key-vim.host.PortGroup.Port-{VNIC}",
    }  # fmt: skip


def network(call: Call, host: Host) -> Any:
    """Return HostNetworkInfo: one switch with one card, the host's own address and every network."""
    groups = [MANAGEMENT, *(network.name for network in host.networks)]
    keys = [f"key-vim.host.PortGroup-{name}" for name in groups]
    switch = f"key-vim.host.VirtualSwitch-{SWITCH}"
    card = f"key-vim.host.PhysicalNic-{NIC}"
    gateway = {"defaultGateway": "192.0.2.1"}
    return data(
        vim.host.NetworkInfo,
        vswitch=[
            {
                "name": SWITCH, "key": switch, "numPorts": PORTS, "numPortsAvailable": PORTS - 12, "mtu": 1500,
                "portgroup": keys, "pnic": [card],
                "spec": {
                    "numPorts": 128, "policy": _policy(), "mtu": 1500,
                    "bridge": data(
                        vim.host.VirtualSwitch.BondBridge, nicDevice=[NIC], beacon={"interval": 1},
                        linkDiscoveryProtocolConfig={"protocol": "cdp", "operation": "listen"},
                    ),
                },
            }
        ],
        portgroup=[
            {
                "key": key, "vswitch": switch, "computedPolicy": _policy(),
                "spec": {"name": name, "vlanId": 0, "vswitchName": SWITCH, "policy": {}},
            }
            for key, name in zip(keys, groups, strict=True)
        ],
        pnic=[
            {
                "key": card, "device": NIC, "pci": "0000:03:00.0", "driver": "nvmxnet3", "mac": _mac(host),
                "linkSpeed": {"speedMb": 10000, "duplex": True}, "wakeOnLanSupported": False,
                "spec": {"ip": {"dhcp": False, "ipAddress": "", "subnetMask": ""}},
                "autoNegotiateSupported": False, "vmDirectPathGen2Supported": False,
            }
        ],
        vnic=[_vnic(call, host)],
        dnsConfig={
            "dhcp": True, "virtualNicDevice": VNIC, "hostName": host.name.partition(".")[0],
            "domainName": host.name.partition(".")[2] or "example.com", "address": ["192.0.2.1"],
            "searchDomain": ["example.com"],
        },
        ipRouteConfig=gateway,
        routeTableInfo={
            "ipRoute": [
                {"network": "0.0.0.0", "prefixLength": 0, "gateway": "192.0.2.1", "deviceName": VNIC},
                {"network": "192.0.2.0", "prefixLength": 24, "gateway": "0.0.0.0", "deviceName": VNIC},
            ]
        },
        netStackInstance=[
            {
                "key": "defaultTcpipStack", "name": "defaultTcpipStack", "requestedMaxNumberOfConnections": 11000,
                "congestionControlAlgorithm": "newreno", "ipV6Enabled": True, "ipRouteConfig": gateway,
            }
        ],
        ipV6Enabled=True,
        atBootIpV6Enabled=True,
    )  # fmt: skip


def virtual_nic_manager(call: Call, host: Host) -> Any:
    """Return HostVirtualNicManagerInfo: the one address serves management."""
    return data(
        vim.host.VirtualNicManagerInfo,
        netConfig=[
            {
                "nicType": kind, "multiSelectAllowed": True, "candidateVnic": [_vnic(call, host)],
                "selectedVnic": [f"{kind}.key-vim.host.VirtualNic-{VNIC}"] if kind == "management" else [],
            }
            for kind in ("faultToleranceLogging", "management", "vmotion", "vSphereProvisioning", "vSphereReplication")
        ],
    )  # fmt: skip


def _disk_key(store: Any) -> str:
    return f"key-vim.host.ScsiDisk-{store.uuid.replace('-', '')}"


def _lun(number: int, store: Any) -> dict[str, Any]:
    return {"key": f"key-vim.host.ScsiTopology.Lun-{number}", "lun": 0, "scsiLun": _disk_key(store)}


def _path(host: Host) -> str:
    return "vmhba0:C0:T0:L0"


def storage_device(call: Call, host: Host) -> Any:
    """Return HostStorageDeviceInfo: one adapter, one disk for each datastore."""
    adapter = "key-vim.host.ParallelScsiHba-vmhba0"
    stores = [store for store in host.datastores if store.type == "vmfs"]
    return data(
        vim.host.StorageDeviceInfo,
        hostBusAdapter=[
            data(
                vim.host.ParallelScsiHba, key=adapter, device="vmhba0", bus=3, status="online",
                model="PVSCSI SCSI Controller",
                driver="pvscsi", pci="0000:03:00.0",
            )
        ],
        scsiLun=[
            data(
                vim.host.ScsiDisk, deviceName=f"/vmfs/devices/disks/naa.{store.uuid}", deviceType="disk",
                key=_disk_key(store), uuid=store.uuid,
                descriptor=[{"quality": "highQuality", "id": f"naa.{store.uuid}"}],
                canonicalName=f"naa.{store.uuid}", displayName=f"Local Disk (naa.{store.uuid})", lunType="disk",
                vendor="VMware  ", model="Virtual disk    ", revision="2.0 ", scsiLevel=6, serialNumber="unavailable",
                operationalState=["ok"], vStorageSupport="vStorageUnsupported", protocolEndpoint=False,
                capacity={"blockSize": 512, "block": store.capacity // 512},
                devicePath=f"/vmfs/devices/disks/naa.{store.uuid}", ssd=True, localDisk=len(store.hosts) < 2,
                scsiDiskType="native512",
            )
            for store in stores
        ],
        scsiTopology={
            "adapter": [
                {
                    "key": "key-vim.host.ScsiTopology.Interface-vmhba0", "adapter": adapter,
                    "target": [
                        {
                            "key": f"key-vim.host.ScsiTopology.Target-vmhba0:0:{n}", "target": n,
                            "lun": [_lun(n, store)],
                            "transport": vim.host.ParallelScsiTargetTransport(),
                        }
                        for n, store in enumerate(stores)
                    ],
                }
            ]
        },
        softwareInternetScsiEnabled=False,
    )  # fmt: skip


def file_system_volume(call: Call, host: Host) -> Any:
    """Return HostFileSystemVolumeInfo: where each datastore is mounted."""
    return data(
        vim.host.FileSystemVolumeInfo,
        volumeTypeList=["VMFS", "NFS", "NFS41", "vsan", "VVOL", "VFFS", "OTHER"],
        mountInfo=[
            {
                "mountInfo": {
                    "path": store_path(store), "accessMode": "readWrite", "mounted": True, "accessible": True,
                },
                "volume": volume(call, store),
                "vStorageSupport": "vStorageUnsupported",
            }
            for store in host.datastores
        ],
    )  # fmt: skip


_SERVICES = (
    ("TSM", "ESXi Shell", False),
    ("TSM-SSH", "SSH", False),
    ("ntpd", "NTP Daemon", True),
    ("vpxa", "vpxa", True),
)


def services(call: Call, host: Host) -> Any:
    """Return HostServiceInfo."""
    return data(
        vim.host.ServiceInfo,
        service=[
            {
                "key": key, "label": label, "required": False, "uninstallable": False, "running": running,
                "policy": "on" if running else "off", "ruleset": [],
            }
            for key, label, running in _SERVICES
            if key != "vpxa" or not call.world.product.standalone
        ],
    )  # fmt: skip


def firewall(call: Call, host: Host) -> Any:
    """Return HostFirewallInfo."""
    rule = {"port": 443, "direction": "inbound", "portType": "dst", "protocol": "tcp"}
    return data(
        vim.host.FirewallInfo,
        defaultPolicy={"incomingBlocked": True, "outgoingBlocked": True},
        ruleset=[
            {
                "key": "vSphereClient", "label": "vSphere Web Client", "required": True,
                "rule": [rule], "enabled": True,
                "allowedHosts": {"allIp": True},
            }
        ],
    )  # fmt: skip


def date_time(call: Call, host: Host) -> Any:
    """Return HostDateTimeInfo."""
    zone = {"key": "UTC", "name": "UTC", "description": "UTC", "gmtOffset": 0}
    return data(vim.host.DateTimeInfo, timeZone=zone, ntpConfig={"server": []})


DATASTORE_CAPABILITIES = {
    "nfsMountCreationRequired": True,
    "nfsMountCreationSupported": True,
    "localDatastoreSupported": True,
    "vmfsExtentExpansionSupported": True,
}
_NET_CAPABILITIES = {
    "canSetPhysicalNicLinkSpeed": True, "supportsNicTeaming": True, "nicTeamingPolicy": ["loadbalance_srcid"],
    "supportsVlan": True, "usesServiceConsoleNic": False, "supportsNetworkHints": True, "maxPortGroupsPerVswitch": 512,
    "vswitchConfigSupported": True, "vnicConfigSupported": True, "ipRouteConfigSupported": True,
    "dnsConfigSupported": True, "dhcpOnVnicSupported": True, "ipV6Supported": True,
}  # fmt: skip

__all__ = ["capability", "config"]
