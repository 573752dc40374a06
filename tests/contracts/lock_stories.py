"""Stories about the lock."""

from __future__ import annotations

from contracts.stories import breaks, keeps, leaves_open
from contracts.synthetic import LEASE

# LOCK-001


@keeps("LOCK-001")
def refused_at_the_call(wire):
    wire.ready()
    wire.power_on(fault="TaskInProgress")


@keeps("LOCK-001")
def refused_by_the_task(wire):
    wire.ready()
    wire.power_on()
    wire.task("error", fault="InvalidState")


@breaks("LOCK-001")
def powered_on_under_a_lease(wire):
    wire.ready()
    held = wire.exchanges[-1].id
    asked = wire.power_on()
    return held, asked, wire.task("success")


def vapp_ready(wire):
    wire.soap("ExportVApp", "VirtualApp", "resgroup-v1", result=f'<returnval type="HttpNfcLease">{LEASE}</returnval>')
    return wire.read("ready", info=wire.info())


@keeps("LOCK-001")
def refused_by_the_lease_of_its_vapp(wire):
    vapp_ready(wire)
    wire.power_on(fault="TaskInProgress")


@breaks("LOCK-001")
def powered_on_under_the_lease_of_its_vapp(wire):
    held = vapp_ready(wire)
    asked = wire.power_on()
    return held, asked, wire.task("success")


@leaves_open("LOCK-001")
def another_machine_than_those_of_the_vapp(wire):
    vapp_ready(wire)
    wire.power_on("vm-2")
    wire.task("success")


@leaves_open("LOCK-001")
def the_task_waits(wire):
    wire.ready()
    wire.power_on()
    wire.task("queued")


@leaves_open("LOCK-001")
def no_lease_any_more(wire):
    wire.ready()
    wire.complete()
    wire.power_on(fault="TaskInProgress")


@leaves_open("LOCK-001")
def it_may_have_ended_just_then(wire):
    wire.ready()
    wire.power_on(conn="another")
    wire.task("success", conn="another")
    wire.complete()


@leaves_open("LOCK-001")
def another_machine(wire):
    wire.ready()
    wire.power_on("vm-2")
    wire.task("success")


@leaves_open("LOCK-001")
def on_already(wire):
    wire.ready()
    wire.power_on(fault="InvalidPowerState")


@leaves_open("LOCK-001")
def the_lease_may_have_timed_out(wire):
    wire.ready()
    wire.t = 300
    wire.power_on()
    wire.task("success")


# LOCK-002


@keeps("LOCK-002")
def free_after_abort(wire):
    wire.ready()
    wire.abort()
    wire.power_on()
    wire.task("success")


@keeps("LOCK-002")
def free_after_the_timeout(wire):
    wire.ready()
    wire.t = 301
    wire.power_on()
    wire.task("success")


@breaks("LOCK-002")
def still_locked_after_abort(wire):
    wire.ready()
    end = wire.abort()
    return end, wire.power_on(fault="TaskInProgress")


@breaks("LOCK-002")
def still_locked_after_the_timeout(wire):
    wire.ready()
    wire.t = 301
    end = wire.read("error", error="Timedout")
    asked = wire.power_on()
    return end, asked, wire.task("error", fault="TaskInProgress")


@leaves_open("LOCK-002")
def a_second_lease_holds_it(wire):
    wire.ready()
    wire.ready("session[x]y")
    wire.complete()
    wire.power_on(fault="TaskInProgress")


@leaves_open("LOCK-002")
def never_leased(wire):
    wire.power_on()
    wire.task("success")


@leaves_open("LOCK-002")
def a_refused_export_may_have_left_its_task(wire):
    wire.ready()
    wire.abort()
    wire.export(fault="InvalidState")
    wire.power_on(fault="TaskInProgress")


@leaves_open("LOCK-002")
def another_power_operation_is_under_way(wire):
    wire.ready()
    wire.abort()
    wire.power_on()
    wire.power_on(task="task-2", fault="TaskInProgress")
    wire.task("running")


# LOCK-003


@keeps("LOCK-003")
def reconfigure_refused(wire):
    wire.ready()
    wire.change("ReconfigVM_Task", fault="TaskInProgress")


@keeps("LOCK-003")
def destroy_waits(wire):
    wire.ready()
    wire.change("Destroy_Task")
    wire.task("running", task="task-9")


@breaks("LOCK-003")
def destroyed(wire):
    wire.ready()
    held = wire.exchanges[-1].id
    asked = wire.change("Destroy_Task")
    return held, asked, wire.task("success", task="task-9")


@breaks("LOCK-003")
def reconfigured(wire):
    wire.ready()
    held = wire.exchanges[-1].id
    asked = wire.change("ReconfigVM_Task")
    return held, asked, wire.task("success", task="task-9")


@leaves_open("LOCK-003")
def changed_after_the_end(wire):
    wire.ready()
    wire.complete()
    wire.change("ReconfigVM_Task")
    wire.task("success", task="task-9")


@leaves_open("LOCK-003")
def not_there_at_all(wire):
    wire.ready()
    wire.change("RelocateVM_Task", fault="NotSupported")


# LOCK-004


def _two(wire):
    wire.ready()
    wire.ready("session[52aa]52cc")
    held = wire.exchanges[-1].id
    return wire.complete(), held


@keeps("LOCK-004")
def one_of_two_has_ended(wire):
    _two(wire)
    wire.power_on(fault="TaskInProgress")


@breaks("LOCK-004")
def the_first_end_unlocks(wire):
    first, held = _two(wire)
    asked = wire.power_on()
    return first, held, asked, wire.task("success")


@leaves_open("LOCK-004")
def both_have_ended(wire):
    _two(wire)
    wire.complete("session[52aa]52cc")
    wire.power_on()
    wire.task("success")


@leaves_open("LOCK-004")
def the_other_ended_before_this_began(wire):
    wire.ready()
    wire.complete()
    wire.ready("session[52aa]52cc")
    wire.power_on(fault="TaskInProgress")


# LOCK-005


@keeps("LOCK-005")
def shared(wire):
    wire.ready()
    wire.export("session[52aa]52cc")


@keeps("LOCK-005")
def busy(wire):
    wire.ready()
    wire.export(fault="TaskInProgress")


@breaks("LOCK-005")
def an_invalid_state(wire):
    off = wire.power_state("poweredOff")
    wire.ready()
    held = wire.exchanges[-1].id
    return off, held, wire.export(fault="InvalidState")


@leaves_open("LOCK-005")
def the_first_is_over(wire):
    wire.ready()
    wire.complete()
    wire.export("session[52aa]52cc")


@leaves_open("LOCK-005")
def it_may_be_running(wire):
    wire.ready()
    wire.export(fault="InvalidState")
