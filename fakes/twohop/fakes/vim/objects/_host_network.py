"""The network of a host: one switch with one card, its own address, and every network as a port group."""

from __future__ import annotations

from typing import Any

from ...machines import PowerState
from ...world import Host
from .._registry import vim
from .._service import Call
from ._values import data

PORTS = 1536
NIC = "vmnic0"
VNIC = "vmk0"
SWITCH = "vSwitch0"
MANAGEMENT = "Management Network"
FIRST_PORT = 33554436
PORT = f"key-vim.host.PortGroup.Port-{FIRST_PORT}"
"""The port that the host's own address is at."""


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
        "offloadPolicy": OFFLOAD,
        "shapingPolicy": {"enabled": False},
    }  # fmt: skip


def _own_policy() -> dict[str, Any]:
    """What a port group sets of its own: nothing, in empty parts."""
    return {"security": {}, "nicTeaming": {"failureCriteria": {}}, "offloadPolicy": {}, "shapingPolicy": {}}


def vnic(call: Call, host: Host, role: str = "") -> dict[str, Any]:
    """Return the fields of HostVirtualNic; where it is a candidate for a role, without the port it is at."""
    return {
        "device": VNIC, "key": f"{role}key-vim.host.VirtualNic-{VNIC}", "portgroup": MANAGEMENT,
        "spec": {
            "ip": {"dhcp": True, "ipAddress": _address(host), "subnetMask": "255.255.255.0"}, "mac": _mac(host),
            "portgroup": MANAGEMENT, "mtu": 1500, "tsoEnabled": True, "netStackInstanceKey": "defaultTcpipStack",
        },
        "port": "" if role else PORT,
    }  # fmt: skip


def network(call: Call, host: Host) -> Any:
    """Return HostNetworkInfo: one switch with one card, the host's own address and every network."""
    groups = [MANAGEMENT, *(network.name for network in host.networks)]
    keys = [f"key-vim.host.PortGroup-{name}" for name in groups]
    switch = f"key-vim.host.VirtualSwitch-{SWITCH}"
    card = f"key-vim.host.PhysicalNic-{NIC}"
    gateway = {"defaultGateway": "192.0.2.1"}
    dns = {
        "dhcp": True, "virtualNicDevice": VNIC, "hostName": host.name.partition(".")[0],
        "domainName": host.name.partition(".")[2] or "example.com", "address": ["192.0.2.1"],
        "searchDomain": ["example.com"],
    }  # fmt: skip
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
                "spec": {"name": name, "vlanId": 0, "vswitchName": SWITCH, "policy": _own_policy()},
                "port": _ports(host, name),
            }
            for key, name in zip(keys, groups, strict=True)
        ],
        pnic=[
            {
                "key": card, "device": NIC, "pci": "0000:03:00.0", "driver": "nvmxnet3", "mac": _mac(host),
                "linkSpeed": _FAST, "validLinkSpecification": [_FAST], "wakeOnLanSupported": False,
                "spec": {"ip": {"dhcp": False, "ipAddress": "", "subnetMask": ""}, "linkSpeed": _FAST},
                "fcoeConfiguration": {
                    "priorityClass": 3, "sourceMac": _mac(host), "fcoeActive": False,
                    "vlanRange": [{"vlanLow": 0, "vlanHigh": 0}],
                    "capabilities": {"priorityClass": False, "sourceMacAddress": False, "vlanRange": True},
                },
                "autoNegotiateSupported": False, "vmDirectPathGen2Supported": False,
                "resourcePoolSchedulerAllowed": True,
            }
        ],
        vnic=[vnic(call, host)],
        dnsConfig=dns,
        ipRouteConfig=gateway,
        routeTableInfo={"ipRoute": _ROUTES},
        netStackInstance=[
            *({"key": key, "name": "", "dnsConfig": _NO_DNS, "ipRouteConfig": {}, **_STACK} for key in _EMPTY_STACKS),
            {
                "key": "defaultTcpipStack", "name": "defaultTcpipStack", "dnsConfig": dns, "ipRouteConfig": gateway,
                "routeTableConfig": {"ipRoute": [{"changeOperation": "ignore", "route": route} for route in _ROUTES]},
                **_STACK,
            },
        ],
        ipV6Enabled=True,
        atBootIpV6Enabled=True,
    )  # fmt: skip


def _ports(host: Host, group: str) -> list[dict[str, Any]]:
    """Return who is at a port group: the host itself, or the cards of machines that run."""
    if group == MANAGEMENT:
        return [{"key": PORT, "mac": [_mac(host)], "type": "host"}]
    macs = [
        nic.mac for vm in host.vms if vm.power is PowerState.ON for nic in vm.nics
        if nic.network.name == group and nic.connected
    ]  # fmt: skip
    return [
        {"key": f"key-vim.host.PortGroup.Port-{FIRST_PORT + 1 + n}", "mac": [mac], "type": "virtualMachine"}
        for n, mac in enumerate(macs)
    ]


def virtual_nic_manager(call: Call, host: Host) -> Any:
    """Return HostVirtualNicManagerInfo: the one address serves management."""
    return data(
        vim.host.VirtualNicManagerInfo,
        netConfig=[
            {
                "nicType": kind, "multiSelectAllowed": kind != "faultToleranceLogging",
                "candidateVnic": [vnic(call, host, f"{kind}.")],
                "selectedVnic": [f"{kind}.key-vim.host.VirtualNic-{VNIC}"] if kind == "management" else [],
            }
            for kind in (
                "faultToleranceLogging", "management", "vSphereProvisioning", "vSphereReplication",
                "vSphereReplicationNFC", "vmotion", "vsan", "vsanWitness",
            )
        ],
    )  # fmt: skip


def vmotion(call: Call, host: Host) -> Any:
    """Return HostVMotionInfo: the address that could carry migrations, and does not."""
    return data(vim.host.VMotionInfo, netConfig={"candidateVnic": [vnic(call, host, "VMotionConfig.vmotion.")]})


NET_CAPABILITIES = {
    "canSetPhysicalNicLinkSpeed": True, "supportsNicTeaming": True,
    "nicTeamingPolicy": ["loadbalance_ip", "loadbalance_srcmac", "loadbalance_srcid", "failover_explicit"],
    "supportsVlan": True, "usesServiceConsoleNic": False, "supportsNetworkHints": True,
    "vswitchConfigSupported": True, "vnicConfigSupported": True, "ipRouteConfigSupported": True,
    "dnsConfigSupported": True, "dhcpOnVnicSupported": True, "ipV6Supported": True,
}  # fmt: skip
OFFLOAD = {"csumOffload": True, "tcpSegmentation": True, "zeroCopyXmit": True}
_FAST = {"speedMb": 10000, "duplex": True}
_NO_DNS = {"dhcp": False, "hostName": "", "domainName": ""}
_EMPTY_STACKS = ("vSphereProvisioning", "vmotion")
_STACK = {"requestedMaxNumberOfConnections": 11000, "congestionControlAlgorithm": "newreno", "ipV6Enabled": True}
_ROUTES = [
    {"network": "0.0.0.0", "prefixLength": 0, "gateway": "192.0.2.1", "deviceName": VNIC},
    {"network": "192.0.2.0", "prefixLength": 24, "gateway": "0.0.0.0", "deviceName": VNIC},
]
