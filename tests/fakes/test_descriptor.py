"""What CreateDescriptor writes (section 8), held against the OVF schema and against what the inventory has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire
from twohop.fakes import VCenter
from twohop.fakes.world import WorldFileError
from twohop.runtime.profiles import known_profiles, load_profile
from vcenters import SMALL, make

SCHEMA = Path(os.environ.get("TWOHOP_SCHEMAS", Path(__file__).parents[3] / "shared" / "schemas")) / "ovf"
NS = {
    "ovf": "http://schemas.dmtf.org/ovf/envelope/1",
    "rasd": "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData",
    "vmw": "http://www.vmware.com/schema/ovf",
}
OVF, VMW = f"{{{NS['ovf']}}}", f"{{{NS['vmw']}}}"
KINDS = ("pvscsi", "lsilogic", "lsilogicsas", "buslogic", "sata", "ide", "nvme")
WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0",
            "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}],
            "vms": [
                {
                    "name": "FULL",
                    "note": "as <it> is",
                    "firmware": "efi",
                    "disks": [{**SMALL, "controller": kind} for kind in ("pvscsi", "lsilogic", "sata", "nvme")],
                    "images": [{"size": 5000}, {"kind": "floppy", "size": 2880}],
                },
                {"name": "KINDS", "disks": [{**SMALL, "controller": kind} for kind in KINDS[2:6]]},
                {"name": "BARE"},
                {"name": "GONE", "disks": [SMALL], "images": [{"missing": True}]},
                {
                    "name": "SNAP",
                    "memory": "64 MiB",
                    "disks": [SMALL],
                    "snapshots": [{"name": "before"}],
                    "delta": [{"data": "64 KiB", "content": "seed:5"}],
                },
            ],
            "vapps": [
                {
                    "name": "shop",
                    "note": "all of it",
                    "vms": [{"name": "web", "disks": [SMALL], "start_order": 2}],
                    "vapps": [
                        {
                            "name": "data",
                            "start_order": 1,
                            "vms": [{"name": "db", "host": "H1", "disks": [SMALL, SMALL]}, {"name": "empty"}],
                        }
                    ],
                }
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def _shared() -> Iterator[VCenter]:
    with make(world=WORLD) as vcenter:
        yield vcenter


@pytest.fixture
def me(_shared: VCenter) -> Iterator[Plain]:
    _shared.reset()
    with Plain(_shared) as me:
        yield me


def described(me: Plain, entity: Any, **given: Any) -> tuple[Any, Any]:
    """The result, without errors, and its descriptor, which must be valid."""
    result, root = described_with_errors(me, entity, **given)
    assert not result.error
    return result, root


def described_with_errors(me: Plain, entity: Any, **given: Any) -> tuple[Any, Any]:
    """The result, and its descriptor, which must be valid."""
    result = me.content.ovfManager.CreateDescriptor(entity, vim.OvfManager.CreateDescriptorParams(**given))
    root = etree.fromstring(result.ovfDescriptor.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    if not (SCHEMA / "ovf-envelope.xsd").exists():
        pytest.skip(f"no OVF schema in {SCHEMA}: set TWOHOP_SCHEMAS")
    schema = etree.XMLSchema(file=str(SCHEMA / "ovf-envelope.xsd"))
    assert schema.validate(root), schema.error_log
    return result, root


def attributes(root: Any, path: str, name: str, space: str = OVF) -> list[str]:
    return [row.get(space + name) for row in root.iterfind(path, NS)]


def items(root: Any, *names: str) -> list[tuple[str | None, ...]]:
    """What each hardware item says under some names."""
    return [tuple(item.findtext(f"rasd:{n}", None, NS) for n in names) for item in root.iter(f"{OVF}Item")]


def given(entry: Any, path: str, **more: Any) -> Any:
    return vim.OvfManager.OvfFile(deviceId=entry.key, path=path, size=more.pop("size", 1), **more)


def test_every_controller_and_device_stands_in_it_under_its_parent(me: Plain) -> None:
    _, root = described(me, me.vm("FULL"))
    rows = items(root, "ElementName", "ResourceType", "ResourceSubType")
    assert rows == [
        ("1 virtual CPU(s)", "3", None), ("32MB of memory", "4", None),
        ("NVME controller 0", "20", "vmware.nvme.controller"), ("SATA controller 0", "20", "vmware.sata.ahci"),
        ("SCSI controller 1", "6", "lsilogic"), ("SCSI controller 0", "6", "VirtualSCSI"),
        ("IDE 1", "5", None), ("IDE 0", "5", None), ("Video card", "24", None), ("VMCI device", "1", "vmware.vmci"),
        ("CD/DVD drive 1", "15", "vmware.cdrom.remotepassthrough"), ("Hard disk 1", "17", None),
        ("Hard disk 2", "17", None), ("Hard disk 3", "17", None), ("Hard disk 4", "17", None),
        ("Floppy drive 1", "14", "vmware.floppy.remotedevice"), ("Network adapter 1", "10", "VmxNet3"),
    ]  # fmt: skip
    ids: dict[Any, Any] = dict(items(root, "ElementName", "InstanceID"))  # type: ignore[arg-type]
    parents = {name: parent for name, parent in items(root, "ElementName", "Parent") if parent}
    assert parents == {
        "CD/DVD drive 1": ids["IDE 0"], "Hard disk 1": ids["SCSI controller 0"],
        "Hard disk 2": ids["SCSI controller 1"], "Hard disk 3": ids["SATA controller 0"],
        "Hard disk 4": ids["NVME controller 0"],
    }  # fmt: skip
    assert len(set(ids.values())) == len(rows)
    (firmware,) = (row for row in root.iter(f"{VMW}Config") if row.get(f"{VMW}key") == "firmware")
    assert firmware.get(f"{VMW}value") == "efi"
    assert root.findtext(".//ovf:Annotation", None, NS) == "as <it> is"


def test_the_other_controllers_have_their_subtypes(me: Plain) -> None:
    _, root = described(me, me.vm("KINDS"))
    seen = {kind for name, kind in items(root, "ElementName", "ResourceSubType") if name and "controller" in name}
    assert seen == {"lsilogicsas", "buslogic", "vmware.sata.ahci"}
    disks = [row for row in items(root, "ElementName", "HostResource") if row[0] and row[0].startswith("Hard")]
    assert disks == [(f"Hard disk {n}", f"ovf:/disk/vmdisk{n}") for n in range(1, 5)]


def test_what_the_descriptor_says_of_a_machine_is_what_the_api_says() -> None:
    settings = {
        "cores_per_socket": 2, "cpu_limit": 1500, "cpu_reservation": 100, "memory_limit": "64 MiB",
        "memory_reservation": "16 MiB", "video": "8 MiB", "displays": 2, "power_off": "preset", "reset": "hard",
        "suspend": "soft", "standby": "powerOnSuspend", "sync_time": True, "order": ["nic", "floppy", "disk", "cd"],
    }  # fmt: skip
    row = {
        "name": "SET", "cpus": 4, "settings": settings, "disks": [SMALL],
        "nics": [{"kind": "e1000"}, {"kind": "pcnet32", "connected": False}],
        "images": [{"empty": True, "backing": "atapi"}, {"empty": True, "backing": "host", "kind": "floppy"}],
    }  # fmt: skip
    with make(world={"datacenters": [{"hosts": ["H0"], "vms": [row]}]}) as vc, Plain(vc) as me:
        vm = me.vm("SET")
        _, root = described(me, vm)
        config = vm.config
    rows = {row.get(f"{VMW}key"): row.get(f"{VMW}value") for row in root.iter(f"{VMW}Config")}
    told = items(root, "ElementName", "Limit", "Reservation")
    assert told[0][1:] == (str(config.cpuAllocation.limit), str(config.cpuAllocation.reservation)) == ("1500", "100")
    assert told[1][1:] == (str(config.memoryAllocation.limit), str(config.memoryAllocation.reservation)) == ("64", "16")
    assert root.findtext(".//vmw:CoresPerSocket", None, NS) == str(config.hardware.numCoresPerSocket) == "2"
    (card,) = (d for d in config.hardware.device if isinstance(d, vim.vm.device.VirtualVideoCard))
    assert (rows["videoRamSizeInKB"], rows["numDisplays"]) == (str(card.videoRamSizeInKB), str(card.numDisplays))
    power = config.defaultPowerOps
    assert [rows[f"powerOpInfo.{name}"] for name in ("powerOffType", "resetType", "suspendType", "standbyAction")] == [
        power.powerOffType, power.resetType, power.suspendType, power.standbyAction,
    ]  # fmt: skip
    assert (rows["tools.syncTimeWithHost"], config.tools.syncTimeWithHost) == ("true", True)
    labels = [device.deviceInfo.label for device in config.hardware.device]
    names = [name for name, *_ in items(root, "ElementName")]
    assert names[-5:] == labels[-5:] == [
        "Network adapter 1", "Network adapter 2", "Floppy drive 1", "Hard disk 1", "CD/DVD drive 1",
    ]  # fmt: skip
    first, second, floppy, _, cd = config.hardware.device[-5:]
    assert isinstance(first, vim.vm.device.VirtualE1000)
    assert isinstance(second, vim.vm.device.VirtualPCNet32)
    assert isinstance(floppy.backing, vim.vm.device.VirtualFloppy.DeviceBackingInfo)
    assert isinstance(cd.backing, vim.vm.device.VirtualCdrom.RemoteAtapiBackingInfo)
    assert items(root, "AutomaticAllocation")[-5:-3] == [("true",), ("false",)]


def test_what_a_machine_says_as_a_part_of_a_vapp_is_told_by_the_api_too() -> None:
    vapp = {
        "product": {"name": "Shop", "vendor": "me", "version": "1", "full_version": "1.0", "app_url": "https://shop"},
        "properties": [{"id": "host", "value": "shop", "label": "Host name", "category": "Net"}, {"id": "port"}],
        "eulas": ["as <it> is"], "transports": ["iso", "com.vmware.guestInfo"], "install_delay": 30,
    }  # fmt: skip
    rows = [{"name": "web", "vapp": vapp, "start_delay": 5, "stop_delay": 6}, {"name": "db"}]
    world = {"datacenters": [{"hosts": ["H0"], "vapps": [{"name": "all", "vms": rows}]}]}
    with make(world=world) as vc, Plain(vc) as me:
        entity = me.vapp("all")
        web, db = entity.vm
        _, root = described(me, entity)
        _, bare = described(me, db)
        config = web.config.vAppConfig
        delays = [(each.startDelay, each.stopDelay) for each in entity.vAppConfig.entityConfig]
        assert db.config.vAppConfig is None
    assert not [name for name in ("Product", "Eula", "Install") if bare.find(f".//ovf:{name}Section", NS) is not None]
    (product,) = config.product
    assert [product.name, product.vendor, product.version, product.fullVersion, product.appUrl] == [
        root.findtext(f".//ovf:ProductSection/ovf:{name}", None, NS)
        for name in ("Product", "Vendor", "Version", "FullVersion", "AppUrl")
    ] == ["Shop", "me", "1", "1.0", "https://shop"]  # fmt: skip
    assert [(each.id, each.type, each.value) for each in config.property] == [
        tuple(row.get(f"{OVF}{name}") for name in ("key", "type", "value")) for row in root.iter(f"{OVF}Property")
    ] == [("host", "string", "shop"), ("port", "string", "")]  # fmt: skip
    assert list(config.eula) == [root.findtext(".//ovf:License", None, NS)] == ["as <it> is"]
    assert attributes(root, ".//ovf:VirtualHardwareSection", "transport") == ["iso com.vmware.guestInfo", None]
    assert (config.installBootRequired, config.installBootStopDelay) == (True, 30)
    assert attributes(root, ".//ovf:InstallSection", "initialBootStopDelay") == ["30"]
    assert delays == [(5, 6), (120, 120)]
    assert attributes(root, ".//ovf:StartupSection/ovf:Item", "startDelay") == ["5", "120"]
    assert attributes(root, ".//ovf:StartupSection/ovf:Item", "stopDelay") == ["6", "120"]


def test_without_files_each_stands_under_its_device_key_and_without_a_size(me: Plain) -> None:
    vm = me.vm("FULL")
    moid = vm._GetMoId()
    keys = ["ParaVirtualSCSIController0:0", "VirtualLsiLogicController1:0", "VirtualAHCIController0:0",
            "VirtualNVMEController0:0", "nvram"]  # fmt: skip
    for files in ({}, {"ovfFiles": []}):
        _, root = described(me, vm, **files)
        assert attributes(root, "ovf:References/ovf:File", "href") == [f"/{moid}/{key}" for key in keys]
        assert attributes(root, "ovf:References/ovf:File", "size") == [None] * 5
        assert attributes(root, "ovf:References/ovf:File", "id") == [f"file{n}" for n in range(1, 6)]


def test_only_files_that_are_named_stand_in_it(me: Plain) -> None:
    vm = me.vm("FULL")
    info = me.export("FULL").info
    disks = [url for url in info.deviceUrl if url.disk]
    wanted = given(disks[1], "a/b.vmdk", size=68096, capacity=5 << 20, populatedSize=0)
    _, root = described(me, vm, ovfFiles=[wanted])
    assert attributes(root, "ovf:References/ovf:File", "href") == ["a/b.vmdk"]
    assert attributes(root, "ovf:References/ovf:File", "size") == ["68096"]
    assert attributes(root, "ovf:DiskSection/ovf:Disk", "capacity") == ["5"]
    assert attributes(root, "ovf:DiskSection/ovf:Disk", "populatedSize") == ["0"]
    assert [row for row in items(root, "ElementName", "HostResource") if row[1]] == [
        ("Hard disk 2", "ovf:/disk/vmdisk1")
    ]
    (nvram,) = root.iter(f"{VMW}ExtraConfig")
    assert nvram.get(f"{VMW}value") == "FULL.nvram", "8.10: without its file the plain name"


def test_nvram_and_images_are_files_of_the_package_where_asked_for(me: Plain) -> None:
    vm = me.vm("FULL")
    info = me.export("FULL").info
    files = [given(url, f"f{n}", size=n) for n, url in enumerate(info.deviceUrl)]
    without, root = described(me, vm, ovfFiles=files)
    assert attributes(root, "ovf:References/ovf:File", "href") == ["f2", "f3", "f4", "f5", "f6"]
    assert [type(w) for w in without.warning] == [vim.fault.OvfConnectedDeviceIso, vim.fault.OvfConnectedDeviceFloppy]
    iso, floppy = without.warning
    assert (iso.filename, iso.vmPath) == ("[LocalDS_0] FULL/FULL.iso", "/FULL")
    assert isinstance(iso.device, vim.vm.device.VirtualCdrom)
    assert isinstance(floppy.device, vim.vm.device.VirtualFloppy)
    assert without.includeImageFiles is True, "8.9: whether there are any"
    included, root = described(me, vm, ovfFiles=files, includeImageFiles=True)
    # The files stand in the order of the items that refer to them.
    assert attributes(root, "ovf:References/ovf:File", "href") == ["f0", "f2", "f3", "f4", "f5", "f1", "f6"]
    assert (len(included.warning), included.includeImageFiles) == (0, True)
    drives = [row for row in items(root, "ResourceSubType", "HostResource", "AutomaticAllocation") if row[2] == "true"]
    assert drives == [
        ("vmware.cdrom.iso", "ovf:/file/file1", "true"), ("vmware.floppy.image", "ovf:/file/file6", "true"),
        ("VmxNet3", None, "true"),
    ]  # fmt: skip
    (nvram,) = root.iter(f"{VMW}ExtraConfig")
    assert nvram.get(f"{VMW}value") == "ovf:/file/file7"


def test_before_6_7_no_nvram_is_a_file_of_the_package() -> None:
    with make(world=WORLD, profile="vcenter-6.5") as vc, Plain(vc) as me:
        _, root = described(me, me.vm("FULL"))
        assert not any("nvram" in href for href in attributes(root, "ovf:References/ovf:File", "href"))


def test_options(me: Plain) -> None:
    vm = me.vm("FULL")
    assert {option.option for option in me.content.ovfManager.ovfExportOption} == {
        "mac", "uuid", "extraconfig", "nodevicesubtypes",
    }  # fmt: skip
    _, plain = described(me, vm, exportOption=["nobody-knows-it"])
    assert not [row for row in items(plain, "ElementName", "Address") if row[0] == "Network adapter 1" and row[1]]
    _, root = described(me, vm, exportOption=["mac", "uuid", "nodevicesubtypes"])
    (nic,) = (mac for name, mac in items(root, "ElementName", "Address") if name == "Network adapter 1")
    assert nic == vm.config.hardware.device[-1].macAddress
    kinds = [kind for name, kind in items(root, "ElementName", "ResourceSubType") if "drive" in (name or "")]
    assert kinds == [None, None], "8.8: that of the CD and of the floppy drive"
    assert ("Network adapter 1", "VmxNet3") in items(root, "ElementName", "ResourceSubType")
    extra = {row.get(f"{VMW}key"): row.get(f"{VMW}value") for row in root.iter(f"{VMW}ExtraConfig")}
    assert extra["uuid.bios"] == vm.config.uuid


@pytest.mark.parametrize("profile", ["vcenter-5.5", "vcenter-8.0", "esxi-6.5", "esxi-8.0"])
def test_slots_and_what_a_guest_may_connect_are_told_as_the_api_tells_them(profile: str) -> None:
    rows: list[dict[str, Any]] = [
        {
            "name": "RAN", "disks": [{**SMALL, "controller": kind} for kind in ("pvscsi", "lsilogic", "sata")],
            "nics": [{"guest_control": False}, {"kind": "e1000", "slot": 99, "wake_on_lan": False}],
            "images": [{"empty": True, "guest_control": False}], "controllers": [{"kind": "lsilogicsas", "bus": 3}],
        },
        {"name": "NEW", "slots": False, "disks": [SMALL], "nics": [{"slot": 7}], "settings": {"vmci_slot": 8}},
    ]  # fmt: skip
    with make(profile, world={"datacenters": [{"hosts": ["H0"], "vms": rows}]}) as vc, Plain(vc) as me:
        for row in rows:
            _, root = described(me, me.vm(row["name"]))
            told = [_configured(item) for item in root.iter(f"{OVF}Item")]
            devices = me.vm(row["name"]).config.hardware.device
            slots = [str(device.slotInfo.pciSlotNumber) for device in devices if device.slotInfo is not None]
            assert sorted(each[SLOT] for each in told if SLOT in each) == sorted(slots)
            assert slots == ["8", "7"] if row["name"] == "NEW" else set(slots) >= {"99", "160", "192", "32"}
            control = [str(device.connectable.allowGuestControl).lower() for device in devices if device.connectable]
            shown = profile in ("vcenter-8.0", "esxi-8.0")
            assert [each[CONTROL] for each in told if CONTROL in each] == (control if shown else [])
            wakes = [str(device.wakeOnLanEnabled).lower() for device in devices if hasattr(device, "wakeOnLanEnabled")]
            assert [each["wakeOnLanEnabled"] for each in told if "wakeOnLanEnabled" in each] == wakes


@pytest.mark.parametrize("whole", [False, True])
def test_a_machine_that_was_never_on_gets_slots_when_it_is(whole: bool) -> None:
    row = {"name": "web", "slots": False, "disks": [SMALL]}
    world = {"datacenters": [{"hosts": ["H0"], "vapps": [{"name": "shop", "vms": [row]}]}]}
    with make(world=world) as vc, Plain(vc) as me:
        shop = me.vapp("shop")
        (vm,) = shop.vm
        _, new = described(me, vm)
        (shop.PowerOnVApp_Task if whole else vm.PowerOnVM_Task)()
        _, ran = described(me, vm)
    told = [[SLOT in _configured(item) for item in root.iter(f"{OVF}Item")] for root in (new, ran)]
    assert [sum(each) for each in told] == [0, 2], "of the controller and the card"


SLOT, CONTROL = "slotInfo.pciSlotNumber", "connectable.allowGuestControl"


def _configured(parent: Any, kind: str = "Config") -> dict[str, str]:
    return {row.get(f"{VMW}key"): row.get(f"{VMW}value") for row in parent.iterfind(f"{VMW}{kind}")}


@pytest.mark.parametrize("profile", ["vcenter-6.0", "vcenter-8.0", "esxi-8.0"])
def test_extraconfig_adds_every_option_that_the_api_tells(profile: str) -> None:
    row = {"name": "EXTRA", "firmware": "efi", "disks": [SMALL], "extra_config": {"guestinfo.role": "web", "a": "b&c"}}
    with make(profile, world={"datacenters": [{"hosts": ["H0"], "vms": [row]}]}) as vc, Plain(vc) as me:
        vm = me.vm("EXTRA")
        _, plain = described(me, vm)
        _, root = described(me, vm, exportOption=["extraconfig"])
        api = {option.key: option.value for option in vm.config.extraConfig}
    (hardware,) = root.iter(f"{OVF}VirtualHardwareSection")
    (bare,) = plain.iter(f"{OVF}VirtualHardwareSection")
    told = _configured(hardware, "ExtraConfig")
    assert set(_configured(bare, "ExtraConfig")) == ({"nvram"} if profile != "vcenter-6.0" else set())
    assert told | {"nvram": ""} == api | {"nvram": ""}
    assert (api["guestinfo.role"], api["a"], api["scsi0.pciSlotNumber"]) == ("web", "b&c", "160")


def test_a_vapp_is_a_collection_nested_as_in_the_inventory_with_one_list_of_files(me: Plain) -> None:
    vapp = me.vapp("shop")
    lease = me.ready(vapp.ExportVApp())
    files = [given(url, url.targetId, size=n) for n, url in enumerate(lease.info.deviceUrl)]
    _, root = described(me, vapp, ovfFiles=files, name="other", description="new")
    # The files stand in the order of the machines, those of vApps inside first.
    assert attributes(root, "ovf:References/ovf:File", "href") == ["disk-1.vmdk", "disk-2.vmdk", "disk-0.vmdk"]
    assert attributes(root, "ovf:DiskSection/ovf:Disk", "fileRef") == ["file1", "file2", "file3"]
    (top,) = root.findall("ovf:VirtualSystemCollection", NS)
    assert (top.get(f"{OVF}id"), top.findtext("ovf:Name", None, NS)) == ("other", "other")
    assert [child.get(f"{OVF}id") for child in top if child.get(f"{OVF}id")] == ["data", "web"]
    assert attributes(top, "ovf:StartupSection/ovf:Item", "id") == ["data", "web"]
    assert attributes(top, "ovf:StartupSection/ovf:Item", "order") == ["1", "2"]
    assert attributes(top, "ovf:VirtualSystemCollection/ovf:VirtualSystem", "id") == ["db", "empty"]
    assert top.findtext("ovf:AnnotationSection/ovf:Annotation", None, NS) == "new"
    resources = [row[0] for row in items(root, "HostResource") if row[0]]
    assert sorted(resources) == [f"ovf:/disk/vmdisk{n}" for n in (1, 2, 3)]
    assert len(root.findall("ovf:NetworkSection/ovf:Network", NS)) == 1


def test_a_snapshot_is_described_as_the_machine_was(me: Plain) -> None:
    vm = me.vm("SNAP")
    (tree,) = vm.snapshot.rootSnapshotList
    vm.ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=128))
    assert vm.config.hardware.memoryMB == 128
    _, then = described(me, vm, snapshot=tree.snapshot)
    _, now = described(me, vm)
    memory = [dict(items(root, "ResourceType", "VirtualQuantity"))["4"] for root in (then, now)]
    assert memory == ["64", "128"]
    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        described(me, me.vm("BARE"), snapshot=tree.snapshot)
    assert caught.value.invalidProperty == "cdp.snapshot"


def test_a_machine_with_nothing_is_described_too(me: Plain) -> None:
    result, root = described(me, me.vm("BARE"))
    assert root.find("ovf:DiskSection", NS) is None
    assert (len(result.warning), result.includeImageFiles) == (0, False)


def test_an_image_that_is_gone_is_no_file_of_the_package(me: Plain) -> None:
    _, root = described(me, me.vm("GONE"), includeImageFiles=True)
    assert len(attributes(root, "ovf:References/ovf:File", "href")) == 1


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a\\b", "a/../b"])
def test_a_path_that_leads_elsewhere_is_refused(me: Plain, path: str) -> None:
    file = vim.OvfManager.OvfFile(deviceId="/vm-1/x", path=path, size=1)
    with pytest.raises(vmodl.fault.InvalidArgument):
        described(me, me.vm("BARE"), ovfFiles=[file])


UNDESCRIBED: list[dict[str, Any]] = [
    {
        "name": "odd",
        "disks": [
            SMALL, {**SMALL, "export_error": "OvfUnableToExportDisk"},
            {**SMALL, "export_error": "OvfUnsupportedDeviceExport"},
        ],
        "nics": [{"network": "spare", "export_error": "OvfUnsupportedDeviceExport"}, {"network": "VM Network"}],
        "images": [{"empty": True, "export_error": "OvfUnknownDeviceBacking"}, {"kind": "floppy"}],
        "vapp": {"properties": [{"id": "a", "type": "odd", "value": "1", "export_error": "OvfPropertyExport"}]},
    },
    {"name": "plain", "disks": [SMALL]},
]  # fmt: skip


def test_what_cannot_be_described_is_an_error_by_device_and_by_its_place_among_vapps() -> None:
    inner = {"name": "inner", "vms": UNDESCRIBED}
    datacenter = {"hosts": ["H0"], "networks": ["VM Network", "spare"], "vapps": [{"name": "outer", "vapps": [inner]}]}
    with make(world={"datacenters": [datacenter]}) as vc, Plain(vc) as me:
        result, root = described_with_errors(me, me.vapp("outer"))
        vm, plain = me.vapp("outer").resourcePool[0].vm
        _, alone = described(me, plain)
        devices = {device.key: device for device in vm.config.hardware.device}
        offered = [url.targetId for url in me.ready(me.vapp("outer").ExportVApp()).info.deviceUrl]
    assert alone.find("ovf:DiskSection/ovf:Disk", NS) is not None
    assert [type(each).__name__.rpartition(".")[2] for each in result.error] == [
        "OvfUnsupportedDeviceExport", "OvfUnknownDeviceBacking", "OvfUnsupportedDeviceExport", "OvfUnableToExportDisk",
        "OvfPropertyExport",
    ]  # fmt: skip
    *hardware, strange = result.error
    assert {each.vmPath for each in (*hardware, *result.warning)} == {"/outer/inner/odd"}
    assert [devices[each.device.key].deviceInfo.label for each in hardware] == [
        "Hard disk 3", "CD/DVD drive 1", "Network adapter 1", "Hard disk 2",
    ]  # fmt: skip
    assert isinstance(hardware[1].backing, vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo)
    assert (hardware[3].diskName, strange.type, strange.value) == ("Hard disk 2", "odd", "1")
    assert [type(each) for each in result.warning] == [vim.fault.OvfConnectedDeviceFloppy]
    names = [name for name, *_ in items(root, "ElementName") if name]
    assert [name for name in names if name[:4] in ("Hard", "CD/D", "Flop", "Netw")] == [
        "Hard disk 1", "Floppy drive 1", "Network adapter 2", "Hard disk 1", "Network adapter 1",
    ]  # fmt: skip
    assert attributes(root, "ovf:NetworkSection/ovf:Network", "name") == ["VM Network"]
    assert len(attributes(root, "ovf:References/ovf:File", "href")) == 2
    assert root.find(".//ovf:Property", NS) is None
    assert len(offered) == 5, "the lease offers every disk, and the image"


def test_a_world_file_names_only_errors_that_there_are() -> None:
    row = {"name": "odd", "disks": [{**SMALL, "export_error": "OvfPropertyExport"}]}
    with pytest.raises(WorldFileError, match=r"vm odd: disk 0: export_error .*OvfUnableToExportDisk"):
        make(world={"datacenters": [{"hosts": ["H0"], "vms": [row]}]})


def test_an_older_client_is_not_told_of_images() -> None:
    with make(world=WORLD, profile=load_profile("vcenter-8.0")) as vc, Wire(vc, "4.0").login() as wire:
        argument = f'<obj type="VirtualMachine">{wire.moid("Vm", "FULL")}</obj><cdp></cdp>'
        answer = wire.call("CreateDescriptor", "OvfManager", "OvfManager", argument)
        assert answer.fault is None
        assert answer.texts("includeImageFiles") == []


EVERYWHERE = [name for name in known_profiles() if not name.startswith("cell")]


@pytest.mark.parametrize("profile", EVERYWHERE)
def test_descriptors_of_every_profile_are_valid_and_do_what_the_caller_asks(profile: str) -> None:
    """Machines with everything, a snapshot, and nested vApps: each way of asking, held against the schema (8.8)."""
    world = WORLD
    if profile.startswith("esxi"):
        (row,) = WORLD["datacenters"]
        world = {"datacenters": [{"hosts": ["H0"], "vms": row["vms"]}]}
    with make(profile, world=world) as server, Plain(server) as me:
        full, snap = me.vm("FULL"), me.vm("SNAP")
        (tree,) = snap.snapshot.rootSnapshotList
        entities: list[tuple[Any, dict[str, Any]]] = [(full, {}), (me.vm("KINDS"), {}), (snap, {})]
        # The API of 4.1 has neither snapshots nor options here (META).
        newer = server.world.profile.version != "4.1"
        if newer:
            entities.append((snap, {"snapshot": tree.snapshot}))
        if not profile.startswith("esxi"):
            entities.append((me.vapp("shop"), {}))
        for entity, more in entities:
            for images in (False, True):
                described(me, entity, includeImageFiles=images, name="a name", description="a <note>", **more)
        _, plain = described(me, full)
        if not newer:
            return
        _, root = described(me, full, exportOption=["mac", "uuid", "extraconfig", "nodevicesubtypes"])
        mac, uuid = full.config.hardware.device[-1].macAddress, full.config.uuid
    assert ("Network adapter 1" in _named(root)) is not profile.startswith("esxi")
    assert (mac in _addresses(root), mac in _addresses(plain)) == (True, False)
    (hardware,) = root.iter(f"{OVF}VirtualHardwareSection")
    assert _configured(hardware, "ExtraConfig")["uuid.bios"] == uuid
    assert _configured(hardware, "ExtraConfig")["svga.present"] == "TRUE"
    kinds = [dict(items(each, "ResourceType", "ResourceSubType")) for each in (plain, root)]  # type: ignore[arg-type]
    assert [each["15"] for each in kinds] == ["vmware.cdrom.remotepassthrough", None]
    assert [each["10"] for each in kinds] == ["VmxNet3"] * 2


def _named(root: Any) -> list[str | None]:
    return [name for name, *_ in items(root, "ElementName")]


def _addresses(root: Any) -> list[str | None]:
    return [address for address, *_ in items(root, "Address")]
