"""Namespaces and numbers of OVF and CIM that descriptors use."""

OVF = "http://schemas.dmtf.org/ovf/envelope/1"
VSSD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
VMW = "http://www.vmware.com/schema/ovf"
STREAM_OPTIMIZED = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"

OTHER, PROCESSOR, MEMORY, IDE, SCSI, ETHERNET, FLOPPY, CDROM, DISK, OTHER_STORAGE, VIDEO = (
    1, 3, 4, 5, 6, 10, 14, 15, 17, 20, 24,
)  # fmt: skip
"""Resource types of CIM_ResourceAllocationSettingData."""

CONTROLLERS: dict[str, tuple[int, str, str | None]] = {
    "ParaVirtualSCSIController": (SCSI, "SCSI", "VirtualSCSI"),
    "VirtualLsiLogicController": (SCSI, "SCSI", "lsilogic"),
    "VirtualLsiLogicSASController": (SCSI, "SCSI", "lsilogicsas"),
    "VirtualBusLogicController": (SCSI, "SCSI", "buslogic"),
    "VirtualIDEController": (IDE, "IDE", None),
    "VirtualAHCIController": (OTHER_STORAGE, "SATA", "vmware.sata.ahci"),
    "VirtualNVMEController": (OTHER_STORAGE, "NVME", "vmware.nvme.controller"),
}
"""Resource type, display name and subtype by vim class."""

NICS = {"VirtualVmxnet3": "VmxNet3", "VirtualE1000": "E1000", "VirtualPCNet32": "PCNet32", "VirtualE1000e": "E1000e"}
"""Subtype of a network card by vim class."""

CD_BACKINGS = {"": "remotepassthrough", "atapi": "remoteatapi", "host": "atapi"}
FLOPPY_BACKINGS = {"": "remotedevice", "host": "device"}
"""Last part of the subtype of a drive without an image."""

PASSED_OVER = frozenset({"1", "16", "21", "22", "23", "24", "35"})
"""Resource types of what a machine may have and the fake has not, or has always: it is left out."""
