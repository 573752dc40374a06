"""Stories about descriptors."""

from __future__ import annotations

from html import escape

from contracts.stories import breaks, keeps, leaves_open

NS = 'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:vmw="http://www.vmware.com/schema/ovf"'
FILE = '<File ovf:href="{}" ovf:id="{}" ovf:size="{}"/>'
DISK = '<Disk ovf:capacity="{}" ovf:capacityAllocationUnits="{}" ovf:diskId="{}" ovf:fileRef="{}"{}/>'
ITEM = "<Item><HostResource>ovf:/{}</HostResource></Item>"
GIB = "byte * 2^30"
FILES = FILE.format("a.vmdk", "file1", 7)
DISKS = DISK.format(4, GIB, "vmdisk1", "file1", "")
ITEMS = ITEM.format("disk/vmdisk1")
ONE = (("a.vmdk", 7, None),)


def describe(wire, files=FILES, disks=DISKS, items=ITEMS, given=ONE, text=None):
    rows = "".join(
        f"<ovfFiles><deviceId>/vm-1/{path}</deviceId><path>{path}</path><size>{size}</size>"
        f"{'' if populated is None else f'<populatedSize>{populated}</populatedSize>'}</ovfFiles>"
        for path, size, populated in given
    )
    if text is None:
        text = (
            f"<Envelope {NS}><References>{files}</References><DiskSection>{disks}</DiskSection>"
            f"<VirtualSystem>{items}</VirtualSystem></Envelope>"
        )
    result = f"<returnval><ovfDescriptor>{escape(text)}</ovfDescriptor></returnval>"
    args = f'<obj type="VirtualMachine">vm-1</obj><cdp>{rows}</cdp>'
    return wire.soap("CreateDescriptor", "OvfManager", "OvfManager", args, result=result)


# DESCRIPTOR-001


@keeps("DESCRIPTOR-001")
def an_envelope(wire):
    describe(wire)


@breaks("DESCRIPTOR-001")
def no_xml(wire):
    return (describe(wire, text="<Envelope>"),)


@breaks("DESCRIPTOR-001")
def no_system(wire):
    return (describe(wire, text=f"<Envelope {NS}><References/></Envelope>"),)


@leaves_open("DESCRIPTOR-001")
def none_was_made(wire):
    wire.soap("CreateDescriptor", "OvfManager", "OvfManager", fault="InvalidState")


# DESCRIPTOR-002


@keeps("DESCRIPTOR-002")
def as_given(wire):
    describe(wire)


@breaks("DESCRIPTOR-002")
def of_another_size(wire):
    return (describe(wire, given=(("a.vmdk", 8, None),)),)


@breaks("DESCRIPTOR-002")
def of_another_path(wire):
    return (describe(wire, given=(("b.vmdk", 7, None),)),)


@leaves_open("DESCRIPTOR-002")
def placeholders(wire):
    describe(wire, given=())


# DESCRIPTOR-003


@keeps("DESCRIPTOR-003")
def gibibytes(wire):
    describe(wire)


@keeps("DESCRIPTOR-003")
def bytes_alone(wire):
    describe(wire, disks=DISK.format(1025, "byte", "vmdisk1", "file1", ""))


@breaks("DESCRIPTOR-003")
def too_small_a_unit(wire):
    return (describe(wire, disks=DISK.format(4096, "byte * 2^20", "vmdisk1", "file1", "")),)


@breaks("DESCRIPTOR-003")
def kibibytes(wire):
    return (describe(wire, disks=DISK.format(5, "byte * 2^10", "vmdisk1", "file1", "")),)


@leaves_open("DESCRIPTOR-003")
def no_disks(wire):
    describe(wire, disks="", items="")


# DESCRIPTOR-004


@keeps("DESCRIPTOR-004")
def not_populated(wire):
    describe(wire)


@keeps("DESCRIPTOR-004")
def populated_with_nothing(wire):
    describe(
        wire,
        disks=DISK.format(4, GIB, "vmdisk1", "file1", ' ovf:populatedSize="0"'),
        given=(("a.vmdk", 7, 0),),
    )


@breaks("DESCRIPTOR-004")
def forgotten(wire):
    return (describe(wire, given=(("a.vmdk", 7, 0),)),)


@breaks("DESCRIPTOR-004")
def made_up(wire):
    return (describe(wire, disks=DISK.format(4, GIB, "vmdisk1", "file1", ' ovf:populatedSize="0"')),)


@leaves_open("DESCRIPTOR-004")
def nothing_was_given(wire):
    describe(wire, given=())


# DESCRIPTOR-005


@keeps("DESCRIPTOR-005")
def all_there(wire):
    nvram = '<ExtraConfig vmw:key="nvram" vmw:value="ovf:/file/file2"/>'
    describe(wire, files=FILES + FILE.format("n", "file2", 1), items=ITEM.format("disk/vmdisk1") + nvram)


@breaks("DESCRIPTOR-005")
def one_id_twice(wire):
    return (describe(wire, files=FILES + FILE.format("b.vmdk", "file1", 7)),)


@breaks("DESCRIPTOR-005")
def a_disk_of_nothing(wire):
    return (describe(wire, disks=DISK.format(4, GIB, "vmdisk1", "file9", "")),)


@breaks("DESCRIPTOR-005")
def a_drive_of_nothing(wire):
    return (describe(wire, items=ITEM.format("file/file9")),)


@leaves_open("DESCRIPTOR-005")
def an_empty_package(wire):
    describe(wire, files="", disks="", items="")


# DESCRIPTOR-006


@keeps("DESCRIPTOR-006")
def used(wire):
    describe(wire)


@breaks("DESCRIPTOR-006")
def left_over(wire):
    return (describe(wire, files=FILES + FILE.format("n", "file2", 1)),)


@leaves_open("DESCRIPTOR-006")
def nothing_to_use(wire):
    describe(wire, files="", disks="", items="")
