"""Any exports of machines, vApps and snapshots at once, ended in any way: locks, tickets and tasks follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyVmomi import vim

from plain_pyvmomi import Plain
from twohop.runtime.profiles import load_profile
from vcenters import SMALL, make


def _vm(name: str) -> dict[str, Any]:
    return {"name": name, "disks": [SMALL], "snapshots": [{"name": f"{name}-then"}]}


WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0",
            "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}],
            "vms": [_vm("alone")],
            "vapps": [
                {"name": "outer", "vms": [_vm("a")], "vapps": [{"name": "inner", "vms": [_vm("b") | {"host": "H1"}]}]}
            ],
        }
    ]
}
HOLDS = {
    "alone": {"alone"}, "a": {"a"}, "b": {"b"}, "outer": {"outer", "inner", "a", "b"}, "inner": {"inner", "b"},
    "alone-then": {"alone"}, "a-then": {"a"}, "b-then": {"b"},
}  # fmt: skip
"""What an export of each locks, written down by hand."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("export"), st.sampled_from(sorted(HOLDS))),
        st.tuples(st.sampled_from(["complete", "abort", "cancel", "progress"]), st.integers(0, 7)),
        st.tuples(st.just("wait"), st.sampled_from([100, 200, 299])),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def _shared() -> Iterator[Any]:
    profile = load_profile("vcenter-8.0", {"lease_initializing_reads": 0, "done_lingers_s": 86400})
    with make(profile=profile, world=WORLD) as vc:
        yield vc


class Held:
    """A lease as the test thinks of it: when it was last renewed, and whether it is held."""

    def __init__(self, lease: Any, what: str, now: float) -> None:
        self.lease, self.what, self.renewed, self.held = lease, what, now, True
        self.urls = [url.url for url in lease.info.deviceUrl]
        self.task = lease.info.entity.recentTask[-1]


@given(steps=STEPS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_locks_tickets_and_tasks_follow_the_leases(_shared: Any, steps: list[tuple[str, Any]]) -> None:
    vc = _shared
    vc.reset()
    with Plain(vc) as me:
        leases: list[Held] = []
        for act, what in steps:
            if act == "export":
                leases.append(Held(_export(me, vc, what), what, vc.clock.now()))
            elif act == "wait":
                vc.clock.advance(what)
                for one in leases:
                    one.held = one.held and vc.clock.now() - one.renewed < 300
            elif leases and leases[what % len(leases)].held:
                one = leases[what % len(leases)]
                _carry_out(act, one)
                one.held = act == "progress"
                one.renewed = vc.clock.now()
        locked = set().union(*(HOLDS[one.what] for one in leases if one.held))
        assert {e.name for e in vc.world.objects.values() if getattr(e, "leases", None)} == locked
        for one in leases:
            assert one.task.info.state == "running" if one.held else one.task.info.state in ("success", "error")
            assert {me.get(url).status for url in one.urls} == ({200} if one.held else {404})
        for name in ("alone", "outer/a", "outer/inner/b"):
            try:
                me.vm(name).PowerOnVM_Task()
                refused = False
            except vim.fault.TaskInProgress as fault:
                refused = True
                assert fault.task.info.state == "running"
            assert refused == (name.rpartition("/")[2] in locked)


def _export(me: Plain, vc: Any, what: str) -> Any:
    if what in ("outer", "inner"):
        return me.vapp(what).ExportVApp()
    if what.endswith("-then"):
        (moid,) = (e.moid for e in vc.world.objects.values() if e.name == what)
        return vim.vm.Snapshot(moid, me.si._stub).ExportSnapshot()
    return me.vm({"a": "outer/a", "b": "outer/inner/b"}.get(what, what)).ExportVm()


def _carry_out(act: str, one: Held) -> None:
    {
        "complete": one.lease.HttpNfcLeaseComplete,
        "abort": one.lease.HttpNfcLeaseAbort,
        "cancel": one.task.CancelTask,
        "progress": lambda: one.lease.HttpNfcLeaseProgress(0),
    }[act]()
