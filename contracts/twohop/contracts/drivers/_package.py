"""A package of the driver's own: a machine with one small disk, its descriptor and its stream, by the sheet's figures.

Written here, and not by the fake's writer, since that is what is judged (7.2).
"""

from __future__ import annotations

import struct
import zlib

CAPACITY = 1 << 20
"""Bytes of the one disk."""
FILE = "disk.vmdk"
_GRAIN, _SECTOR, _OVERHEAD = 1 << 16, 512, 128
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_AT_END = 0xFFFF_FFFF_FFFF_FFFF

_DESCRIPTOR = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
<References><File ovf:href="{file}" ovf:id="file1" ovf:size="{size}"/></References>
<DiskSection><Info>Disks</Info><Disk ovf:capacity="{capacity}" ovf:capacityAllocationUnits="byte" ovf:diskId="vmdisk1"
 ovf:fileRef="file1" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
<VirtualSystem ovf:id="{name}"><Info>A virtual machine</Info><Name>{name}</Name>
<OperatingSystemSection ovf:id="1"><Info>Other</Info></OperatingSystemSection>
<VirtualHardwareSection><Info>Hardware</Info><System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-07</vssd:VirtualSystemType></System>
<Item><rasd:ElementName>1 CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>
<rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
<Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>memory</rasd:ElementName>
<rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
<rasd:VirtualQuantity>32</rasd:VirtualQuantity></Item>
<Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID>
<rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Disk</rasd:ElementName>
<rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
<rasd:ResourceType>17</rasd:ResourceType></Item>
</VirtualHardwareSection></VirtualSystem></Envelope>
"""


def descriptor(name: str) -> str:
    """Return the descriptor of the machine under a name."""
    return _DESCRIPTOR.format(name=name, file=FILE, size=len(disk()), capacity=CAPACITY)


def disk() -> bytes:
    """Return the stream of the one disk: one grain of data, the rest holes."""
    text = b'# Disk DescriptorFile\nversion=1\nCID=00000001\nparentCID=ffffffff\ncreateType="streamOptimized"\n'
    front = (_header(_AT_END) + text).ljust(_OVERHEAD * _SECTOR, b"\0")
    squeezed = zlib.compress(b"imported" * (_GRAIN // 8))
    grain = _padded(struct.pack("<QI", 0, len(squeezed)) + squeezed)
    table_at = _OVERHEAD + len(grain) // _SECTOR + 1
    table = _marker(4, 1) + struct.pack("<I", _OVERHEAD).ljust(4 * _SECTOR, b"\0")
    directory_at = table_at + 4 + 1
    directory = _marker(1, 2) + _padded(struct.pack("<I", table_at))
    return front + grain + table + directory + _marker(1, 3) + _header(directory_at) + bytes(_SECTOR)


def _header(directory: int) -> bytes:
    return _HEADER.pack(
        b"KDMV", 3, 0x30001, CAPACITY // _SECTOR, 128, 1, 1, 512, 0, directory, _OVERHEAD, 0, b"\n \r\n", 1
    )


def _marker(sectors: int, kind: int) -> bytes:
    return struct.pack("<QII", sectors, 0, kind).ljust(_SECTOR, b"\0")


def _padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // _SECTOR) * _SECTOR, b"\0")
