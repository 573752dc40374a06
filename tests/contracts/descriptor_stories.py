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


def describe(
    wire, files=FILES, disks=DISKS, items=ITEMS, given=ONE, text=None, *, asked="", kind="VirtualMachine", moid="vm-1",
    content=None, told="", **more,
):  # fmt: skip
    """CreateDescriptor: `asked` is the rest of what the caller gave, `told` the rest of the result."""
    rows = "".join(
        f"<ovfFiles><deviceId>{path if path[0] == '/' else f'/vm-1/{path}'}</deviceId><path>{path}</path>"
        f"<size>{size}</size>{'' if not capacity else f'<capacity>{capacity[0]}</capacity>'}"
        f"{'' if populated is None else f'<populatedSize>{populated}</populatedSize>'}</ovfFiles>"
        for path, size, populated, *capacity in given
    )
    if text is None:
        inside = f'<VirtualSystem ovf:id="a">{items}</VirtualSystem>' if content is None else content
        text = f"<Envelope {NS}><References>{files}</References><DiskSection>{disks}</DiskSection>{inside}</Envelope>"
    result = f"<returnval><ovfDescriptor>{escape(text)}</ovfDescriptor>{told}</returnval>"
    args = f'<obj type="{kind}">{moid}</obj><cdp>{rows}{asked}</cdp>'
    return wire.soap("CreateDescriptor", "OvfManager", "OvfManager", args, **{"result": result, **more})


def refused(wire, fault, asked="", moid="vm-1"):
    return describe(wire, given=(), asked=asked, moid=moid, fault=fault)


def leased(wire):
    """A lease on vm-1 with one disk; the read that shows it."""
    wire.export()
    return wire.read("ready", info=wire.info())


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


# DESCRIPTOR-007


@keeps("DESCRIPTOR-007")
def described_under_a_lease(wire):
    leased(wire)
    describe(wire)


@breaks("DESCRIPTOR-007")
def busy_under_a_lease(wire):
    return leased(wire), refused(wire, "TaskInProgress")


@leaves_open("DESCRIPTOR-007")
def busy_without_a_lease(wire):
    refused(wire, "TaskInProgress")


# DESCRIPTOR-008

PLACE = "/vm-1/ParaVirtualSCSIController0:0"
BY_KEY = f'<File ovf:href="{PLACE}" ovf:id="file1"/>'


@keeps("DESCRIPTOR-008")
def every_disk(wire):
    leased(wire)
    describe(wire, files=BY_KEY, given=())


@breaks("DESCRIPTOR-008")
def no_disk_at_all(wire):
    return leased(wire), describe(wire, files="", disks="", items="", given=())


@leaves_open("DESCRIPTOR-008")
def a_list_that_filters(wire):
    leased(wire)
    describe(wire, files="", disks="", items="")


@leaves_open("DESCRIPTOR-008")
def a_lease_as_an_old_client_sees_it(wire):
    """Before 4.1 nobody is told which files are disks (1.8)."""
    wire.export()
    wire.read("ready", info=wire.info().replace("<disk>true</disk>", ""))
    describe(wire, files=BY_KEY, given=())


# DESCRIPTOR-009


@keeps("DESCRIPTOR-009")
def by_its_key(wire):
    leased(wire)
    describe(wire, files=BY_KEY, given=())


@breaks("DESCRIPTOR-009")
def by_a_name(wire):
    return leased(wire), describe(wire, given=())


@breaks("DESCRIPTOR-009")
def with_a_size(wire):
    return leased(wire), describe(wire, files=FILE.format(PLACE, "file1", 7), given=())


@leaves_open("DESCRIPTOR-009")
def by_the_name_that_was_given(wire):
    leased(wire)
    describe(wire)


# DESCRIPTOR-010

NAMED = ((PLACE, 7, None),)


@keeps("DESCRIPTOR-010")
def the_disk_that_was_named(wire):
    leased(wire)
    describe(wire, files=FILE.format(PLACE, "file1", 7), given=NAMED)


@breaks("DESCRIPTOR-010")
def the_disk_is_missing(wire):
    return leased(wire), describe(wire, files="", disks="", items="", given=NAMED)


@breaks("DESCRIPTOR-010")
def a_file_and_no_disk(wire):
    return leased(wire), describe(wire, files=FILE.format(PLACE, "file1", 7), disks="", items="", given=NAMED)


@leaves_open("DESCRIPTOR-010")
def something_else_was_named(wire):
    leased(wire)
    describe(wire)


# DESCRIPTOR-011


def hardware(wire, gib):
    """A read of vm-1, whose one disk holds so many GiB."""
    controller = (
        '<VirtualDevice xsi:type="ParaVirtualSCSIController"><key>1000</key><busNumber>0</busNumber></VirtualDevice>'
    )
    disk = (
        '<VirtualDevice xsi:type="VirtualDisk"><key>2000</key><controllerKey>1000</controllerKey>'
        f"<unitNumber>0</unitNumber><capacityInKB>{gib << 20}</capacityInKB></VirtualDevice>"
    )
    devices = f'<val xsi:type="ArrayOfVirtualDevice">{controller}{disk}</val>'
    result = (
        '<returnval><objects><obj type="VirtualMachine">vm-1</obj>'
        f"<propSet><name>config.hardware.device</name>{devices}</propSet></objects></returnval>"
    )
    spec = "<specSet><propSet><type>VirtualMachine</type><pathSet>config.hardware.device</pathSet></propSet></specSet>"
    return wire.soap("RetrievePropertiesEx", "PropertyCollector", "pc", spec, result=result)


@keeps("DESCRIPTOR-011")
def as_large_as_the_disk(wire):
    hardware(wire, 4)
    wire.t += 1
    describe(wire, files=BY_KEY, given=())


@keeps("DESCRIPTOR-011")
def as_large_as_the_caller_says(wire):
    describe(wire, given=(("a.vmdk", 7, None, 4 << 30),))


@breaks("DESCRIPTOR-011")
def larger_than_the_disk(wire):
    seen = hardware(wire, 3)
    wire.t += 1
    return seen, describe(wire, files=BY_KEY, given=())


@breaks("DESCRIPTOR-011")
def smaller_than_the_caller_says(wire):
    return (describe(wire, given=(("a.vmdk", 7, None, 5 << 30),)),)


@leaves_open("DESCRIPTOR-011")
def nobody_knows_the_disk(wire):
    describe(wire)


# DESCRIPTOR-012

STRANGE = "<exportOption>twohop-nobody-knows</exportOption>"


@keeps("DESCRIPTOR-012")
def ignored(wire):
    describe(wire, asked=STRANGE)


@breaks("DESCRIPTOR-012")
def an_invalid_option(wire):
    return (refused(wire, "InvalidArgument", STRANGE),)


@leaves_open("DESCRIPTOR-012")
def a_known_option(wire):
    describe(wire, asked="<exportOption>mac</exportOption>")


# DESCRIPTOR-013

OF_ANOTHER = '<snapshot type="VirtualMachineSnapshot">snapshot-9</snapshot>'


def snapshots(wire, vm):
    """A read of a machine whose snapshot is snapshot-9."""
    tree = '<rootSnapshotList><snapshot type="VirtualMachineSnapshot">snapshot-9</snapshot></rootSnapshotList>'
    result = (
        f'<returnval><objects><obj type="VirtualMachine">{vm}</obj><propSet><name>snapshot</name>'
        f'<val xsi:type="VirtualMachineSnapshotInfo">{tree}</val></propSet></objects></returnval>'
    )
    spec = "<specSet><propSet><type>VirtualMachine</type><pathSet>snapshot</pathSet></propSet></specSet>"
    return wire.soap("RetrievePropertiesEx", "PropertyCollector", "pc", spec, result=result)


@keeps("DESCRIPTOR-013")
def refused_by_anothers(wire):
    snapshots(wire, "vm-2")
    refused(wire, "InvalidArgument", OF_ANOTHER)


@breaks("DESCRIPTOR-013")
def described_by_anothers(wire):
    return snapshots(wire, "vm-2"), describe(wire, asked=OF_ANOTHER)


@leaves_open("DESCRIPTOR-013")
def described_by_its_own(wire):
    snapshots(wire, "vm-1")
    describe(wire, asked=OF_ANOTHER)


# DESCRIPTOR-014

ASKED = "<includeImageFiles>true</includeImageFiles>"
DRIVE = "<Item><ResourceType>15</ResourceType>{}</Item>"
FULL = DRIVE.format("<HostResource>ovf:/file/file1</HostResource>")


@keeps("DESCRIPTOR-014")
def the_drive_has_its_image(wire):
    describe(wire, items=FULL, given=(), asked=ASKED, told=ASKED)


@breaks("DESCRIPTOR-014")
def there_are_images_and_none_is_named(wire):
    return (describe(wire, items=DRIVE.format(""), given=(), asked=ASKED, told=ASKED),)


@breaks("DESCRIPTOR-014")
def there_are_none_and_one_is_named(wire):
    return (describe(wire, items=FULL, given=(), asked=ASKED, told=ASKED.replace("true", "false")),)


@leaves_open("DESCRIPTOR-014")
def nobody_asked_for_images(wire):
    describe(wire, items=DRIVE.format(""), given=(), told=ASKED)


# DESCRIPTOR-015


@keeps("DESCRIPTOR-015")
def as_it_was_named(wire):
    describe(wire, asked="<name>a</name>")


@breaks("DESCRIPTOR-015")
def otherwise_than_it_was_named(wire):
    return (describe(wire, asked="<name>b</name>"),)


@leaves_open("DESCRIPTOR-015")
def it_was_not_named(wire):
    describe(wire)


# DESCRIPTOR-016

NOTE = "<AnnotationSection><Info/><Annotation>n</Annotation></AnnotationSection>"


@keeps("DESCRIPTOR-016")
def as_it_was_described(wire):
    describe(wire, items=NOTE, asked="<description>n</description>")


@breaks("DESCRIPTOR-016")
def without_what_was_said(wire):
    return (describe(wire, asked="<description>n</description>"),)


@leaves_open("DESCRIPTOR-016")
def nothing_was_said(wire):
    describe(wire, items=NOTE)


# DESCRIPTOR-017


@keeps("DESCRIPTOR-017")
def one_list_of_each(wire):
    describe(wire)


@breaks("DESCRIPTOR-017")
def a_list_in_the_machine(wire):
    return (describe(wire, items=ITEMS + "<DiskSection/>"),)


@leaves_open("DESCRIPTOR-017")
def no_disk_to_list(wire):
    describe(wire, files="", disks="", items="")


# DESCRIPTOR-018

STARTS = '<StartupSection><Info/><Item ovf:id="web" ovf:order="1"/><Item ovf:id="in" ovf:order="2"/></StartupSection>'
WEB, DB = ('<VirtualSystem ovf:id="web"/>', '<VirtualSystem ovf:id="db"/>')
COLLECTION = '<VirtualSystemCollection ovf:id="{}">{}</VirtualSystemCollection>'
NESTED = COLLECTION.format("out", STARTS + COLLECTION.format("in", DB) + WEB)
FLATTENED = COLLECTION.format("out", STARTS + WEB + DB)


def inventory(wire):
    """Two reads: of vApp `out` with vApp `in` in it, and of the machines in both; the second is in `in`."""
    seen = []
    for kind, path, rows in (
        ("VirtualApp", "parent", (("v-1", "out", "pool-1"), ("v-2", "in", "v-1"))),
        ("VirtualMachine", "resourcePool", (("vm-1", "web", "v-1"), ("vm-2", "db", "v-2"), ("vm-3", "x", "pool-1"))),
    ):
        objects = "".join(
            f'<objects><obj type="{kind}">{moid}</obj><propSet><name>name</name><val xsi:type="xsd:string">{name}</val>'
            f'</propSet><propSet><name>{path}</name><val xsi:type="ManagedObjectReference" type="ResourcePool">{above}'
            "</val></propSet></objects>"
            for moid, name, above in rows
        )
        paths = f"<pathSet>name</pathSet><pathSet>{path}</pathSet>"
        spec = f"<specSet><propSet><type>{kind}</type>{paths}</propSet></specSet>"
        result = f"<returnval>{objects}</returnval>"
        seen.append(wire.soap("RetrievePropertiesEx", "PropertyCollector", "pc", spec, result=result))
    return seen


@keeps("DESCRIPTOR-018")
def as_in_the_inventory(wire):
    inventory(wire)
    describe(wire, given=(), kind="VirtualApp", moid="v-1", content=NESTED)


@breaks("DESCRIPTOR-018")
def the_inner_one_is_gone(wire):
    return *inventory(wire), describe(wire, given=(), kind="VirtualApp", moid="v-1", content=FLATTENED)


@leaves_open("DESCRIPTOR-018")
def nobody_knows_what_is_in_it(wire):
    describe(wire, given=(), kind="VirtualApp", moid="v-1", content=FLATTENED)


# DESCRIPTOR-019


@keeps("DESCRIPTOR-019")
def each_is_started(wire):
    one = COLLECTION.format("out", STARTS + WEB + COLLECTION.format("in", ""))
    describe(wire, given=(), kind="VirtualApp", moid="v-1", content=one)


@breaks("DESCRIPTOR-019")
def one_is_not_started(wire):
    return (describe(wire, given=(), kind="VirtualApp", moid="v-1", content=FLATTENED),)


@leaves_open("DESCRIPTOR-019")
def an_empty_vapp(wire):
    describe(wire, given=(), kind="VirtualApp", moid="v-1", content=COLLECTION.format("out", ""))
