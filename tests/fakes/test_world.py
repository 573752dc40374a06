"""Worlds: from files and data, the same for the same seed, changed under one lock."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from twohop.fakes import VCenter, World, WorldFileError, default_spec, load_spec
from twohop.fakes.machines import PowerState
from twohop.fakes.world import Entity, Vm
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import ProfileError, load_profile
from vcenters import START, small_world

GOOD = """
twohop: 1
profile: vcenter-6.7
seed: 7
datacenters:
  - name: Lab
    networks: [Blue, Green]
    datastores: [{name: Fast, capacity: 2 TiB}, {name: Slow}]
    clusters: [{name: C0, hosts: [esx1, esx2]}]
    hosts: [esx3]
    vms:
      - {name: web, power: on, host: esx2, datastore: Slow, network: Green, cpus: 2, memory: 1.5 GiB,
         guest: ubuntu64Guest, hardware: vmx-19, uuid: 4210c5b0-0000-4000-8000-00000000000a, note: the front,
         disks: [{size: 1 GiB, data: 1 MiB, content: "seed:4", controller: nvme, thin: false}]}
      - {name: db, power: suspended}
      - {}
"""


def build(spec: Any, seed: int = 0, base: Path | None = None) -> World:
    clock = Clock(start=START)
    profile = load_profile("vcenter-8.0")
    return World(profile=profile, clock=clock, journal=Journal("w", clock.now), spec=spec, seed=seed, base=base)


def facts(world: World) -> list[Any]:
    """Everything of a world that a seed decides."""
    rows: list[Any] = [(type(e).__name__, e.moid, e.name, getattr(e, "uuid", None)) for e in world.objects.values()]
    for vm in world.vms():
        rows += [vm.instance_uuid, [nic.mac for nic in vm.nics], vm.power, vm.leases]
        rows += [(d.key, d.unit, d.controller.kind, d.capacity, d.content.populated) for d in vm.disks]
    return rows


def test_a_good_file_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(GOOD)
    world = build(load_spec(path))
    web, db, third = world.vms()
    assert (web.name, web.power, web.host.name, web.datastore.name) == ("web", PowerState.ON, "esx2", "Slow")
    assert (web.cpus, web.memory_mib, web.guest_id, web.hardware) == (2, 1536, "ubuntu64Guest", "vmx-19")
    assert (web.uuid, web.annotation) == ("4210c5b0-0000-4000-8000-00000000000a", "the front")
    assert web.nics[0].network.name == "Green"
    (disk,) = web.disks
    assert (disk.capacity, disk.thin, disk.controller.kind) == (1 << 30, False, "VirtualNVMEController")
    assert (db.power, db.host.name, db.datastore.name, third.name) == (PowerState.SUSPENDED, "esx1", "Fast", "vm2")
    assert [h.name for h in world.hosts()] == ["esx1", "esx2", "esx3"]
    assert world.path_of(web) == "Lab/vm/web"


def test_a_file_names_its_profile_and_seed_and_an_argument_goes_before(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(GOOD)
    assert (VCenter(world=path).profile.name, VCenter(world=path).world.seed) == ("vcenter-6.7", 7)
    other = VCenter(world=str(path), profile="vcenter-9.0", seed=0)
    assert (other.profile.name, other.world.seed) == ("vcenter-9.0", 0)


def _with(**changes: Any) -> dict[str, Any]:
    world = small_world(vms=1)
    for path, value in changes.items():
        at: Any = world
        *steps, last = path.split("__")
        for step in steps:
            at = at[int(step)] if step.isdigit() else at[step]
        at[int(last) if last.isdigit() else last] = value
    return world


VM = "datacenters__0__vms__0__"
DISK = f"{VM}disks__0__"
WRONG: list[tuple[Any, str]] = [
    ({}, "'datacenters' is a list of at least one"),
    ({"datacenters": []}, "'datacenters' is a list of at least one"),
    ({"datacenters": {}}, "'datacenters' is a list of at least one"),
    ({"datacenters": [3]}, "datacenter 0: expected a mapping"),
    (_with(twohop=2), "'twohop' says the format, 1; got 2"),
    (_with(seed="x"), "'seed' is a whole number"),
    (_with(seed=True), "'seed' is a whole number"),
    (_with(profile=8), "'profile' is a name"),
    (_with(datacentres=[]), "has no 'datacentres'; it has"),
    (_with(datacenters__0__color="red"), "datacenter 0: a datacenter has no 'color'"),
    (_with(datacenters__0__hosts=[]), "DC0: a datacenter has at least one host"),
    (_with(datacenters__0__hosts="H0"), "DC0: 'hosts' is a list"),
    (_with(datacenters__0__hosts=["H0", "H0"]), "are called 'H0'"),
    (_with(datacenters__0__hosts=[{"name": "H0"}]), "expected a name"),
    (_with(datacenters__0__clusters=[{"hosts": ["a"]}]), "expected a name; got None"),
    (_with(datacenters__0__clusters=[{"name": "C", "hosts": ["H0"]}]), "are called 'H0'"),
    (_with(datacenters__0__datastores=[]), "at least one datastore"),
    (_with(datacenters__0__datastores=[{}]), "expected a name"),
    (_with(datacenters__0__datastores=[{"name": "a"}, {"name": "a"}]), "are called 'a'"),
    (_with(datacenters__0__datastores=[{"name": "a", "capacity": "big"}]), "capacity of datastore a: expected bytes"),
    (_with(datacenters__0__networks=["a", "a"]), "are called 'a'"),
    (_with(datacenters__0__vms=3), "'vms' is a list"),
    (_with(datacenters__0__vms=[{"name": "a"}, {"name": "a"}]), "are called 'a'"),
    (_with(**{f"{VM}name": "bad\x07name"}), "a name is printable text"),
    (_with(**{f"{VM}name": " "}), "a name is printable text"),
    (_with(**{f"{VM}power": "sleeping"}), "power is on, off, suspended; got 'sleeping'"),
    (_with(**{f"{VM}power": 1}), "power is on, off, suspended; got 1"),
    (_with(**{f"{VM}host": "H9"}), "no host 'H9'; there are H0"),
    (_with(**{f"{VM}datastore": "nowhere"}), "datastore: no 'nowhere'; there are LocalDS_0"),
    (_with(**{f"{VM}network": "nowhere"}), "network: no 'nowhere'; there are VM Network"),
    (_with(**{f"{VM}cpus": 0}), "cpus: expected a whole number of at least 1; got 0"),
    (_with(**{f"{VM}cpus": "two"}), "cpus: expected a whole number"),
    (_with(**{f"{VM}memory": "lots"}), "memory: expected bytes"),
    (_with(**{f"{VM}memory": 1000}), "MiB of memory: expected a whole number of at least 1"),
    (_with(**{f"{VM}uuid": "42"}), "uuid is 32 hex digits"),
    (_with(**{f"{VM}disks": "one"}), "'disks' is a list"),
    (_with(**{f"{VM}disks": [[]]}), "expected a mapping that describes a disk"),
    (_with(**{f"{DISK}colour": 1}), "a disk has no 'colour'"),
    (_with(**{f"{DISK}size": "-1"}), "size of disk 0: expected bytes"),
    (_with(**{f"{DISK}size": "1 GB"}), "size of disk 0: expected bytes, or text such as '64 MiB'; got '1 GB'"),
    (_with(**{f"{DISK}size": 0}), "give whole sectors"),
    (_with(**{f"{DISK}size": (4 << 20) + 1}), "give whole sectors"),
    (_with(**{f"{DISK}data": "5 MiB"}), "give whole sectors, data within size"),
    (_with(**{f"{DISK}data": True}), "data of disk 0: expected bytes"),
    (_with(**{f"{DISK}content": "seed:x"}), "content is seed:N or a file; got 'seed:x'"),
    (_with(**{f"{DISK}content": "seed:\u00b2"}), "content is seed:N or a file"),
    (_with(**{DISK[:-2]: {"content": "nothing-here.vmdk"}}), "nothing-here.vmdk is no disk to read"),
    (_with(**{f"{DISK}content": "some.vmdk"}), "a disk from a file has that file's size and data"),
    (_with(**{f"{DISK}controller": "scsi"}), "controller is pvscsi"),
    (_with(**{f"{DISK}thin": "no"}), "thin: expected true or false; got 'no'"),
]


@pytest.mark.parametrize(("spec", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_what_no_world_can_be_is_refused_by_name(spec: Any, message: str) -> None:
    with pytest.raises(WorldFileError, match=re.escape(message)):
        VCenter(world=spec)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datacenters: [{hosts: [a]}]", "the first key says the format: 'twohop: 1'; got None"),
        ("twohop: '1'", "the first key says the format"),
        ("- a\n- b\n", "expected a mapping"),
        ("", "expected a mapping"),
        ("a: [", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
        ("twohop: 1\ndatacenters: []", "'datacenters' is a list of at least one"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text)
    with pytest.raises(WorldFileError, match=re.escape(message)):
        load_spec(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorldFileError, match=r"none\.yaml cannot be read: No such file"):
        load_spec(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(WorldFileError, match="is not YAML"):
        load_spec(tmp_path / "bytes.yaml")


def test_a_cell_has_no_place_as_a_vcenter() -> None:
    with pytest.raises(ProfileError, match="a vCenter takes a profile of product vcenter"):
        VCenter(profile="cell-36.0")


@pytest.mark.parametrize(("vms", "hosts"), [(-1, 1), (2, 0)])
def test_the_default_world_has_a_host(vms: int, hosts: int) -> None:
    with pytest.raises(WorldFileError, match="at least 1 host and 0 machines"):
        default_spec(vms, hosts)


def test_the_default_world_has_the_names_that_scripts_know() -> None:
    world = build(default_spec())
    vm0, vm1 = world.vms()
    assert (world.path_of(vm0), vm0.power, vm0.host.name) == ("DC0/vm/DC0_C0_RP0_VM0", PowerState.OFF, "DC0_C0_H0")
    assert (vm1.name, vm1.power, vm1.host.name) == ("DC0_C0_RP0_VM1", PowerState.ON, "DC0_C0_H1")
    assert [d.capacity for d in vm0.disks] == [1 << 30]
    assert vm0.datastore is vm1.datastore
    assert vm0.datastore.hosts == world.hosts()
    assert [vm.power for vm in build(default_spec(vms=4)).vms()[2:]] == [PowerState.OFF] * 2


@given(seed=st.integers(0, 2**32), vms=st.integers(0, 4), hosts=st.integers(1, 3))
def test_a_seed_decides_ids_uuids_and_macs(seed: int, vms: int, hosts: int) -> None:
    spec = default_spec(vms, hosts)
    assert facts(build(spec, seed)) == facts(build(spec, seed))
    first, second = build(spec, seed), build(spec, seed + 1)
    assert not {h.uuid for h in first.hosts()} & {h.uuid for h in second.hosts()}


def test_nothing_in_two_datacenters_is_called_alike_by_its_ids() -> None:
    spec = {"datacenters": [{"name": n, "hosts": [f"{n}h"], "vms": [{"name": "a"}, {"name": "b"}]} for n in "XYZ"]}
    world = build(spec)
    for ids in (
        [vm.uuid for vm in world.vms()], [vm.instance_uuid for vm in world.vms()], [h.uuid for h in world.hosts()],
        [vm.nics[0].mac for vm in world.vms()], list(world.objects),
    ):  # fmt: skip
        assert len(set(ids)) == len(ids) > 1
    for twice in ([{"hosts": ["a"]}, {"hosts": ["a"]}], [{"name": "D", "hosts": ["a"]}, {"name": "D", "hosts": ["b"]}]):
        with pytest.raises(WorldFileError, match="are called"):
            build({"datacenters": twice})


def test_tickets_and_passwords_are_never_seeded() -> None:
    from twohop.fakes.vim._sessions import uuid52

    assert VCenter(seed=1).password != VCenter(seed=1).password
    assert uuid52() != uuid52()


@pytest.mark.parametrize(
    ("kind", "count", "places"),
    [
        ("pvscsi", 17, [(0, n) for n in (*range(7), *range(8, 16))] + [(1, 0), (1, 1)]),
        ("ide", 3, [(0, 0), (0, 1), (1, 0)]),
        ("sata", 31, [(0, n) for n in range(30)] + [(1, 0)]),
        ("nvme", 16, [(0, n) for n in range(15)] + [(1, 0)]),
    ],
)
def test_disks_stand_where_a_controller_has_room(kind: str, count: int, places: list[tuple[int, int]]) -> None:
    world = build(_with(**{f"{VM}disks": [{"size": "1 MiB", "data": 0, "controller": kind}] * count}))
    (vm,) = world.vms()
    assert [(d.controller.bus, d.unit) for d in vm.disks] == places
    assert len({d.key for d in vm.disks}) == count


def test_a_file_is_looked_for_beside_the_world_file(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(b"x" * 512 + bytes(65536 * 3 - 512))
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump({"twohop": 1, **_with(**{DISK[:-2]: {"content": "disk.raw"}})}))
    vcenter = VCenter(world=path)
    assert vcenter.world.vms()[0].disks[0].capacity == 65536 * 3


def test_reset_brings_back_what_was_built() -> None:
    world = build(default_spec(3), seed=5)
    before = facts(world)
    vm = world.vms()[0]
    with world.change() as tx:
        tx.set(vm, "power", PowerState.ON)
        tx.set(vm, "name", "renamed")
        tx.remove(world.vms()[1])
    assert facts(world) != before
    revision = world.revision
    world.reset()
    assert facts(world) == before
    assert world.revision > revision
    assert world.vms()[0] is not vm


def test_listeners_hear_once_of_each_outermost_change_and_of_nothing_else() -> None:
    world = build(default_spec())
    heard: list[tuple[int, list[tuple[str, str | None]]]] = []
    stop = world.listen(lambda revision, made: heard.append((revision, [(c.entity.name, c.path) for c in made])))
    vm, start = world.vms()[0], world.revision
    with world.change() as tx:
        tx.set(vm, "annotation", "a")
        with world.change() as inner:
            assert inner is tx
            inner.set(vm, "cpus", 8)
        assert heard == []
    assert heard == [(start + 1, [(vm.name, "annotation"), (vm.name, "cpus")])]
    with world.change() as tx:
        tx.set(vm, "cpus", 8)
    assert len(heard) == 1
    with pytest.raises(ZeroDivisionError), world.change() as tx:
        tx.set(vm, "cpus", 9)
        raise ZeroDivisionError
    assert heard[-1] == (start + 2, [(vm.name, "cpus")]), "what was changed before the error has to be told"
    stop()
    with world.change() as tx:
        tx.set(vm, "cpus", 1)
    assert len(heard) == 2


def test_changes_from_many_threads_lose_nothing() -> None:
    world = build(default_spec())
    vm, start = world.vms()[0], world.revision
    revisions: list[int] = []
    world.listen(lambda revision, made: revisions.append(revision))

    def work() -> None:
        for _ in range(100):
            with world.change() as tx:
                tx.set(vm, "cpus", vm.cpus + 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vm.cpus == 401
    assert revisions == list(range(start + 1, start + 401))


def test_what_is_not_there_is_named_with_what_is() -> None:
    world = build(default_spec())
    with pytest.raises(KeyError, match="no Vm named 'x'; it has DC0_C0_RP0_VM0, DC0_C0_RP0_VM1"):
        world.vm("x")
    with pytest.raises(KeyError, match="no Host named"):
        world.host("x")


def test_every_object_stands_in_the_tree_it_says() -> None:
    world = build(default_spec(3))
    for entity in world.all(Entity):
        assert world.objects[entity.moid] is entity
        assert entity is world.root or entity.parent in world.objects.values()
    assert all(vm in vm.host.vms and vm in vm.datastore.vms and vm in vm.pool.vms for vm in world.all(Vm))
