"""Machines as people have them, by a world file: firmware, images, controllers, snapshots, clones, vApps, folders."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyVmomi import vim

from plain_pyvmomi import Plain
from twohop.fakes import VCenter, WorldFileError
from twohop.fakes.machines import PowerState
from twohop.fakes.vmdk import DiskContent, SeededContent, stream, stream_size
from twohop.fakes.world import FileBytes, Folder, SeededBytes, VApp, Vm, World, default_spec

MIB = 1 << 20


def world(*vms: Any, base: Path | None = None, **datacenter: Any) -> World:
    """A world of one datacenter; hosts a and b in a cluster, c alone."""
    given = {"name": "DC0", "clusters": [{"name": "C0", "hosts": ["a", "b"]}], "hosts": ["c"], "vms": list(vms)}
    return VCenter(world={"datacenters": [given | datacenter]}, base=base, seed=1).world


def digest(content: DiskContent) -> str:
    return hashlib.sha256(b"".join(stream(content, cid=1))).hexdigest()


def test_firmware_comes_with_its_file() -> None:
    bios, efi, bare, named = world(
        {"name": "bios"}, {"name": "efi", "firmware": "efi"}, {"name": "bare", "firmware": "efi", "nvram": False},
        {"name": "old", "nvram": {"name": "other.nvram", "size": 8684, "content": "seed:4"}},
    ).vms()  # fmt: skip
    assert (bios.firmware, bios.nvram, efi.firmware, bare.nvram) == ("bios", None, "efi", None)
    assert efi.nvram is not None and named.nvram is not None
    assert (efi.nvram.file_name, named.nvram.file_name) == ("[LocalDS_0] efi/efi.nvram", "[LocalDS_0] old/other.nvram")
    assert (named.firmware, named.nvram.content) == ("bios", SeededBytes(8684, 1_000_003 + 4))
    assert sum(len(piece) for piece in efi.nvram.content.pieces()) == efi.nvram.content.size > 0


def test_a_virtual_tpm_means_encryption_and_efi() -> None:
    plain, encrypted, vtpm = world({"name": "p"}, {"name": "e", "encrypted": True}, {"name": "t", "vtpm": True}).vms()
    assert [(vm.encrypted, vm.vtpm, vm.firmware) for vm in (plain, encrypted, vtpm)] == [
        (False, False, "bios"), (True, False, "bios"), (True, True, "efi"),
    ]  # fmt: skip


def test_images_stand_in_drives_and_may_be_gone(tmp_path: Path) -> None:
    (tmp_path / "boot.flp").write_bytes(b"boot" * 100)
    images = [
        {"name": "iso/debian.iso", "size": "3 MiB", "content": "seed:1"},
        {"kind": "iso", "controller": "sata", "missing": True, "datastore": "Other"},
        {"kind": "floppy", "content": "boot.flp"},
        {"kind": "iso", "bus": 1, "unit": 1},
    ]
    stores = [{"name": "Main"}, {"name": "Other"}]
    (vm,) = world({"name": "vm", "images": images}, base=tmp_path, datastores=stores).vms()
    assert [(i.kind, i.key, i.controller.kind, i.controller.bus, i.unit, i.file_name) for i in vm.images] == [
        ("iso", 3000, "VirtualIDEController", 0, 0, "[Main] iso/debian.iso"),
        ("iso", 16000, "VirtualAHCIController", 0, 0, "[Other] vm/vm.iso"),
        ("floppy", 8000, "VirtualSIOController", 0, 0, "[Main] vm/vm.flp"),
        ("iso", 3003, "VirtualIDEController", 1, 1, "[Main] vm/vm.iso"),
    ]
    contents = [image.content for image in vm.images]
    assert contents[1] is None and contents[2] == FileBytes(tmp_path / "boot.flp", 400)
    assert contents[0] is not None and contents[0].size == 3 * MIB
    assert [c.kind for c in vm.controllers] == ["VirtualIDEController", "VirtualAHCIController", "VirtualIDEController"]
    assert [store.name for store in vm.datastores()] == ["Main", "Other"]
    assert all(vm in store.vms for store in vm.datastores())


def test_controllers_of_one_family_share_its_buses() -> None:
    disk = {"size": "1 MiB", "data": 0}
    kinds: list[Any] = [
        {"controller": "lsilogic"}, {"controller": "pvscsi"}, {"controller": "buslogic", "bus": 3, "unit": 15},
        {"controller": "lsilogic"}, {"controller": "nvme", "bus": 1}, {"controller": "sata", "unit": 29}, {"bus": 2},
    ]  # fmt: skip
    row = {"name": "vm", "controllers": [{"kind": "lsilogicsas", "bus": 1}], "disks": [disk | kind for kind in kinds]}
    (vm,) = world(row).vms()
    assert [(d.controller.kind, d.controller.bus, d.unit, d.key) for d in vm.disks] == [
        ("VirtualLsiLogicController", 0, 0, 2000), ("ParaVirtualSCSIController", 2, 0, 2032),
        ("VirtualBusLogicController", 3, 15, 2063), ("VirtualLsiLogicController", 0, 1, 2001),
        ("VirtualNVMEController", 1, 0, 32015), ("VirtualAHCIController", 0, 29, 16029),
        ("ParaVirtualSCSIController", 2, 1, 2033),
    ]  # fmt: skip
    assert [(c.key, c.kind) for c in vm.controllers] == [
        (1001, "VirtualLsiLogicSASController"), (1000, "VirtualLsiLogicController"),
        (1002, "ParaVirtualSCSIController"),
        (1003, "VirtualBusLogicController"), (31001, "VirtualNVMEController"), (15000, "VirtualAHCIController"),
    ]  # fmt: skip


def test_disks_of_any_size_on_any_datastore() -> None:
    disks = [
        {"size": "62 TiB", "data": "2 MiB"}, {"size": "1 GiB", "data": 0, "datastore": "Other"},
        {"size": "4 MiB", "data": "4 MiB", "thin": False},
    ]  # fmt: skip
    (vm,) = world({"name": "vm", "disks": disks}, datastores=[{"name": "Main"}, {"name": "Other"}]).vms()
    assert [disk.capacity for disk in vm.disks] == [62 << 40, 1 << 30, 4 * MIB]
    assert stream_size(vm.disks[1].content) == 68096, "7.3"
    assert [d.file_name for d in vm.disks] == [
        "[Main] vm/vm.vmdk", "[Other] vm/vm_1.vmdk", "[Main] vm/vm_2.vmdk",
    ]  # fmt: skip
    assert vm.disks[0].content.populated == 2 * MIB


def test_datastores_are_seen_by_some_hosts_or_all() -> None:
    here = world(
        {"name": "local", "host": "b"}, {"name": "shared", "host": "c", "datastore": "All"},
        datastores=[{"name": "A", "hosts": ["a"]}, {"name": "B", "hosts": ["b", "a"]}, {"name": "All"}],
    )  # fmt: skip
    assert {s.name: [h.name for h in s.hosts] for s in here.hosts()[0].datastores} == {
        "A": ["a"], "B": ["b", "a"], "All": ["a", "b", "c"],
    }  # fmt: skip
    assert [store.name for store in here.host("c").datastores] == ["All"]
    assert here.vm("local").datastore.name == "B", "the first that its host sees"
    assert here.vm("shared").datastore.name == "All"


SNAPPED = {
    "name": "web",
    "host": "a",
    "disks": [{"size": "8 MiB", "data": "1 MiB", "content": "seed:1"}, {"size": "4 MiB", "data": 0}],
    "snapshots": [
        {
            "name": "clean",
            "note": "as installed",
            "children": [
                {"name": "left", "delta": [{"data": "64 KiB", "content": "seed:2"}], "power": True, "quiesced": True},
                {"name": "right", "delta": [{"zeroed": "256 KiB"}, {"data": "64 KiB"}], "current": True},
            ],
        }
    ],
    "delta": [None, {"data": "128 KiB", "content": "seed:3"}],
}


def test_snapshots_have_the_disks_of_their_time() -> None:
    here = world(SNAPPED)
    vm = here.vm("web")
    clean, left, right = vm.all_snapshots()
    assert [(s.name, s.number, s.above, s.parent) for s in (clean, left, right)] == [
        ("clean", 1, None, vm), ("left", 2, clean, vm), ("right", 3, clean, vm),
    ]  # fmt: skip
    assert (vm.snapshots, clean.children, vm.current_snapshot) == ([clean], [left, right], right)
    assert (clean.description, left.machine.power, left.quiesced) == ("as installed", PowerState.ON, True)
    assert [s.machine.power for s in (clean, right)] == [PowerState.OFF] * 2
    machines = [clean.machine, left.machine, right.machine, vm]
    assert [m.disks[0].content.populated for m in machines] == [16 << 16, 16 << 16, 12 << 16, 12 << 16]
    assert [m.disks[1].content.populated for m in machines] == [0, 0, 1 << 16, 2 << 16]
    assert len({digest(machine.disks[0].content) for machine in machines}) == 3, "nothing was written since the last"
    assert len({digest(machine.disks[1].content) for machine in machines}) == 3
    ds = "[LocalDS_0] web/web"
    assert [(m.disks[0].file_name, m.disks[0].parents) for m in machines] == [
        (f"{ds}.vmdk", ()), (f"{ds}-000001.vmdk", (f"{ds}.vmdk",)), (f"{ds}-000002.vmdk", (f"{ds}.vmdk",)),
        (f"{ds}-000003.vmdk", (f"{ds}-000002.vmdk", f"{ds}.vmdk")),
    ]  # fmt: skip
    assert vm.disks[1].file_name == "[LocalDS_0] web/web_1-000003.vmdk"
    assert [here.objects[s.moid] for s in (clean, left, right)] == [clean, left, right]
    assert here.vms() == [vm], "a machine as it was is none of the inventory's"


def test_a_machine_stands_behind_its_last_snapshot_unless_told() -> None:
    chain = {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}
    (vm,) = world({"name": "vm", "disks": [{"size": "1 MiB", "data": 0}], "snapshots": [chain]}).vms()
    assert vm.current_snapshot is not None and vm.current_snapshot.name == "c"


def test_a_linked_clone_shares_what_lies_below_its_snapshot() -> None:
    of_current = {"name": "twin", "clone_of": "web", "disks": [{"size": "1 MiB", "data": 0}]}
    of_clean = {"name": "sister", "clone_of": {"vm": "web", "snapshot": "clean"}, "delta": [{"data": "64 KiB"}]}
    here = world(SNAPPED, of_current, of_clean)
    web, twin, sister = here.vms()
    clean, _, right = web.all_snapshots()
    assert digest(twin.disks[0].content) == digest(right.machine.disks[0].content)
    assert digest(twin.disks[1].content) != digest(web.disks[1].content), "what was written later is not the clone's"
    assert digest(sister.disks[0].content) not in {digest(m.disks[0].content) for m in (web, twin, clean.machine)}
    assert digest(sister.disks[1].content) == digest(clean.machine.disks[1].content)
    assert [disk.file_name for disk in twin.disks] == [f"[LocalDS_0] twin/twin{n}.vmdk" for n in ("", "_1", "_2")]
    assert twin.disks[0].parents == ("[LocalDS_0] web/web-000002.vmdk", "[LocalDS_0] web/web.vmdk")
    assert (twin.disks[2].parents, twin.snapshots) == ((), [])
    assert all(disk.controller in twin.controllers for disk in twin.disks), "the controllers are its own"
    assert not {id(c) for c in twin.controllers} & {id(c) for c in web.controllers}


def test_vapps_nest_and_hold_machines_in_their_start_order() -> None:
    here = world(
        {"name": "alone"},
        vapps=[
            {
                "name": "shop",
                "note": "all of it",
                "host": "b",
                "vms": [{"name": "front", "start_order": 2}, {"name": "back", "start_order": 1, "host": "a"}],
                "vapps": [{"name": "store", "vms": [{"name": "db", "power": True}]}],
            }
        ],
        folders=[
            {"name": "dev", "vms": [{"name": "inner"}], "folders": [{"name": "deep", "vapps": [{"name": "empty"}]}]}
        ],
    )
    shop, store, empty = here.all(VApp)
    front, back, db = (here.vm(name) for name in ("front", "back", "db"))
    dc = here.datacenter_of(shop)
    assert dc is not None
    assert (shop.annotation, shop.vms, shop.vapps, shop.machines()) == (
        "all of it",
        [front, back],
        [store],
        [front, back, db],
    )
    assert shop.start_order == {front.moid: 2, back.moid: 1, store.moid: 3}
    assert (shop.folder, store.folder, store.parent, db.parent, db.pool) == (dc.vm_folder, None, shop, store, store)
    assert shop.parent is front.host.cluster.pool and shop in front.host.cluster.pool.vapps
    assert shop in dc.vm_folder.children and front not in dc.vm_folder.children
    assert (shop.started, store.started, empty.started) == (True, True, False)
    assert [here.path_of(e) for e in (front, db, here.vm("inner"), empty, here.vm("alone"))] == [
        "DC0/vm/shop/front", "DC0/vm/shop/store/db", "DC0/vm/dev/inner", "DC0/vm/dev/deep/empty", "DC0/vm/alone",
    ]  # fmt: skip
    assert all(here.datacenter_of(vm) is dc for vm in here.vms())
    assert [f.name for f in here.all(Folder)][-2:] == ["dev", "deep"]


def test_templates_are_off_and_tools_run_where_they_are_said_to() -> None:
    mould, other = world({"name": "mould", "template": True, "tools": True}, {"name": "o"}).vms()
    assert (mould.template, mould.power, mould.tools, other.template, other.tools) == (
        True, PowerState.OFF, True, False, False,
    )  # fmt: skip


def test_a_disk_out_of_an_ova_beside_the_world_file(tmp_path: Path) -> None:
    disk = SeededContent(3 * MIB, MIB, 5)
    data = b"".join(stream(disk, cid=1))
    with tarfile.open(tmp_path / "some.ova", "w") as tar:
        for name in ("a.ovf", "a-disk1.vmdk"):
            entry = tarfile.TarInfo(name)
            entry.size = len(data) if name.endswith("vmdk") else 4
            tar.addfile(entry, io.BytesIO(data if name.endswith("vmdk") else b"<a/>"))
    rows = [{"content": "some.ova"}, {"content": "some.ova#a-disk1.vmdk"}]
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump({"twohop": 1, "datacenters": [{"hosts": ["h"], "vms": [{"disks": rows}]}]}))
    (vm,) = VCenter(world=path).world.vms()
    assert [digest(d.content) for d in vm.disks] == [hashlib.sha256(data).hexdigest()] * 2


def test_reset_gives_equal_snapshots_and_clones() -> None:
    here = world(SNAPPED, {"name": "twin", "clone_of": "web"})

    def facts() -> list[Any]:
        return [
            (e.moid, e.name, *((d.file_name, d.parents, digest(d.content)) for d in getattr(e, "disks", ())))
            for e in here.objects.values()
        ]

    before = facts()
    here.reset()
    assert facts() == before


DISKS = [{"size": "1 MiB", "data": 0}]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"firmware": "uefi"}, "vm x: firmware is bios, efi; got 'uefi'"),
    ({"vtpm": True, "firmware": "bios"}, "vm x: a virtual TPM takes firmware efi; got 'bios'"),
    ({"vtpm": True, "encrypted": False}, "vm x: a machine with a virtual TPM is encrypted"),
    ({"vtpm": "yes"}, "vm x: vtpm: expected true or false; got 'yes'"),
    ({"template": True, "power": True}, "vm x: a template is off; got power 'on'"),
    ({"note": ["a"]}, "vm x: note: expected text; got ['a']"),
    ({"note": "a\x00b"}, "vm x: note: expected printable text"),
    ({"nvram": 5}, "vm x: nvram: expected a mapping that describes a nvram; got 5"),
    ({"nvram": {"content": "none.nvram"}}, "vm x: nvram: none.nvram cannot be read: No such file"),
    ({"nvram": {"content": "none.nvram", "size": 3}}, "vm x: nvram: a file has its own size; leave 'size' out"),
    ({"images": [{"kind": "usb"}]}, "vm x: image 0: kind is iso, floppy; got 'usb'"),
    ({"images": [{"controller": "pvscsi"}]}, "vm x: image 0: controller is ide, sata; got 'pvscsi'"),
    ({"images": [{"kind": "floppy", "controller": "ide"}]}, "image 0: a floppy drive has no choice of controllers"),
    ({"images": [{"missing": True, "size": 5}]}, "vm x: image 0: a missing file holds nothing"),
    ({"images": [{"name": "a\nb"}]}, "vm x: image 0: name: a name is printable text"),
    ({"images": [{"content": "seed:x"}]}, "vm x: image 0: content is seed:N or a file; got 'seed:x'"),
    ({"images": [{"kind": "floppy"}] * 3}, "vm x: image 2: a machine has 1 floppy controllers"),
    ({"images": [{"bus": 0, "unit": 0}] * 2}, "vm x: image 1: unit 0 of VirtualIDEController 0 is taken"),
    ({"controllers": [{"kind": "floppy"}]}, "vm x: controller 0: kind is pvscsi"),
    ({"controllers": [{"bus": 4}]}, "vm x: controller 0: a machine has 4 SCSI controllers, numbered from 0"),
    ({"controllers": [{"bus": -1}]}, "vm x: controller 0: bus: expected a whole number of at least 0; got -1"),
    ({"controllers": [{"bus": 0}, {"bus": 0, "kind": "lsilogic"}]}, "bus 0 of SCSI has a ParaVirtualSCSIC"),
    ({"controllers": [{"kind": "ide"}] * 3}, "vm x: controller 2: a machine has 2 IDE controllers"),
    ({"disks": [{"controller": "ide"}] * 5}, "vm x: disk 4: a machine has 2 IDE controllers"),
    ({"disks": [{"unit": 7}]}, "vm x: disk 0: ParaVirtualSCSIController 0 has no unit 7"),
    ({"disks": [{"unit": 1}, {"unit": 1}]}, "vm x: disk 1: unit 1 of ParaVirtualSCSIController 0 is taken"),
    ({"disks": [{"bus": 0}, {"bus": 0, "controller": "lsilogic"}]},
     "vm x: disk 1: bus 0 of SCSI has a ParaVirtualSCSIController, not a VirtualLsiLogicController"),
    ({"disks": [{"datastore": "OnlyC"}]}, "vm x: disk 0: the host a does not see the datastore OnlyC"),
    ({"datastore": "OnlyC"}, "vm x: the host a does not see the datastore OnlyC"),
    ({"delta": [{}]}, "vm x: 'delta' is what was written since a snapshot or a clone; it has neither"),
    ({"snapshots": [{}]}, "vm x: snapshot: expected a name; got None"),
    ({"snapshots": [{"name": "s", "power": "gone"}]}, "vm x: snapshot s: power is on, off, suspended; got 'gone'"),
    ({"snapshots": [{"name": "s", "current": 1}]}, "vm x: snapshot s: current: expected true or false; got 1"),
    ({"snapshots": [{"name": "s", "current": True, "children": [{"name": "t", "current": True}]}]},
     "vm x: snapshot t: a machine stands behind one snapshot"),
    ({"snapshots": [{"name": "s", "delta": [{}]}]}, "vm x: snapshot s: 1 deltas for 0 disks"),
    ({"snapshots": [{"name": "s", "colour": 1}]}, "vm x: snapshot: a snapshot has no 'colour'; it has children"),
    ({"disks": DISKS, "snapshots": [{"name": "s", "delta": [{"data": "2 MiB"}]}]}, "delta 0: 2097152 bytes of data"),
    ({"disks": DISKS, "snapshots": [{"name": "s", "delta": [{"zeroed": 512}]}]}, "delta 0: zeroed is a multiple of"),
    ({"disks": DISKS, "snapshots": [{"name": "s", "delta": [{"content": "a.raw", "data": 1}]}]},
     "delta 0: what was written from a file has that file's data"),
    ({"disks": DISKS, "snapshots": [{"name": "s", "delta": [{"content": "big.raw"}]}]},
     "delta 0: big.raw is a disk of 2097152 bytes over one of 1048576; give one as large"),
    ({"disks": DISKS, "snapshots": [{"name": "s"}], "delta": [{"data": []}]}, "vm x: delta 0: data: expected bytes"),
    ({"clone_of": "later"}, "vm x: clone_of names a machine that stands before it; got 'later', of plain"),
    ({"clone_of": "plain"}, "vm x: a linked clone is made from a snapshot, and plain has none"),
    ({"clone_of": 3}, "vm x: clone_of: expected a mapping that describes a clone; got 3"),
    ({"images": [{"backing": "host"}]}, "vm x: image 0: 'backing' is that of an empty drive"),
    ({"images": [{"kind": "floppy", "empty": True, "backing": "atapi"}]}, "image 0: backing is host; got 'atapi'"),
    ({"network": "VM Network", "nics": [{}]}, "vm x: 'network' is that of the one card it has by default"),
    ({"nics": [{"network": "none"}]}, "vm x: nic 0: network: no 'none'; there are VM Network"),
    ({"nics": [{"kind": "e2000"}]}, "vm x: nic 0: kind is vmxnet3, e1000, e1000e, pcnet32; got 'e2000'"),
    ({"nics": [{"connected": 1}]}, "vm x: nic 0: connected: expected true or false; got 1"),
    ({"settings": {"colour": 1}}, "vm x: settings: a setting has no 'colour'"),
    ({"settings": {"reset": "warm"}}, "vm x: settings: reset is soft, hard, preset; got 'warm'"),
    ({"settings": {"cores_per_socket": 2}, "cpus": 3}, "settings: 3 cpus do not divide into sockets of 2 cores"),
    ({"settings": {"order": ["cd", "disk"]}}, "settings: order has each of cd, disk, floppy, nic once"),
    ({"settings": {"memory_limit": "much"}}, "settings: memory_limit: expected bytes"),
    ({"vapp": {"colour": 1}}, "vm x: vapp: a vapp of a vm has no 'colour'"),
    ({"vapp": {"product": {"price": 1}}}, "vm x: vapp: product: a product has no 'price'"),
    ({"vapp": {"properties": [{"value": "1"}]}}, "vm x: vapp: property 0: id: expected a name; got None"),
    ({"vapp": {"install_delay": -1}}, "vm x: vapp: install_delay: expected a whole number of at least 0; got -1"),
    ({"stop_delay": 1}, "vm x: it starts in no order, since it stands in no vApp; leave 'stop_delay' out"),
    ({"start_order": 1}, "vm x: it starts in no order, since it stands in no vApp"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "message"), WRONG, ids=[message[:60] for _, message in WRONG])
def test_what_no_machine_can_be_is_refused_with_where_it_stands(row: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "big.raw").write_bytes(bytes(2 * MIB))
    stores = [{"name": "Main"}, {"name": "OnlyC", "hosts": ["c"]}]
    whole = "|".join(re.escape(part) for part in message.split("|"))
    with pytest.raises(WorldFileError, match=whole):
        world({"name": "plain"}, {"name": "x", "host": "a"} | row, datastores=stores, base=tmp_path)


@pytest.mark.parametrize(
    ("datacenter", "message"),
    [
        ({"datastores": [{"name": "A", "hosts": []}]}, "datastore A: 'hosts' names at least one that sees it"),
        ({"datastores": [{"name": "A", "hosts": ["x"]}]}, "datastore A: no host 'x'; there are a, b, c"),
        ({"vapps": [{"name": "v", "host": "x"}]}, "vapp v: no host 'x'"),
        ({"vapps": [{"name": "v", "vms": [{"name": "w", "host": "c"}]}]}, "vm w: its vApp v is in C0"),
        ({"vapps": [{"name": "v", "vapps": [{"name": "w", "host": "a"}]}]}, "vapp w: it stands where the vApp stands"),
        ({"vapps": [{"name": "v", "start_order": 1}]}, "vapp v: it starts in no order"),
        ({"vapps": [{"name": "v", "vms": [{"start_order": 0}]}]}, "start_order: expected a whole number of at least 1"),
        ({"vapps": [{"name": "v"}, {"name": "v"}]}, "two of kind vm are called 'v'"),
        ({"vapps": [{"name": "v", "folders": []}]}, "a vapp has no 'folders'"),
        ({"folders": [{}]}, "expected a name; got None"),
        ({"folders": [{"name": "f", "vms": 3}]}, "folder f: 'vms' is a list"),
    ],
)
def test_what_no_inventory_can_be_is_refused_with_where_it_stands(datacenter: Any, message: str) -> None:
    with pytest.raises(WorldFileError, match=re.escape(message)):
        world(**datacenter)


def test_the_default_world_is_as_plain_as_it_was() -> None:
    here = VCenter(world=default_spec()).world
    assert all(isinstance(vm, Vm) and not (vm.images or vm.nvram or vm.snapshots or vm.template) for vm in here.vms())


def test_a_machine_that_an_extension_manages_tells_whose_it_is() -> None:
    row = {
        "name": "agent", "power": "on", "tools": True, "customized": True, "nics": [], "tags": ["SYSTEM/COM.EXAMPLE"],
        "managed_by": {"extension": "com.example.agents", "type": "agent"},
        "vapp": {"product": {"name": "Agent"}, "install_delay": 5},
    }  # fmt: skip
    given = {"hosts": ["c"], "vms": [row, {"name": "plain", "power": "on", "tools": True}]}
    with VCenter(world={"datacenters": [given]}) as vc, Plain(vc) as me:
        agent, plain = me.vm("agent"), me.vm("plain")
        for config in (agent.config, agent.summary.config):
            assert (config.managedBy.extensionKey, config.managedBy.type) == ("com.example.agents", "agent")
        product = agent.summary.config.product
        assert (product.name, product.vendor, product.classId) == ("Agent", "", "")
        assert repr(product) == repr(agent.config.vAppConfig.product[0])
        assert [agent.summary.config.installBootRequired, plain.summary.config.installBootRequired] == [True, False]
        assert [each.key for each in agent.tag] == ["SYSTEM/COM.EXAMPLE"]
        ended = agent.guest.customizationInfo
        assert ended.customizationStatus == "TOOLSDEPLOYPKG_SUCCEEDED"
        assert agent.config.createDate < ended.startTime < ended.endTime
        assert (agent.guest.ipAddress, agent.guest.net, agent.guest.ipStack[0].ipRouteConfig.ipRoute) == (None, [], [])
        assert (plain.config.managedBy, plain.summary.config.product, plain.tag) == (None, None, [])
        idle = plain.guest.customizationInfo
        assert (idle.customizationStatus, idle.startTime) == ("TOOLSDEPLOYPKG_IDLE", None)
        routes = plain.guest.ipStack[0].ipRouteConfig.ipRoute
        assert [(each.prefixLength, each.gateway.ipAddress is None) for each in routes] == [(0, False), (24, True)]
        folder = plain.parent
        task = agent.CloneVM_Task(folder, "copy", vim.vm.CloneSpec(location=vim.vm.RelocateSpec()))
        assert task.info.result.tag == []


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"managed_by": {"extension": "x"}}, "managed_by: type: expected a name; got None"),
        ({"managed_by": {"extension": "x", "type": "y", "owner": "z"}}, "a manager has no 'owner'"),
        ({"managed_by": "x"}, "expected a mapping that describes a manager"),
        ({"tags": "x"}, "'tags' is a list"),
        ({"customized": "yes"}, "customized: expected true or false"),
    ],
)
def test_what_is_wrong_with_whose_it_is_is_named(row: dict[str, Any], wrong: str) -> None:
    with pytest.raises(WorldFileError, match=re.escape(wrong)):
        world({"name": "agent", **row})
