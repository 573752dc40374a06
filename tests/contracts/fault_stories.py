"""Stories about faults."""

from __future__ import annotations

from contracts.stories import breaks, keeps, leaves_open
from contracts.synthetic import LEASE

POWER = "<requestedState>{}</requestedState><existingState>{}</existingState>"

# FAULT-001


@keeps("FAULT-001")
def in_the_recorded_form(wire):
    wire.complete(fault="InvalidState")


@keeps("FAULT-001")
def a_protocol_error_has_no_detail(wire):
    wire.complete(detail="", code="ClientFaultCode")


@breaks("FAULT-001")
def a_fault_with_status_200(wire):
    return (wire.complete(fault="InvalidState", status=200),)


@breaks("FAULT-001")
def a_fault_without_detail(wire):
    return (wire.complete(detail=""),)


@breaks("FAULT-001")
def a_fault_without_a_type(wire):
    return (wire.complete(detail="<InvalidStateFault></InvalidStateFault>"),)


@leaves_open("FAULT-001")
def nothing_went_wrong(wire):
    wire.complete()


# FAULT-002


@keeps("FAULT-002")
def busy_with_a_named_task(wire):
    wire.power_on(fault="TaskInProgress", members='<task type="Task">task-1</task>')


@breaks("FAULT-002")
def busy_with_something(wire):
    return (wire.power_on(fault="TaskInProgress"),)


@breaks("FAULT-002")
def no_such_object(wire):
    return (wire.complete(fault="ManagedObjectNotFound", members="<obj type='HttpNfcLease'></obj>"),)


@leaves_open("FAULT-002")
def a_fault_without_members(wire):
    wire.complete(fault="InvalidState")


# FAULT-003


@keeps("FAULT-003")
def it_runs_and_should_not(wire):
    wire.export(fault="InvalidPowerState", members=POWER.format("poweredOff", "poweredOn"))


@breaks("FAULT-003")
def it_is_off_and_should_be(wire):
    return (wire.export(fault="InvalidPowerState", members=POWER.format("poweredOff", "poweredOff")),)


@breaks("FAULT-003")
def a_state_nobody_knows(wire):
    return (wire.export(fault="InvalidPowerState", members=POWER.format("poweredOff", "on")),)


@breaks("FAULT-003")
def somebody_saw_it_running(wire):
    first = wire.power_state("poweredOn")
    return first, wire.export(fault="InvalidPowerState", members=POWER.format("poweredOff", "suspended"))


@leaves_open("FAULT-003")
def refused_with_something_else(wire):
    wire.export(fault="InvalidState")


# FAULT-004


@keeps("FAULT-004")
def running_and_refused(wire):
    wire.power_state("poweredOn")
    wire.export(fault="InvalidState")


@breaks("FAULT-004")
def running_and_granted(wire):
    first = wire.power_state("poweredOn")
    return first, wire.export()


@breaks("FAULT-004")
def powered_on_and_granted(wire):
    wire.power_on()
    done = wire.task("success")
    return done, wire.export()


@leaves_open("FAULT-004")
def switched_off_meanwhile(wire):
    wire.power_state("poweredOn")
    wire.soap("PowerOffVM_Task", "VirtualMachine", "vm-1", result='<returnval type="Task">task-2</returnval>')
    wire.export()


@leaves_open("FAULT-004")
def another_one_runs(wire):
    wire.power_state("poweredOn", vm="vm-2")
    wire.export()


# FAULT-005


@keeps("FAULT-005")
def a_declared_fault(wire):
    wire.progress(fault="Timedout")


@keeps("FAULT-005")
def a_fault_that_any_call_gives(wire):
    wire.export(fault="RestrictedVersion")


@breaks("FAULT-005")
def a_fault_of_another_call(wire):
    return (wire.complete(fault="ConcurrentAccess"),)


@breaks("FAULT-005")
def a_snapshot_needs_no_power_state(wire):
    return (wire.soap("ExportSnapshot", "VirtualMachineSnapshot", "snapshot-1", fault="InvalidPowerState"),)


@leaves_open("FAULT-005")
def a_fault_elsewhere(wire):
    wire.soap("Login", "SessionManager", "SessionManager", fault="InvalidLogin")


# FAULT-006


@keeps("FAULT-006")
def early_progress(wire):
    wire.export()
    wire.progress()
    wire.read("initializing")


@breaks("FAULT-006")
def early_progress_refused(wire):
    wire.export()
    first = wire.progress(fault="InvalidState")
    return first, wire.read("initializing")


@leaves_open("FAULT-006")
def ready_by_then(wire):
    wire.export()
    wire.progress(fault="InvalidState")
    wire.read("ready")


# FAULT-007


@keeps("FAULT-007")
def any_number_will_do(wire):
    wire.ready()
    wire.progress()


@breaks("FAULT-007")
def not_this_number(wire):
    wire.ready()
    seen = wire.exchanges[-1].id
    return seen, wire.progress(fault="InvalidArgument")


@leaves_open("FAULT-007")
def no_data_has_been_detected(wire):
    wire.ready()
    wire.progress(fault="Timedout")


@leaves_open("FAULT-007")
def beyond_all(wire):
    wire.ready()
    wire.soap("HttpNfcLeaseProgress", "HttpNfcLease", LEASE, "<percent>101</percent>", fault="InvalidArgument")


# FAULT-008


@keeps("FAULT-008")
def nobody_is_told_so(wire):
    wire.progress(fault="NotAuthenticated", version="8.0.3.0")


@keeps("FAULT-008")
def who_has_left_is_told_so(wire):
    wire.soap("Login", "SessionManager", "SessionManager", set_cookie="session:1", version="8.0.3.0")
    wire.soap("Logout", "SessionManager", "SessionManager", cookie="session:1")
    wire.progress(fault="NotAuthenticated", cookie="session:1")


@breaks("FAULT-008")
def nobody_is_served(wire):
    return (wire.progress(version="8.0.3.0"),)


@breaks("FAULT-008")
def who_has_left_is_served(wire):
    wire.soap("Login", "SessionManager", "SessionManager", set_cookie="session:1", version="8.0.3.0")
    left = wire.soap("Logout", "SessionManager", "SessionManager", cookie="session:1")
    return left, wire.complete(cookie="session:1")


@breaks("FAULT-008")
def who_never_came_in_is_served(wire):
    given = wire.soap("RetrieveServiceContent", "ServiceInstance", "ServiceInstance", set_cookie="session:3")
    return given, wire.export(cookie="session:3")


@leaves_open("FAULT-008")
def somebody_who_came_before(wire):
    wire.progress(cookie="session:9")


@leaves_open("FAULT-008")
def nothing_was_written_down_of_it(wire):
    wire.progress()


# FAULT-009

TPM = '<VirtualDevice xsi:type="VirtualTPM"><key>11000</key></VirtualDevice>'


def sealed(wire):
    result = f'<returnval xsi:type="ArrayOfVirtualDevice">{TPM}</returnval>'
    return wire.soap("Fetch", "VirtualMachine", "vm-1", "<prop>config.hardware.device</prop>", result=result)


@keeps("FAULT-009")
def encrypted_and_refused(wire):
    sealed(wire)
    wire.export(fault="NotSupported")


@breaks("FAULT-009")
def encrypted_and_granted(wire):
    seen = sealed(wire)
    return seen, wire.export()


@leaves_open("FAULT-009")
def encrypted_and_not_allowed(wire):
    sealed(wire)
    wire.export(fault="NoPermission")


@leaves_open("FAULT-009")
def open_to_all(wire):
    wire.hardware(1024)
    wire.export()


# FAULT-010


def snapshots(wire, *names):
    trees = "".join(
        f'<rootSnapshotList><snapshot type="VirtualMachineSnapshot">{name}</snapshot></rootSnapshotList>'
        for name in names
    )
    result = f'<returnval xsi:type="VirtualMachineSnapshotInfo">{trees}</returnval>'
    wire.soap("Fetch", "VirtualMachine", "vm-1", "<prop>snapshot</prop>", result=result)
    return wire.power_state("poweredOn")


def export_snapshot(wire, **more):
    result = '<returnval type="HttpNfcLease">session[52aa]52bb</returnval>'
    return wire.soap("ExportSnapshot", "VirtualMachineSnapshot", "snapshot-1", **{"result": result, **more})


@keeps("FAULT-010")
def a_snapshot_of_a_running_machine(wire):
    snapshots(wire, "snapshot-1")
    export_snapshot(wire)


@breaks("FAULT-010")
def not_while_it_runs(wire):
    seen = snapshots(wire, "snapshot-1")
    return seen, export_snapshot(wire, fault="InvalidPowerState")


@leaves_open("FAULT-010")
def a_snapshot_of_nobody_knows_what(wire):
    snapshots(wire, "snapshot-2")
    export_snapshot(wire, fault="InvalidPowerState")


@leaves_open("FAULT-010")
def busy_otherwise(wire):
    snapshots(wire, "snapshot-1")
    export_snapshot(wire, fault="TaskInProgress")


# FAULT-011


@keeps("FAULT-011")
def its_own_response(wire):
    wire.complete()


@breaks("FAULT-011")
def the_response_of_another_call(wire):
    return (wire.complete(instead="<RetrievePropertiesResponse xmlns='urn:vim25'></RetrievePropertiesResponse>"),)


@leaves_open("FAULT-011")
def a_fault_is_no_response(wire):
    wire.complete(fault="InvalidState")


@leaves_open("FAULT-011")
def no_answer_at_all(wire):
    wire.complete(result=None)


# FAULT-012


def roles(wire, *ids, cookie="session:2"):
    rows = "".join(f'<int xsi:type="xsd:int">{role}</int>' for role in ids)
    result = f'<returnval xsi:type="ArrayOfInt">{rows}</returnval>'
    return wire.soap("Fetch", "VirtualMachine", "vm-1", "<prop>effectiveRole</prop>", result=result, cookie=cookie)


@keeps("FAULT-012")
def a_reader_is_refused(wire):
    roles(wire, -2)
    wire.export(fault="NoPermission", cookie="session:2")


@breaks("FAULT-012")
def a_reader_exports(wire):
    first = roles(wire, -2)
    return first, wire.export(cookie="session:2")


@leaves_open("FAULT-012")
def somebody_else_exports(wire):
    roles(wire, -2)
    wire.export(cookie="session:1")


@leaves_open("FAULT-012")
def who_may_do_more_exports(wire):
    roles(wire, -2, 1001)
    wire.export(cookie="session:2")


@leaves_open("FAULT-012")
def refused_for_another_reason(wire):
    roles(wire, -2)
    wire.export(fault="InvalidPowerState", cookie="session:2")
