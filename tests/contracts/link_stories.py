"""Stories about download links."""

from __future__ import annotations

from contracts.stories import CELL, DISK, breaks, keeps, leaves_open

# LINK-001

LINK = ("download:default", "/transfer/transfer:1/descriptor.ovf")
ENABLE = ("enable", "/api/vApp/vapp-1/action/enableDownload")


@keeps("LINK-001")
def link_after_success(wire):
    wire.vapp(ENABLE)
    wire.enable()
    wire.poll("running")
    wire.vapp(ENABLE)
    wire.poll("success")
    wire.vapp(ENABLE, LINK)


@breaks("LINK-001")
def link_while_the_task_runs(wire):
    first = wire.vapp(ENABLE)
    enabled = wire.enable()
    look = wire.vapp(ENABLE, LINK)
    return first, enabled, look, wire.poll("running")


@breaks("LINK-001")
def link_though_the_task_failed(wire):
    first = wire.vapp(ENABLE)
    enabled = wire.enable()
    failed = wire.poll("error")
    return first, enabled, failed, wire.vapp(ENABLE, LINK)


@leaves_open("LINK-001")
def enabled_once_more(wire):
    wire.vapp(ENABLE, LINK)
    wire.enable()
    wire.vapp(ENABLE, LINK)
    wire.poll("running")


@leaves_open("LINK-001")
def nobody_looked_before(wire):
    wire.enable()
    wire.vapp(ENABLE, LINK)
    wire.poll("success")


@leaves_open("LINK-001")
def the_task_ended_after_the_look(wire):
    wire.vapp(ENABLE)
    wire.enable()
    wire.vapp(ENABLE, LINK)
    wire.poll("success")


# LINK-002


@keeps("LINK-002")
def dead_after_idling(wire):
    wire.declared = CELL
    wire.transfer("d.ovf", b"x")
    wire.t = 3601
    wire.transfer("d.ovf", None, status=404)


@leaves_open("LINK-002")
def alive_because_somebody_still_reads(wire):
    wire.declared = CELL
    wire.transfer("d.ovf", b"x")
    began = wire.t
    wire.t = 3601
    wire.transfer("d.ovf", b"x")
    wire.t = 4000
    wire.transfer("disk.vmdk", b"x", started=began)


@breaks("LINK-002")
def alive_after_idling(wire):
    wire.declared = CELL
    first = wire.transfer("d.ovf", b"x")
    wire.t = 3601
    return first, wire.transfer("d.ovf", b"x")


@breaks("LINK-002")
def dead_by_another_status(wire):
    wire.declared = CELL
    first = wire.transfer("d.ovf", b"x")
    wire.t = 3601
    return first, wire.transfer("d.ovf", None, status=500)


@leaves_open("LINK-002")
def not_idle_for_long_enough(wire):
    wire.declared = CELL
    wire.transfer("d.ovf", b"x")
    wire.t = 3600
    wire.transfer("d.ovf", b"x")


@leaves_open("LINK-002")
def enabled_again_in_between(wire):
    wire.declared = CELL
    wire.transfer("d.ovf", b"x")
    wire.t = 3601
    wire.enable()
    wire.transfer("d.ovf", b"x")


@leaves_open("LINK-002")
def no_profile_declared(wire):
    wire.transfer("d.ovf", b"x")
    wire.t = 3601
    wire.transfer("d.ovf", b"x")


# LINK-003

OVF = (
    '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">'
    '<References><File ovf:href="d.vmdk" ovf:id="file1"{}/></References></Envelope>'
)


@keeps("LINK-003")
def as_long_as_promised(wire):
    wire.transfer("descriptor.ovf", b"?", text=OVF.format(f' ovf:size="{len(DISK)}"'))
    wire.transfer("d.vmdk", DISK)


@breaks("LINK-003")
def shorter_than_promised(wire):
    descriptor = wire.transfer("descriptor.ovf", b"?", text=OVF.format(' ovf:size="1000"'))
    return descriptor, wire.transfer("d.vmdk", b"x" * 999)


@breaks("LINK-003")
def no_size_promised(wire):
    descriptor = wire.transfer("descriptor.ovf", b"?", text=OVF.format(""))
    return descriptor, wire.transfer("d.vmdk", DISK)


@leaves_open("LINK-003")
def another_session(wire):
    wire.transfer("descriptor.ovf", b"?", text=OVF.format(' ovf:size="1000"'))
    wire.transfer("d.vmdk", DISK, session="transfer:2")


@leaves_open("LINK-003")
def a_part_only(wire):
    wire.transfer("descriptor.ovf", b"?", text=OVF.format(' ovf:size="1000"'))
    wire.transfer("d.vmdk", b"x", status=206)


# LINK-004


@keeps("LINK-004")
def the_same_bytes(wire):
    wire.declared = CELL
    wire.disk(DISK, observer="cell")
    wire.transfer("vm-52-disk-0.vmdk", DISK)


@breaks("LINK-004")
def other_bytes(wire):
    wire.declared = CELL
    wire.disk(DISK, observer="cell")
    near = wire.disk(DISK + DISK, observer="cell", file="disk-1.vmdk")
    return near, wire.transfer("d.vmdk", DISK + bytes(len(DISK)))


@leaves_open("LINK-004")
def the_leg_to_the_host_was_not_seen(wire):
    wire.declared = CELL
    wire.disk(DISK, observer="user")
    wire.transfer("d.vmdk", DISK)
