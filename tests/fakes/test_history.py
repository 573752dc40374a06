"""Events and tasks: what the EventManager and the TaskManager tell of what happened (1.11)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire, objects, props
from twohop.fakes import VCenter
from twohop.fakes.vim._descriptions import EVENTS, TASKS
from twohop.fakes.vim.objects._history_collector import Collected
from vcenters import make, small_world

Filter = vim.event.EventFilterSpec
TaskFilter = vim.TaskFilterSpec


def names(events: list[Any]) -> list[str]:
    return [type(event).__name__.rpartition(".")[2] for event in events]


def about(me: Plain, thing: Any, recursion: str = "all", **more: Any) -> list[Any]:
    spec = Filter(entity=Filter.ByEntity(entity=thing, recursion=recursion), **more)
    return list(me.content.eventManager.QueryEvents(spec))


def test_a_session_leaves_its_events(vc: VCenter) -> None:
    with Wire(vc) as wire:
        wire.try_login("ghost", "x")
        wire.login()
        wire.call("Logout", "SessionManager", "SessionManager")
    with Plain(vc) as me:
        first, second, third, fourth = me.content.eventManager.QueryEvents(Filter())
        found = [first, second, third, fourth]
        kinds = ["BadUsernameSessionEvent", "UserLoginSessionEvent", "UserLogoutSessionEvent", "UserLoginSessionEvent"]
        assert names(found) == kinds
        assert [event.key for event in found] == [event.chainId for event in found] == [1, 2, 3, 4]
        assert (first.userName, first.ipAddress) == ("ghost", "127.0.0.1")
        assert first.fullFormattedMessage == "Cannot login ghost@127.0.0.1"
        assert second.sessionId == third.sessionId != fourth.sessionId
        assert fourth.sessionId == me.content.sessionManager.currentSession.key
        assert second.userName == "VSPHERE.LOCAL\\administrator"
        assert fourth.fullFormattedMessage.startswith(f"User {fourth.userName}@127.0.0.1 logged in as pyvmomi")
        assert third.callCount == 1
        assert third.loginTime == second.createdTime == datetime.fromtimestamp(vc.clock.now(), UTC)
        assert me.content.eventManager.latestEvent.key == 4


def test_a_session_that_falls_silent_is_logged_out_in_the_events(vc: VCenter, user: Wire) -> None:
    vc.clock.advance(vc.profile.seconds("session_idle_s"))
    with Plain(vc) as me:
        assert names(me.content.eventManager.QueryEvents(Filter()))[:2] == [
            "UserLoginSessionEvent", "UserLogoutSessionEvent",
        ]  # fmt: skip


def test_power_is_told_in_the_chain_of_its_task(vc: VCenter) -> None:
    with Plain(vc) as me:
        vm = me.vm()
        task = vm.PowerOn()
        found = about(me, vm)
        assert names(found) == ["TaskEvent", "VmStartingEvent", "VmPoweredOnEvent"]
        assert {event.chainId for event in found} == {task.info.eventChainId} == {found[0].key}
        began = found[0].info
        assert (began.task, began.state, began.descriptionId) == (task, "queued", "VirtualMachine.powerOn")
        assert task.info.name.info.wsdlName == "PowerOnVM_Task"
        assert found[0].fullFormattedMessage == "Task: Power On virtual machine"
        last = found[-1]
        assert last.fullFormattedMessage == "VM0 on H0 in DC0 is powered on"
        assert (last.vm.vm, last.host.host, last.template) == (vm, vm.runtime.host, False)
        assert last.computeResource.computeResource == vm.runtime.host.parent
        assert last.datacenter.name == "DC0"
        vm.Suspend()
        vm.PowerOn()
        vm.PowerOff()
        assert names(about(me, vm))[4:] == [
            "VmSuspendingEvent", "VmSuspendedEvent", "TaskEvent", "VmStartingEvent", "VmPoweredOnEvent",
            "TaskEvent", "VmStoppingEvent", "VmPoweredOffEvent",
        ]  # fmt: skip


def test_a_machine_that_is_gone_is_still_told_of(vc: VCenter) -> None:
    with Plain(vc) as me:
        me.vm().Destroy()
        (datacenter,) = me.content.rootFolder.childEntity
        found = about(me, datacenter)
        assert names(found) == ["TaskEvent", "VmRemovedEvent"]
        assert found[-1].fullFormattedMessage == "Removed VM0 on H0 from DC0"
        assert about(me, datacenter, "self") == []
        assert names(about(me, datacenter, "children")) == names(found)


def test_an_export_is_a_task_with_an_event_and_progress(vc: VCenter) -> None:
    with Plain(vc) as me:
        lease = me.export()
        (task,) = me.content.taskManager.recentTask
        assert me.vm().recentTask == [task]
        (event,) = about(me, me.vm())
        assert event.fullFormattedMessage == "Task: Export OVF template"
        assert event.chainId == task.info.eventChainId
        assert task.info.name is None
        lease.HttpNfcLeaseProgress(42)
        assert task.info.progress == 42
        lease.HttpNfcLeaseComplete()
        assert (task.info.state, task.info.progress) == ("success", None)
        assert task.info.completeTime is not None


def test_filters_let_through_what_they_say(vc: VCenter) -> None:
    with Plain(vc) as me:
        first, second = me.vm("VM0"), me.vm("VM1")
        first.PowerOn()
        vc.clock.advance(100)
        chain = second.PowerOn().info.eventChainId
        manager = me.content.eventManager

        def ask(**wanted: Any) -> list[str]:
            return names(manager.QueryEvents(Filter(**wanted)))

        on = ["VmPoweredOnEvent"]
        assert ask(type=[vim.event.VmPoweredOnEvent]) == on * 2
        assert ask(eventTypeId=["vim.event.VmPoweredOnEvent"]) == ask(eventTypeId=["VmPoweredOnEvent"]) == on * 2
        assert ask(type=[vim.event.VmEvent]) == ["VmStartingEvent", *on] * 2
        assert ask(eventTypeId=["vim.event.VmRemovedEvent"]) == []
        assert ask(eventChainId=chain) == ["TaskEvent", "VmStartingEvent", *on]
        later = datetime.fromtimestamp(vc.clock.now() - 50, UTC)
        kinds = [vim.event.VmPoweredOnEvent]
        late = manager.QueryEvents(Filter(time=Filter.ByTime(beginTime=later), type=kinds))
        early = manager.QueryEvents(Filter(time=Filter.ByTime(endTime=later), type=kinds))
        assert [e.vm.vm for e in early] + [e.vm.vm for e in late] == [first, second]
        mine = Filter.ByUsername(systemUser=False, userList=["Administrator@vsphere.local"])
        assert ask(userName=mine, type=kinds) == on * 2
        assert ask(userName=Filter.ByUsername(systemUser=True, userList=["ghost"]), type=kinds) == []
        assert ask(category=["error"]) == []
        assert ask(category=["info"], type=kinds) == on * 2
        assert ask(maxCount=2) == ["VmStartingEvent", *on]
        assert ask(tag=["x"]) == []
        (bare, _) = manager.QueryEvents(Filter(disableFullMessage=True, type=kinds))
        assert bare.fullFormattedMessage is None
        assert manager.latestEvent.fullFormattedMessage is not None


def test_an_event_collector_pages_and_scrolls(vc: VCenter) -> None:
    with Plain(vc) as me:
        for _ in range(6):
            me.vm().PowerOn()
            me.vm().PowerOff()
        collector = me.content.eventManager.CreateCollectorForEvents(Filter())
        every = [event.key for event in me.content.eventManager.QueryEvents(Filter())]
        assert every == list(range(1, 38))
        assert [e.key for e in collector.latestPage] == every[:-11:-1]
        collector.SetCollectorPageSize(5)
        assert [e.key for e in collector.latestPage] == every[:-6:-1]
        assert [e.key for e in collector.ReadNextEvents(20)] == every[:20]
        assert [e.key for e in collector.ReadNextEvents(20)] == every[20:]
        assert collector.ReadNextEvents(20) == []
        assert [e.key for e in collector.ReadPreviousEvents(3)] == every[:-4:-1]
        collector.ResetCollector()
        assert [e.key for e in collector.ReadPreviousEvents(2)] == every[-7:-5][::-1]
        collector.RewindCollector()
        assert collector.ReadPreviousEvents(2) == []
        assert [e.key for e in collector.ReadNextEvents(1)] == [1]
        assert isinstance(collector.filter, Filter)
        for wrong in (0, -1, 1001):
            with pytest.raises(vmodl.fault.InvalidArgument):
                collector.SetCollectorPageSize(wrong)
        collector.DestroyCollector()
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            collector.ReadNextEvents(1)


@given(
    moves=st.lists(st.tuples(st.sampled_from(["next", "previous"]), st.integers(1, 7)), max_size=20),
    count=st.integers(0, 12),
)
def test_reading_to_and_fro_loses_nothing_and_repeats_nothing(moves: list[tuple[str, int]], count: int) -> None:
    items = list(range(count))
    collector = Collected("moid", None, lambda call: items)
    at = 0
    for move, most in moves:
        read = getattr(collector, move)(None, most)
        if move == "next":
            assert read == items[at : at + most]
            at += len(read)
        else:
            assert read == items[max(0, at - most) : at][::-1]
            at -= len(read)
    assert collector.position == at


def test_a_session_has_so_many_collectors_and_no_more(vc: VCenter) -> None:
    with Plain(vc) as me:
        manager, tasks = me.content.eventManager, me.content.taskManager
        held = [manager.CreateCollectorForEvents(Filter()) for _ in range(manager.maxCollector)]
        with pytest.raises(vim.fault.InvalidState):
            manager.CreateCollectorForEvents(Filter())
        assert tasks.CreateCollectorForTasks(vim.TaskFilterSpec()).latestPage == []
        held[0].DestroyCollector()
        assert manager.CreateCollectorForEvents(Filter()).latestPage


def test_a_collector_waits_for_what_comes(vc: VCenter, user: Wire) -> None:
    (moid,) = user.call("CreateCollectorForEvents", "EventManager", "EventManager", "<filter/>").texts("returnval")
    pc = ("PropertyCollector", "propertyCollector")
    spec = props("EventHistoryCollector", "latestPage") + objects("EventHistoryCollector", moid)
    user.call("CreateFilter", *pc, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
    first = user.call("WaitForUpdatesEx", *pc, "<version></version>")
    kinds = [e.get("{http://www.w3.org/2001/XMLSchema-instance}type") for e in first.root.iter("{urn:vim25}Event")]
    assert kinds == ["UserLoginSessionEvent"]
    with Wire(vc).login():
        pass
    again = user.call("WaitForUpdatesEx", *pc, "<version>1</version>")
    assert len(again.texts("sessionId")) == 2
    assert again.texts("kind") == ["modify"]


def test_tasks_are_collected_by_filter(vc: VCenter) -> None:
    with Plain(vc) as me:
        first, second = me.vm("VM0"), me.vm("VM1")
        first.PowerOn()
        vc.clock.advance(100)
        lease = second.ExportVm()
        manager = me.content.taskManager

        def ask(**wanted: Any) -> list[str]:
            collector = manager.CreateCollectorForTasks(TaskFilter(**wanted))
            found = [info.descriptionId.rpartition(".")[2] for info in collector.ReadNextTasks(10)]
            assert [i.descriptionId.rpartition(".")[2] for i in collector.latestPage] == found[::-1]
            collector.DestroyCollector()
            return found

        assert ask() == ["powerOn", "exportVm"]
        assert ask(state=["running"]) == ["exportVm"]
        assert ask(entity=TaskFilter.ByEntity(entity=first, recursion="self")) == ["powerOn"]
        assert ask(entity=TaskFilter.ByEntity(entity=me.content.rootFolder, recursion="all")) == ["powerOn", "exportVm"]
        later = datetime.fromtimestamp(vc.clock.now() - 50, UTC)
        for kind, expected in (("queuedTime", ["exportVm"]), ("startedTime", ["exportVm"]), ("completedTime", [])):
            assert ask(time=TaskFilter.ByTime(timeType=kind, beginTime=later)) == expected
        assert ask(userName=TaskFilter.ByUsername(systemUser=False, userList=["nobody"])) == []
        assert ask(eventChainId=[second.recentTask[0].info.eventChainId]) == ["exportVm"]
        assert ask(tag=["x"]) == []
        lease.HttpNfcLeaseAbort()
        assert ask(state=["error"]) == ["exportVm"]


def test_the_managers_say_what_they_call_things(vc: VCenter) -> None:
    with Plain(vc) as me:
        described = me.content.taskManager.description
        assert {m.key: m.label for m in described.methodInfo} == dict(TASKS)
        assert {s.key for s in described.state} == {"queued", "running", "success", "error"}
        assert {r.key for r in described.reason} >= {vim.TaskReasonUser}
        events = me.content.eventManager.description
        assert {e.key.__name__.rpartition(".")[2]: e.category for e in events.eventInfo} == {
            name: text.category for name, text in EVENTS.items()
        }
        assert {c.key for c in events.category} == {"info", "warning", "error", "user"}


def test_a_user_may_log_an_event(vc: VCenter) -> None:
    with Plain(vc) as me:
        me.content.eventManager.LogUserEvent(me.vm(), "copied to tape")
        (event,) = about(me, me.vm())
        assert (event.message, event.entity.entity) == ("copied to tape", me.vm())
        assert event.fullFormattedMessage == "User logged event: copied to tape"


def test_ended_tasks_are_recent_for_a_while(vc: VCenter) -> None:
    with Plain(vc) as me:
        me.vm().PowerOn()
        me.vm("VM1").ExportVm()
        vc.clock.advance(200)
        assert len(me.content.taskManager.recentTask) == 2


def test_a_task_that_has_ended_cannot_be_cancelled(vc: VCenter) -> None:
    with Plain(vc) as me, pytest.raises(vim.fault.InvalidState):
        me.vm().PowerOn().CancelTask()


def test_events_about_what_one_may_not_see_are_kept_from_one() -> None:
    users = [{"name": "one", "password": "o", "permissions": [{"on": "DC0/vm/VM1", "role": "ReadOnly"}]}]
    with make(users=users, world=small_world(vms=3)) as vc:
        with Plain(vc) as me:
            for name in ("VM0", "VM1"):
                me.vm(name).PowerOn()
        with Wire(vc) as wire:
            wire.cookie = wire.try_login("one", "o").cookie
            found = wire.call("QueryEvents", "EventManager", "EventManager", "<filter/>")
            assert set(found.texts("vm")) == {"", wire.moid("Vm", "VM1")}
            assert found.texts("message") == []
            tasks = wire.fetch("TaskManager", "TaskManager", "recentTask").texts("ManagedObjectReference")
            assert len(tasks) == 1


def test_a_reset_forgets_what_happened(vc: VCenter) -> None:
    with Plain(vc) as me:
        me.vm().PowerOn()
    vc.reset()
    with Plain(vc) as me:
        assert [event.key for event in me.content.eventManager.QueryEvents(Filter())] == [1]
