"""Stories about the task behind a lease."""

from __future__ import annotations

from contracts.stories import breaks, keeps, leaves_open

TASK = "task-7"


def exported(wire):
    """Grant a lease between two looks at the recent tasks; return the second."""
    wire.recent("task-3")
    wire.export()
    listed = wire.recent("task-3", TASK)
    wire.read("ready", info=wire.info())
    return listed, wire.exchanges[-1].id


# TASK-001


@keeps("TASK-001")
def it_runs(wire):
    exported(wire)
    wire.task_info(TASK, "running")


@breaks("TASK-001")
def it_has_ended_already(wire):
    listed, held = exported(wire)
    return listed, held, wire.task_info(TASK, "success")


@leaves_open("TASK-001")
def two_exports_between_the_looks(wire):
    wire.recent("task-3")
    wire.export()
    wire.export("session[52aa]52cc")
    wire.recent("task-3", TASK, "task-8")
    wire.read("ready", info=wire.info())
    wire.task_info(TASK, "success")
    wire.task_info("task-8", "running")


@leaves_open("TASK-001")
def a_task_of_another_machine(wire):
    exported(wire)
    wire.task_info(TASK, "success", entity="vm-2")


@leaves_open("TASK-001")
def nobody_looked_before(wire):
    wire.ready()
    wire.recent(TASK)
    wire.task_info(TASK, "success")


# TASK-002


@keeps("TASK-002")
def completed_well(wire):
    exported(wire)
    wire.complete()
    wire.task_info(TASK, "success")


@breaks("TASK-002")
def completed_badly(wire):
    listed, _ = exported(wire)
    end = wire.complete()
    return listed, end, wire.task_info(TASK, "error", fault="Timedout")


@leaves_open("TASK-002")
def not_completed(wire):
    exported(wire)
    wire.complete(fault="InvalidState")
    wire.task_info(TASK, "running")


# TASK-003


@keeps("TASK-003")
def aborted_badly(wire):
    exported(wire)
    wire.abort()
    wire.task_info(TASK, "error", fault="RequestCanceled")


@keeps("TASK-003")
def timed_out_badly(wire):
    exported(wire)
    wire.t = 301
    wire.task_info(TASK, "error", fault="Timedout")


@breaks("TASK-003")
def aborted_well(wire):
    listed, _ = exported(wire)
    end = wire.abort()
    return listed, end, wire.task_info(TASK, "success")


@breaks("TASK-003")
def running_after_the_timeout(wire):
    listed, seen = exported(wire)
    wire.t = 301
    return listed, seen, wire.task_info(TASK, "running")


@leaves_open("TASK-003")
def still_in_time(wire):
    exported(wire)
    wire.t = 299
    wire.task_info(TASK, "running")


# TASK-004


@keeps("TASK-004")
def nobody_cancelled(wire):
    exported(wire)
    wire.abort()
    wire.task_info(TASK, "error")


@breaks("TASK-004")
def cancelled_by_nobody(wire):
    listed, _ = exported(wire)
    wire.abort()
    return listed, wire.task_info(TASK, "error", cancelled=True)


@leaves_open("TASK-004")
def cancelled_by_somebody(wire):
    exported(wire)
    wire.soap("CancelTask", "Task", TASK)
    wire.task_info(TASK, "error", cancelled=True)


# TASK-005


@keeps("TASK-005")
def described_as_an_export(wire):
    exported(wire)
    wire.task_info(TASK, "running")


@breaks("TASK-005")
def described_as_something_else(wire):
    listed, _ = exported(wire)
    return listed, wire.task_info(TASK, "running", described="VirtualMachine.clone")


@leaves_open("TASK-005")
def its_description_was_not_read(wire):
    exported(wire)
    wire.task("running", task=TASK)


# TASK-006


@keeps("TASK-006")
def among_the_recent_ones(wire):
    wire.ready()
    wire.recent(TASK, owner="TaskManager")
    wire.task_info(TASK, "running")


@breaks("TASK-006")
def not_among_the_recent_ones(wire):
    granted = wire.ready()
    held = wire.exchanges[-1].id
    listed = wire.recent("task-3")
    wire.task_info("task-3", "success", described="VirtualMachine.powerOn")
    return granted, held, listed


@leaves_open("TASK-006")
def what_they_are_is_unknown(wire):
    wire.ready()
    wire.recent("task-3")


@leaves_open("TASK-006")
def the_lease_is_over(wire):
    wire.ready()
    wire.complete()
    wire.recent()


# TASK-007


@keeps("TASK-007")
def half_way(wire):
    exported(wire)
    wire.task_info(TASK, "running", progress=50)


@breaks("TASK-007")
def more_than_all(wire):
    listed, _ = exported(wire)
    return listed, wire.task_info(TASK, "running", progress=101)


@leaves_open("TASK-007")
def it_says_no_progress(wire):
    exported(wire)
    wire.task_info(TASK, "running")


# TASK-008

GIVEN = '<fault><fault xsi:type="FileFault"><file>d</file></fault><localizedMessage>.</localizedMessage></fault>'


def given_up(wire):
    return wire.soap("HttpNfcLeaseAbort", "HttpNfcLease", "session[52aa]52bb", GIVEN)


@keeps("TASK-008")
def others_see_why(wire):
    exported(wire)
    given_up(wire)
    wire.task_info(TASK, "error", fault="FileFault")


@breaks("TASK-008")
def others_see_something_else(wire):
    listed, _ = exported(wire)
    end = given_up(wire)
    return listed, end, wire.task_info(TASK, "error", fault="RequestCanceled")


@leaves_open("TASK-008")
def no_reason_was_given(wire):
    exported(wire)
    wire.abort()
    wire.task_info(TASK, "error", fault="RequestCanceled")
