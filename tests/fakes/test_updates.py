"""WaitForUpdatesEx and its collectors on the wire (10.7, 10.8)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from soap_wire import VIM, Answer, Wire, objects, props, traverse
from twohop.fakes import VCenter
from twohop.fakes.vim._registry import newest_known, version_for, vmodl
from twohop.fakes.vim._service import Call
from twohop.fakes.vim._updates import Collector, _Wait
from twohop.runtime import Clock, Wake
from vcenters import START, make

PC = ("PropertyCollector", "propertyCollector")
LONG = 30.0


def wait(wire: Wire, version: str = "", seconds: int | None = 0, most: int | None = None, pc: str = PC[1]) -> Answer:
    longest = f"<maxWaitSeconds>{seconds}</maxWaitSeconds>" if seconds is not None else ""
    many = f"<maxObjectUpdates>{most}</maxObjectUpdates>" if most is not None else ""
    options = f"<options>{longest}{many}</options>" if longest or many else ""
    return wire.call("WaitForUpdatesEx", PC[0], pc, f"<version>{version}</version>{options}")


def watch(wire: Wire, spec: str, pc: str = PC[1]) -> str:
    answer = wire.call("CreateFilter", PC[0], pc, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
    return answer.texts("returnval")[0]


def names_of_vms(wire: Wire) -> str:
    down = traverse("v", "Datacenter", "vmFolder", "c") + traverse("c", "Folder", "childEntity")
    datacenter = wire.moid("Datacenter", "DC0")
    return props("VirtualMachine", "name", "runtime.powerState") + objects("Datacenter", datacenter, down)


def vm_spec(wire: Wire, name: str = "VM0", *paths: str) -> str:
    wanted = props("VirtualMachine", *(paths or ("runtime.powerState",)))
    return wanted + objects("VirtualMachine", wire.moid("Vm", name))


@pytest.fixture
def waiting(vc: VCenter, user: Wire) -> Iterator[threading.Thread]:
    """A wait without an end on the user's own collector, under way; `thread.answer` is what it gets."""
    watch(user, vm_spec(user))
    version = wait(user).texts("version")[0]
    before = vc.about()["calls"]["WaitForUpdatesEx"]

    class Waiting(threading.Thread):
        answer: Answer | None = None

        def run(self) -> None:
            self.answer = wait(user, version, None)

    thread = Waiting()
    thread.start()
    while vc.about()["calls"]["WaitForUpdatesEx"] == before:
        thread.join(0.001)
    yield thread
    vc._service.sessions.clear()
    thread.join(LONG)
    assert not thread.is_alive()


def test_the_first_answer_is_everything_and_the_next_only_what_changed(user: Wire) -> None:
    held = watch(user, names_of_vms(user))
    first = wait(user)
    assert first.texts("kind") == ["enter"] * 3
    assert set(first.texts("op")) == {"assign"}
    assert (first.texts("version"), first.texts("truncated"), first.texts("filter")) == (["1"], [], [held])
    vm = user.moid("Vm", "VM0")
    user.call("PowerOnVM_Task", "VirtualMachine", vm)
    second = wait(user, "1")
    assert (second.texts("kind"), second.texts("obj"), second.texts("version")) == (["modify"], [vm], ["2"])
    assert (second.texts("name"), second.texts("val")) == (["runtime.powerState"], ["poweredOn"])


def test_an_object_that_leaves_is_told_once(user: Wire) -> None:
    for spec in (names_of_vms(user), vm_spec(user)):
        watch(user, spec)
    version = wait(user).texts("version")[0]
    vm = user.moid("Vm", "VM0")
    assert user.call("Destroy_Task", "VirtualMachine", vm).fault is None
    gone = wait(user, version)
    assert gone.texts("kind") == ["leave", "leave"]
    assert set(gone.texts("obj")) == {vm}
    assert len(wait(user, gone.texts("version")[0]).body) == 0


def test_version_nothing_asks_for_everything_again(user: Wire) -> None:
    watch(user, names_of_vms(user))
    wait(user)
    again = wait(user)
    assert (again.texts("kind"), again.texts("version")) == (["enter"] * 3, ["2"])


@pytest.mark.parametrize("version", ["0", "2", "nonsense", "1_1"])
def test_a_version_that_was_not_given_is_refused(user: Wire, version: str) -> None:
    watch(user, vm_spec(user))
    assert wait(user).texts("version") == ["1"]
    assert wait(user, version).fault == "InvalidCollectorVersion"


def test_a_version_that_is_stale_is_refused(user: Wire) -> None:
    watch(user, vm_spec(user))
    wait(user)
    user.call("PowerOnVM_Task", "VirtualMachine", user.moid("Vm", "VM0"))
    assert wait(user, "1").texts("version") == ["2"]
    assert wait(user, "1").fault == "InvalidCollectorVersion"


def test_many_updates_come_in_batches(user: Wire) -> None:
    watch(user, names_of_vms(user))
    seen, versions, version = [], [], ""
    while True:
        answer = wait(user, version, most=1)
        seen += answer.texts("obj")
        version = answer.texts("version")[0]
        versions.append(version)
        if answer.texts("truncated") != ["true"]:
            break
    assert versions == ["0_1", "0_2", "1"]
    assert len(set(seen)) == len(seen) == 3
    assert len(wait(user, "1", most=1).body) == 0


@pytest.mark.parametrize(("seconds", "most"), [(-1, None), (0, 0), (0, -3)])
def test_options_that_mean_nothing_are_refused(user: Wire, seconds: int, most: int | None) -> None:
    assert wait(user, "", seconds, most).fault == "InvalidArgument"


def test_a_wait_lasts_as_long_as_the_worlds_clock_says(vc: VCenter, user: Wire) -> None:
    watch(user, vm_spec(user))
    version = wait(user).texts("version")[0]
    armed, schedule = threading.Event(), vc.clock._schedule
    vc.clock._schedule = lambda timer: (schedule(timer), armed.set())[0]  # type: ignore[method-assign]
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(wait(user, version, 120)))
    thread.start()
    try:
        assert armed.wait(LONG)
        vc.clock.advance(119)
        assert not answers
        vc.clock.advance(1)
        thread.join(LONG)
    finally:
        del vc.clock._schedule
    assert [len(answer.body) for answer in answers] == [0]
    assert answers[0].body.tag == f"{{{VIM}}}WaitForUpdatesExResponse"


def test_a_change_ends_a_wait(vc: VCenter, user: Wire, waiting: threading.Thread) -> None:
    with Wire(vc).login() as other:
        other.call("PowerOnVM_Task", "VirtualMachine", other.moid("Vm", "VM0"))
    waiting.join(LONG)
    assert waiting.answer.texts("val") == ["poweredOn"]  # type: ignore[attr-defined]


def test_a_cancelled_wait_is_request_canceled(user: Wire, waiting: threading.Thread) -> None:
    # A cancel has no effect before the wait is under way, so it is said until it has one.
    while waiting.is_alive():
        assert user.call("CancelWaitForUpdates", *PC).fault is None
        waiting.join(0.01)
    assert waiting.answer.fault == "RequestCanceled"  # type: ignore[attr-defined]


def test_a_cancel_where_nobody_waits_changes_nothing(user: Wire) -> None:
    watch(user, vm_spec(user))
    assert user.call("CancelWaitForUpdates", *PC).fault is None
    assert wait(user).texts("kind") == ["enter"]


@pytest.mark.parametrize("end", ["logout", "stop"])
def test_a_wait_ends_with_its_session(vc: VCenter, user: Wire, waiting: threading.Thread, end: str) -> None:
    if end == "logout":
        user.call("Logout", "SessionManager", "SessionManager")
    else:
        vc.reset()
    waiting.join(LONG)
    assert waiting.answer.fault == "RequestCanceled"  # type: ignore[attr-defined]


def test_a_collector_of_ones_own_is_apart_and_goes_with_its_filters(user: Wire) -> None:
    mine = user.call("CreatePropertyCollector", *PC).texts("returnval")[0]
    assert mine.startswith("session[52")
    watch(user, vm_spec(user))
    held = watch(user, vm_spec(user, "VM1"), mine)
    assert wait(user, pc=mine).texts("obj") == [user.moid("Vm", "VM1")]
    assert wait(user).texts("obj") == [user.moid("Vm", "VM0")]
    assert user.fetch(PC[0], mine, "filter").texts("ManagedObjectReference") == [held]
    assert user.call("DestroyPropertyCollector", PC[0], mine).fault is None
    assert user.call("DestroyPropertyFilter", "PropertyFilter", held).fault == "ManagedObjectNotFound"
    assert wait(user, pc=mine).fault == "ManagedObjectNotFound"
    assert user.call("DestroyPropertyCollector", *PC).fault == "InvalidArgument"


def test_a_filter_that_is_destroyed_tells_no_more(user: Wire) -> None:
    held = watch(user, vm_spec(user))
    version = wait(user).texts("version")[0]
    gone = user.call("DestroyPropertyFilter", "PropertyFilter", held)
    assert (gone.status, len(gone.body)) == (200, 0)
    user.call("PowerOnVM_Task", "VirtualMachine", user.moid("Vm", "VM0"))
    assert len(wait(user, version).body) == 0


def test_a_filter_is_seen_by_its_own_session_alone(vc: VCenter, user: Wire) -> None:
    held = watch(user, vm_spec(user))
    with Wire(vc).login() as other:
        assert other.fetch("PropertyFilter", held, "partialUpdates").fault == "ManagedObjectNotFound"
        assert len(wait(other).body) == 0


def test_a_filter_on_what_is_not_there_is_refused(user: Wire) -> None:
    for spec, fault in (
        (vm_spec(user, "VM0", "nonsense"), "InvalidProperty"),
        (props("VirtualMachine", "name") + objects("VirtualMachine", "vm-999"), "ManagedObjectNotFound"),
    ):
        answer = user.call("CreateFilter", *PC, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
        assert answer.fault == fault


def test_the_wait_of_govc_sees_a_lease_from_initializing_to_ready(user: Wire) -> None:
    (lease,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "VM0")).texts("returnval")
    mine = user.call("CreatePropertyCollector", *PC).texts("returnval")[0]
    watch(user, props("HttpNfcLease", "state", "info", "error") + objects("HttpNfcLease", lease), mine)
    first = wait(user, "", None, pc=mine)
    # What is unset is told too, by an assignment of nothing (10.7, 10.8).
    assert (first.texts("name"), first.texts("val")) == (["error", "info", "state"], ["initializing"])
    second = wait(user, first.texts("version")[0], None, pc=mine)
    assert sorted(second.texts("name")) == ["info", "state"]
    assert second.texts("leaseTimeout") == ["300"]
    user.call("HttpNfcLeaseComplete", "HttpNfcLease", lease)
    third = wait(user, second.texts("version")[0], None, pc=mine)
    changed = third.root.iter(f"{{{VIM}}}changeSet")
    told = {c.findtext(f"{{{VIM}}}name"): c.findtext(f"{{{VIM}}}val") for c in changed}
    assert told == {"state": "done", "info": None}
    user.vcenter.clock.advance(user.vcenter.profile.seconds("done_lingers_s"))
    assert wait(user, third.texts("version")[0], pc=mine).texts("kind") == ["leave"]


def test_a_wait_without_an_end_ends_when_its_session_has_been_silent_too_long(
    vc: VCenter, waiting: threading.Thread
) -> None:
    vc.clock.advance(vc.profile.seconds("session_idle_s") - 1)
    assert waiting.is_alive()
    vc.clock.advance(1)
    waiting.join(LONG)
    assert waiting.answer.fault in ("RequestCanceled", "NotAuthenticated")  # type: ignore[attr-defined]


def test_a_cancel_reaches_every_wait_under_way_and_no_later_one(vc: VCenter, user: Wire) -> None:
    # By hand, since which of two threads is woken first is not to be had on the wire.
    session = vc._service.sessions.active()[0]
    call = Call(vc._service, session, version_for("", newest_known(vc.profile.text("api_version"))))
    collector = Collector("session[52]mine", vc._service)
    session.objects[collector.moid] = collector
    ends: list[object] = []
    under_way = threading.Semaphore(0)
    go_on = threading.Event()
    wait_until = vc.clock.wait_until

    def held(deadline: float, wake: Wake | None = None) -> bool:
        # The first to be woken comes back, clears its flag and looks before the other has looked at all.
        under_way.release()
        woken = wait_until(deadline, wake)
        if threading.current_thread().name == "second":
            go_on.wait(LONG)
        return woken

    def run() -> None:
        try:
            ends.append(collector.wait(call, "", None, None))
        except vmodl.fault.RequestCanceled:
            ends.append("canceled")

    vc.clock.wait_until = held  # type: ignore[method-assign]
    threads = [threading.Thread(target=run, name=name) for name in ("first", "second")]
    try:
        for thread in threads:
            thread.start()
            assert under_way.acquire(timeout=LONG)
        collector.cancel()
        threads[0].join(LONG)
        go_on.set()
        threads[1].join(LONG)
        assert ends == ["canceled"] * 2
        assert collector.wait(call, "", 0, None) is None
    finally:
        del vc.clock.wait_until
        go_on.set()
        collector.close()
        for thread in threads:
            thread.join(LONG)


def test_each_wait_has_a_flag_of_its_own(vc: VCenter, user: Wire) -> None:
    collector = Collector("session[52]mine", vc._service)
    first, second = _Wait(), _Wait()
    collector._waits += [first, second]
    collector.close()
    first.wake.clear()
    assert second.wake.is_set()
    collector.close()


def test_a_vcenter_that_was_stopped_starts_again_and_waits_last() -> None:
    for clock in (Clock(start=START), None):
        with make(clock=clock) as vc, Wire(vc).login() as user:
            lease = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "VM0"))
            assert lease.fault is None
        with vc, Wire(vc).login() as user:
            watch(user, vm_spec(user))
            version = wait(user).texts("version")
            assert version == ["1"]
            assert wait(user, "1").fault is None
            rang: list[int] = []
            vc.clock.call_at(vc.clock.now() + 5, lambda rang=rang: rang.append(1))  # type: ignore[misc]
            vc.clock.advance(5)
            assert rang == [1]


def waited(wire: Wire, held: str, version: str = "") -> Answer:
    """The part of the next answer that one filter has."""
    answer = wait(wire, version)
    assert held in answer.texts("filter")
    return answer


def test_what_is_not_there_is_reported_once_where_the_filter_asks_for_it(user: Wire) -> None:
    there = objects("VirtualMachine", user.moid("Vm", "VM0")) + objects("VirtualMachine", "vm-999")
    spec = (
        f"{props('VirtualMachine', 'name')}{there}<reportMissingObjectsInResults>true</reportMissingObjectsInResults>"
    )
    assert user.retrieve(spec).texts("obj") == [user.moid("Vm", "VM0")]
    first = waited(user, watch(user, spec))
    (missing,) = first.root.iter(f"{{{VIM}}}missingSet")
    assert missing.findtext(f"{{{VIM}}}obj") == "vm-999"
    assert missing.find(f".//{{{VIM}}}fault/{{{VIM}}}obj").text == "vm-999"
    assert first.texts("val") == ["VM0"]
    assert len(wait(user, first.texts("version")[0]).body) == 0
    assert len(list(wait(user).root.iter(f"{{{VIM}}}missingSet"))) == 1


def test_a_filter_of_nothing_but_missing_objects_still_tells(user: Wire) -> None:
    spec = props("VirtualMachine", "name") + objects("VirtualMachine", "vm-999")
    held = watch(user, f"{spec}<reportMissingObjectsInResults>1</reportMissingObjectsInResults>")
    assert len(list(waited(user, held).root.iter(f"{{{VIM}}}missingSet"))) == 1


@pytest.mark.parametrize("partial", [True, False])
def test_partial_updates_tell_the_nested_property_alone(user: Wire, partial: bool) -> None:
    spec = props("VirtualMachine", "runtime", "summary") + objects("VirtualMachine", user.moid("Vm", "VM0"))
    partially = f"<spec>{spec}</spec><partialUpdates>{str(partial).lower()}</partialUpdates>"
    user.call("CreateFilter", *PC, partially)
    first = wait(user)
    assert first.texts("name")[0] == "runtime"
    user.call("PowerOnVM_Task", "VirtualMachine", user.moid("Vm", "VM0"))
    second = wait(user, first.texts("version")[0])
    changed = [c.findtext(f"{{{VIM}}}name") for c in second.root.iter(f"{{{VIM}}}changeSet")]
    if partial:
        assert {"runtime.powerState", "summary.runtime.powerState"} <= set(changed)
        assert all(name.count(".") for name in changed if name)
        assert "poweredOn" in second.texts("val")
    else:
        assert changed == ["runtime", "summary"]


def test_a_path_that_leads_nowhere_is_refused_before_anybody_waits(user: Wire) -> None:
    spec = vm_spec(user, "VM0", "config.hardware.nonsense")
    answer = user.call("CreateFilter", *PC, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
    assert answer.fault == "InvalidProperty"
    assert wait(user).fault is None


def test_creating_a_filter_is_no_look_at_a_lease(user: Wire) -> None:
    (lease,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "VM0")).texts("returnval")
    watch(user, props("HttpNfcLease", "state") + objects("HttpNfcLease", lease))
    assert wait(user).texts("val") == ["initializing"]


def test_what_a_destroyed_filter_had_still_to_tell_is_not_told(user: Wire) -> None:
    held, other = watch(user, names_of_vms(user)), watch(user, vm_spec(user, "VM2"))
    first = wait(user, most=1)
    assert first.texts("truncated") == ["true"]
    user.call("DestroyPropertyFilter", "PropertyFilter", held)
    second = wait(user, first.texts("version")[0])
    assert (second.texts("filter"), second.texts("truncated")) == ([other], [])
