"""Snapshots: the tree and its files through every operation, against a model that knows nothing of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pyVmomi import vim, vmodl

from machine_client import WORLD, Machine
from twohop.fakes import VCenter
from twohop.fakes.world import Disk
from vcenters import make


@pytest.fixture
def m() -> Iterator[Machine]:
    with make(world=WORLD) as vc, Machine(vc) as machine:
        yield machine


def digest(disk: Disk) -> str:
    return hashlib.sha256(b"".join(piece for _, piece in disk.content.grains())).hexdigest()


def tree(m: Machine) -> Any:
    """The names in the tree as the API shows it, the current one with a star."""
    info = m.me.snapshot
    if info is None:
        return []

    def below(rows: Any) -> Any:
        return [
            row.name + ("*" if row.snapshot == info.currentSnapshot else "")
            if not row.childSnapshotList
            else (row.name + ("*" if row.snapshot == info.currentSnapshot else ""), below(row.childSnapshotList))
            for row in rows
        ]

    return below(info.rootSnapshotList)


def files(m: Machine) -> list[str]:
    """The chain of the first disk as its device shows it, without directory and ending."""
    backing, names = m.device(2000).backing, []
    while backing is not None:
        names.append(backing.fileName.rpartition("/")[2].removesuffix(".vmdk"))
        backing = backing.parent
    return names


def test_the_tree_is_shown_with_what_each_snapshot_is(m: Machine) -> None:
    assert tree(m) == [("s1", ["s2*", "s3"])]
    (root,) = m.me.snapshot.rootSnapshotList
    assert list(m.me.rootSnapshot) == [root.snapshot] == [m.snapshot("s1")]
    assert [child.snapshot for child in root.childSnapshotList] == list(root.snapshot.childSnapshot)
    assert [(row.id, row.state, row.vm) for row in root.childSnapshotList] == [
        (2, "poweredOff", m.me), (3, "poweredOn", m.me),
    ]  # fmt: skip
    assert (root.snapshot.vm, root.snapshot.config.name) == (m.me, "VM0")
    assert root.snapshot.config.hardware.device[-4].deviceInfo.label.startswith(("Hard disk", "CD/DVD"))
    assert files(m) == ["VM0-000003", "VM0-000001", "VM0"]


def test_a_machine_without_snapshots_shows_none(m: Machine) -> None:
    other = m.vm("other")
    assert (other.snapshot, list(other.rootSnapshot)) == (None, [])


def test_a_new_snapshot_freezes_the_file_and_opens_another(m: Machine) -> None:
    before = digest(m.entity.disks[0])
    task = m.me.CreateSnapshot_Task("new", "why", False, False)
    assert task.info.result == m.me.snapshot.currentSnapshot == m.snapshot("new")
    assert tree(m) == [("s1", [("s2", ["new*"]), "s3"])]
    assert files(m) == ["VM0-000004", "VM0-000003", "VM0-000001", "VM0"]
    new = m.entity.current_snapshot
    assert (new.description, new.number, new.created_at) == ("why", 4, m.vcenter.clock.now())
    assert digest(m.entity.disks[0]) == digest(new.machine.disks[0]) == before
    assert new.machine.disks[0].file_name.endswith("VM0-000003.vmdk")


@pytest.mark.parametrize(
    ("memory", "quiesce", "tools", "state", "quiesced"),
    [
        (True, False, True, "poweredOn", False), (False, True, True, "poweredOff", True),
        (False, True, False, "poweredOff", False),
    ],
)  # fmt: skip
def test_of_a_running_machine_memory_decides_its_state(
    m: Machine, memory: bool, quiesce: bool, tools: bool, state: str, quiesced: bool
) -> None:
    m.me = m.vm("running")
    m.entity.tools = tools
    m.me.CreateSnapshot_Task("hot", None, memory, quiesce)
    (row,) = m.me.snapshot.rootSnapshotList[0].childSnapshotList
    assert (row.name, row.state, row.quiesced) == ("hot", state, quiesced)
    m.me.RevertToCurrentSnapshot_Task()
    assert m.me.runtime.powerState == state


def test_going_back_brings_back_disks_hardware_and_power(m: Machine) -> None:
    s2 = digest(m.snapshot_of("s2").machine.disks[0])
    assert s2 != digest(m.snapshot_of("s1").machine.disks[0])
    m.me.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="later", memoryMB=64, name="named later"))
    m.snapshot("s1").RevertToSnapshot_Task()
    assert (m.me.config.annotation, m.me.config.hardware.memoryMB, m.me.name) == ("", 32, "named later")
    assert digest(m.entity.disks[0]) == digest(m.snapshot_of("s1").machine.disks[0])
    assert (tree(m), files(m)) == ([("s1*", ["s2", "s3"])], ["VM0-000004", "VM0"])
    m.snapshot("s3").RevertToSnapshot_Task()
    assert (m.me.runtime.powerState, files(m)) == ("poweredOn", ["VM0-000005", "VM0-000002", "VM0"])
    m.snapshot("s3").RevertToSnapshot_Task(suppressPowerOn=True)
    assert m.me.runtime.powerState == "poweredOff"
    m.snapshot("s2").RevertToSnapshot_Task()
    assert digest(m.entity.disks[0]) == s2


def test_removing_one_moves_those_below_up_and_merges_its_file(m: Machine) -> None:
    current, third = digest(m.entity.disks[0]), digest(m.snapshot_of("s3").machine.disks[0])
    m.snapshot("s2").RemoveSnapshot_Task(False)
    assert (tree(m), files(m)) == ([("s1*", ["s3"])], ["VM0-000001", "VM0"])
    m.snapshot("s1").RemoveSnapshot_Task(False)
    assert tree(m) == ["s3"]
    assert m.me.snapshot.currentSnapshot is None, "the machine stands behind none that is left"
    assert files(m) == ["VM0-000001", "VM0"], "the base is under two files and stays"
    assert digest(m.entity.disks[0]) == current
    assert digest(m.snapshot_of("s3").machine.disks[0]) == third


def test_removing_one_with_its_children_or_all_leaves_one_file(m: Machine) -> None:
    current, gone = digest(m.entity.disks[0]), m.snapshot("s2")
    m.snapshot("s1").RemoveSnapshot_Task(removeChildren=True)
    assert (tree(m), files(m), digest(m.entity.disks[0])) == ([], ["VM0"], current)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        gone.RevertToSnapshot_Task()
    m.me.RemoveAllSnapshots_Task()


def test_what_cannot_be_is_refused(m: Machine) -> None:
    with pytest.raises(vim.fault.InvalidName) as caught:
        m.me.CreateSnapshot_Task(" ", None, False, False)
    assert (caught.value.name, caught.value.entity) == (" ", m.me)
    with pytest.raises(vim.fault.InvalidName):
        m.snapshot("s1").RenameSnapshot("a\tb")
    with pytest.raises(vim.fault.NotFound):
        m.vm("other").RevertToCurrentSnapshot_Task()
    for act in (
        lambda: m.vm("mould").CreateSnapshot_Task("s", None, False, False),
        lambda: m.vm("mould").RevertToCurrentSnapshot_Task(),
    ):
        with pytest.raises(vmodl.fault.NotSupported, match="not supported on the object"):
            act()
    for gap in (
        lambda: m.me.RemoveAllSnapshots_Task(consolidate=False),
        lambda: m.snapshot("s1").RemoveSnapshot_Task(False, False),
        lambda: m.snapshot("s1").RevertToSnapshot_Task(host=m.host("H1")),
    ):
        with pytest.raises(vmodl.fault.NotSupported, match="twohop does not implement"):
            gap()
    assert tree(m) == [("s1", ["s2*", "s3"])]


class Trees(RuleBasedStateMachine):
    """Random operations on one machine against a model of names alone."""

    @initialize()
    def begin(self) -> None:
        disks = [{"size": "1 MiB", "data": "64 KiB"}]
        vms = [{"name": "VM0", "disks": disks}]
        self.vc: VCenter = make(world={"datacenters": [{"name": "DC0", "hosts": ["H0"], "vms": vms}]}).start()
        self.m = Machine(self.vc)
        self.above: dict[str, str | None] = {}
        self.current: str | None = None
        self.content: dict[str, int] = {}
        self.made = 0

    def teardown(self) -> None:
        if hasattr(self, "m"):
            self.m.__exit__()
            self.vc.stop()

    @rule()
    def take(self) -> None:
        name = f"s{self.made}"
        self.made += 1
        self.m.me.CreateSnapshot_Task(name, None, False, False)
        self.above[name], self.content[name] = self.current, self.m.entity.disks[0].capacity
        self.current = name

    @precondition(lambda self: self.above)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        self.current = data.draw(st.sampled_from(sorted(self.above)))
        self.m.snapshot(self.current).RevertToSnapshot_Task()

    @precondition(lambda self: self.above)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.above)))
        self.m.snapshot(name).RemoveSnapshot_Task(False)
        above = self.above.pop(name)
        self.above = {n: above if a == name else a for n, a in self.above.items()}
        self.current = above if self.current == name else self.current

    @precondition(lambda self: self.above)
    @rule()
    def remove_all(self) -> None:
        self.m.me.RemoveAllSnapshots_Task()
        self.above, self.current = {}, None

    @invariant()
    def tree_is_the_model(self) -> None:
        if not hasattr(self, "m"):
            return
        vm = self.m.entity
        found = {s.name: s.above.name if s.above else None for s in vm.all_snapshots()}
        assert found == self.above
        assert (vm.current_snapshot.name if vm.current_snapshot else None) == self.current
        assert {s.moid for s in vm.all_snapshots()} == {
            moid for moid in self.vc.world.objects if moid.startswith("snapshot-")
        }

    @invariant()
    def chains_are_sound(self) -> None:
        if not hasattr(self, "m"):
            return
        vm = self.m.entity
        chains = [(d.file_name, *d.parents) for d in vm.disks]
        frozen = {s.machine.disks[0].file_name for s in vm.all_snapshots()}
        chains += [(d.file_name, *d.parents) for s in vm.all_snapshots() for d in s.machine.disks]
        assert vm.disks[0].file_name not in frozen, "a machine writes to no file that a snapshot has"
        assert len(frozen) == len(vm.all_snapshots()), "each snapshot has a file of its own"
        below: dict[str, tuple[str, ...]] = {}
        for chain in chains:
            assert len(set(chain)) == len(chain)
            for at, name in enumerate(chain):
                assert below.setdefault(name, chain[at + 1 :]) == chain[at + 1 :], "a file stands on one chain"
        if not vm.snapshots:
            assert len(chains[0]) == 1 or len(chains) > 1 or self.made


Trees.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestTrees = Trees.TestCase
