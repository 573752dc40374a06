"""The two descriptors of a download: default and identity (3.6).

Both describe the same disks. vCenter writes the default one without MAC addresses and BIOS UUIDs and the identity one
with them; what a vCenter export lacks, because it is the cloud's own, is added to the identity descriptor here: how the
vApp's networks are configured, its lease, and in which order its machines start.
"""

from __future__ import annotations

from lxml import etree

from twohop.exporter._xml import parse

from ._catalogue import Entity
from ._ledger import moment

OVF = "http://schemas.dmtf.org/ovf/envelope/1"
VCLOUD = "http://www.vmware.com/vcloud/v1.5"
_BEFORE = ("VirtualSystem", "VirtualSystemCollection", "Strings")


def with_identity(descriptor: bytes, entity: Entity, since: float) -> bytes:
    """Return `descriptor` with the vApp's own sections, where a real cell has them: in front of its machines."""
    root = parse(descriptor)
    content = next((child for child in root if isinstance(child.tag, str) and _local(child) in _BEFORE), None)
    place = len(root) if content is None else root.index(content)
    networks = [str(n.get(f"{{{OVF}}}name", "")) for n in root.iterfind(f"{{{OVF}}}NetworkSection/{{{OVF}}}Network")]
    for section in (_networks(networks), _lease(entity, since)):
        root.insert(place, section)
        place += 1
    if content is not None and _local(content) == "VirtualSystemCollection":
        machines = [child for child in content if isinstance(child.tag, str) and _local(child) == "VirtualSystem"]
        before = content.index(machines[0]) if machines else len(content)
        content.insert(before, _startup([str(machine.get(f"{{{OVF}}}id", "")) for machine in machines]))
    etree.cleanup_namespaces(root, top_nsmap={"vcloud": VCLOUD}, keep_ns_prefixes=[p for p in root.nsmap if p])
    etree.indent(root)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return document


def _networks(names: list[str]) -> etree._Element:
    section = _section("NetworkConfigSection", "The configuration parameters for logical networks")
    for name in names:
        config = _add(section, "NetworkConfig", networkName=name)
        _add(config, "Description")
        configuration = _add(config, "Configuration")
        _add(configuration, "FenceMode", "isolated")
        _add(configuration, "RetainNetInfoAcrossDeployments", "false")
        _add(config, "IsDeployed", "false")
    return section


def _lease(entity: Entity, since: float) -> etree._Element:
    section = _section("LeaseSettingsSection", "Lease settings section")
    if entity.kind == "vApp":
        _add(section, "DeploymentLeaseInSeconds", str(entity.deployment_lease_s))
    _add(section, "StorageLeaseInSeconds", str(entity.storage_lease_s))
    if entity.storage_lease_s:
        _add(section, "StorageLeaseExpiration", moment(since + entity.storage_lease_s))
    return section


def _startup(machines: list[str]) -> etree._Element:
    """Return the order in which a vApp's machines start: all at once, as long as nobody has said otherwise."""
    section = etree.Element(f"{{{OVF}}}StartupSection", nsmap={"ovf": OVF})
    etree.SubElement(section, f"{{{OVF}}}Info").text = "VApp startup section"
    values = {"order": "0", "startAction": "powerOn", "startDelay": "0", "stopAction": "powerOff", "stopDelay": "0"}
    for machine in machines:
        item = {f"{{{OVF}}}{name}": value for name, value in {"id": machine, **values}.items()}
        etree.SubElement(section, f"{{{OVF}}}Item", item)
    return section


def _section(name: str, info: str) -> etree._Element:
    required = {f"{{{OVF}}}required": "false"}
    section = etree.Element(f"{{{VCLOUD}}}{name}", required, nsmap={"vcloud": VCLOUD, "ovf": OVF})
    etree.SubElement(section, f"{{{OVF}}}Info").text = info
    return section


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{VCLOUD}}}{name}", attributes)
    child.text = text
    return child


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname
