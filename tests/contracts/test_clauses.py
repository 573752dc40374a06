"""Every clause on hand-written histories: kept, broken with the right witness, and never put to the test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from contracts.synthetic import LEASE, PRINT, Wire, vmdk
from twohop.contracts.clauses import CLAUSES, Verdict, clause
from twohop.contracts.history import History
from twohop.contracts.report import judge

OTHER_PRINT = PRINT.replace("AA", "00")
CELL = {"cell": {"url_expiry_s": 3600.0, "expired_status": 404, "reaper_s": 600.0}}
DISK = vmdk()

Story = Callable[[Wire], tuple[int, ...] | None]
KEPT: list[tuple[str, Story]] = []
BROKEN: list[tuple[str, Story]] = []
SILENT: list[tuple[str, Story]] = []


def keeps(name: str) -> Callable[[Story], Story]:
    return lambda story: KEPT.append((name, story)) or story  # type: ignore[func-returns-value]


def breaks(name: str) -> Callable[[Story], Story]:
    """The story returns the witness that the clause has to find."""
    return lambda story: BROKEN.append((name, story)) or story  # type: ignore[func-returns-value]


def leaves_open(name: str) -> Callable[[Story], Story]:
    return lambda story: SILENT.append((name, story)) or story  # type: ignore[func-returns-value]


# LEASE-001


@keeps("LEASE-001")
def forward(wire):
    wire.export()
    for state in ("initializing", "ready", "ready", "done", "done"):
        wire.read(state)


@breaks("LEASE-001")
def back_to_initializing(wire):
    wire.export()
    first = wire.read("ready")
    return first, wire.read("initializing")


@breaks("LEASE-001")
def out_of_a_final_state(wire):
    wire.read("initializing")
    first = wire.read("error")
    return first, wire.read("ready")


@breaks("LEASE-001")
def from_error_to_done(wire):
    first = wire.fetch_property("state", "error")
    return first, wire.fetch_property("state", "done")


@breaks("LEASE-001")
def a_fifth_state(wire):
    first = wire.read("initializing")
    return first, wire.read("paused")


@leaves_open("LEASE-001")
def one_look(wire):
    wire.export()
    wire.read("ready")


@leaves_open("LEASE-001")
def two_looks_at_once_on_two_connections(wire):
    wire.read("ready")
    wire.read("initializing", conn="another")


@leaves_open("LEASE-001")
def looks_at_two_leases(wire):
    wire.read("ready")
    wire.read("initializing", lease="session[x]y")


# LEASE-002


@keeps("LEASE-002")
def no_info_yet(wire):
    wire.read("initializing")
    wire.read("ready", info=wire.info())


@breaks("LEASE-002")
def info_too_early(wire):
    return (wire.read("initializing", info=wire.info()),)


@breaks("LEASE-002")
def info_too_early_by_single_reads(wire):
    first = wire.fetch_property("info", wire.info())
    return first, wire.fetch_property("state", "initializing")


@leaves_open("LEASE-002")
def ready_at_first_sight(wire):
    wire.read("ready", info=wire.info())


@leaves_open("LEASE-002")
def info_not_asked_for(wire):
    wire.fetch_property("state", "initializing")
    wire.fetch_property("state", "ready")
    wire.fetch_property("info", wire.info())


# LEASE-003


@keeps("LEASE-003")
def complete_twice(wire):
    wire.ready()
    wire.complete()
    wire.complete(fault="InvalidState")


@keeps("LEASE-003")
def abort_of_what_is_gone(wire):
    wire.ready()
    wire.complete()
    wire.abort(fault="ManagedObjectNotFound")


@keeps("LEASE-003")
def complete_after_the_timeout(wire):
    wire.ready()
    wire.t = 301
    wire.complete(fault="Timedout")


@breaks("LEASE-003")
def complete_twice_accepted(wire):
    wire.ready()
    first = wire.complete()
    return first, wire.complete()


@breaks("LEASE-003")
def the_wrong_fault(wire):
    wire.ready()
    first = wire.abort()
    return first, wire.complete(fault="Timedout")


@breaks("LEASE-003")
def no_timeout_told(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    return read, wire.abort(fault="InvalidState")


@leaves_open("LEASE-003")
def completed_once(wire):
    wire.ready()
    wire.complete()


@leaves_open("LEASE-003")
def not_logged_in_any_more(wire):
    wire.ready()
    wire.complete()
    wire.complete(fault="NotAuthenticated")


@leaves_open("LEASE-003")
def two_ends_at_once(wire):
    wire.ready()
    wire.complete(conn="one")
    wire.complete(conn="two")


# LEASE-004


@keeps("LEASE-004")
def completed_is_done(wire):
    wire.ready()
    wire.complete()
    wire.read("done")


@breaks("LEASE-004")
def aborted_is_done(wire):
    wire.ready()
    end = wire.abort()
    return end, wire.read("done")


@breaks("LEASE-004")
def completed_is_ready(wire):
    wire.ready()
    end = wire.complete()
    return end, wire.read("ready")


@leaves_open("LEASE-004")
def refused_complete(wire):
    wire.export()
    wire.complete(fault="InvalidState")
    wire.read("ready")


# LEASE-005


@keeps("LEASE-005")
def exported_well(wire):
    wire.ready(observer="user")
    wire.disk(DISK, observer="user")
    wire.complete(observer="user")


@keeps("LEASE-005")
def given_up_well(wire):
    wire.ready(observer="cell")
    wire.disk(DISK[:9000], observer="cell", end="cut")
    wire.abort(observer="cell")


@breaks("LEASE-005")
def completed_before_the_last_byte(wire):
    wire.ready(observer="user")
    end = wire.complete(observer="user")
    return end, wire.disk(DISK, observer="user", conn="nfc", started=0.0)


@breaks("LEASE-005")
def completed_though_a_disk_was_cut(wire):
    wire.ready(observer="user")
    cut = wire.disk(DISK[:9000], observer="user", end="cut")
    return cut, wire.complete(observer="user")


@breaks("LEASE-005")
def logged_out_with_the_lease_held(wire):
    granted = wire.ready(observer="user")
    return granted, wire.soap("Logout", "SessionManager", "SessionManager", observer="user")


@breaks("LEASE-005")
def forgotten_until_the_timeout(wire):
    granted = wire.ready(observer="user")
    wire.t = 400
    return granted, wire.listing() and wire.api("GET", "/api/session", 200)


@breaks("LEASE-005")
def ended_twice(wire):
    wire.ready(observer="user")
    first = wire.complete(observer="user")
    return first, wire.abort(observer="user", fault="InvalidState")


@breaks("LEASE-005")
def progress_after_complete(wire):
    wire.ready(observer="user")
    end = wire.complete(observer="user")
    return end, wire.progress(observer="user", fault="InvalidState")


@leaves_open("LEASE-005")
def a_probe_may_do_anything(wire):
    wire.ready()
    wire.complete()
    wire.complete(fault="InvalidState")
    wire.soap("Logout", "SessionManager", "SessionManager")


@leaves_open("LEASE-005")
def still_at_work(wire):
    wire.ready(observer="user")
    wire.disk(DISK, observer="user")


# RENEWAL-001


@keeps("RENEWAL-001")
def kept_alive(wire):
    wire.ready()
    for wire.t in (200, 400):
        wire.progress()
    wire.t = 600
    wire.read("ready", info=wire.info())


@breaks("RENEWAL-001")
def died_in_spite_of_progress(wire):
    granted = wire.ready()
    wire.t = 200
    renewal = wire.progress()
    fetch = wire.disk(DISK)
    wire.t = 400
    return granted, renewal, fetch, wire.read("error", error="Timedout")


@breaks("RENEWAL-001")
def progress_refused_in_spite_of_progress(wire):
    granted = wire.ready()
    wire.t = 299
    fetch = wire.disk(DISK)
    renewal = wire.progress()
    wire.t = 301
    return granted, renewal, fetch, wire.progress(fault="Timedout")


@breaks("RENEWAL-001")
def died_before_its_time(wire):
    granted = wire.ready()
    wire.t = 10
    fetch = wire.disk(DISK)
    wire.t = 299
    return granted, fetch, wire.progress(fault="Timedout")


@leaves_open("RENEWAL-001")
def completed_too_early(wire):
    wire.export()
    wire.complete(fault="InvalidState")
    wire.read("ready", info=wire.info())
    wire.disk(DISK)


@leaves_open("RENEWAL-001")
def no_data_moved(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.t = 400
    wire.progress(fault="Timedout")


@leaves_open("RENEWAL-001")
def the_grant_still_covers_it(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.t = 290
    wire.read("ready")


@leaves_open("RENEWAL-001")
def it_was_completed(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.complete()
    wire.t = 400
    wire.progress(fault="InvalidState")


@leaves_open("RENEWAL-001")
def it_may_have_been_completed_at_that_moment(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.t = 400
    wire.progress(fault="InvalidState", conn="keep-alive")
    wire.complete(conn="main", result=None)


@leaves_open("RENEWAL-001")
def it_failed_for_another_reason(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.t = 400
    wire.read("error", error="RequestCanceled")


@leaves_open("RENEWAL-001")
def the_renewal_was_too_long_ago(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.t = 501
    wire.read("error", error="Timedout")


# RENEWAL-002


@keeps("RENEWAL-002")
def silence_ends_it(wire):
    wire.ready()
    wire.t = 301
    wire.read("error", error="Timedout")


@keeps("RENEWAL-002")
def silence_ends_it_for_progress(wire):
    wire.ready()
    wire.t = 301
    wire.progress(fault="Timedout")


@breaks("RENEWAL-002")
def silence_is_forgiven(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    return read, wire.read("ready")


@breaks("RENEWAL-002")
def progress_wakes_the_dead(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    return read, wire.progress()


@breaks("RENEWAL-002")
def data_after_the_end_renews_nothing(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    wire.disk(DISK)
    return read, wire.read("ready")


@leaves_open("RENEWAL-002")
def data_may_have_renewed_it(wire):
    wire.ready()
    wire.t = 200
    wire.disk(DISK)
    wire.t = 400
    wire.read("ready")


@leaves_open("RENEWAL-002")
def nobody_read_the_timeout(wire):
    wire.export()
    wire.t = 4000
    wire.read("ready")


@leaves_open("RENEWAL-002")
def it_had_been_completed(wire):
    wire.ready()
    wire.complete()
    wire.t = 400
    wire.read("done")


@leaves_open("RENEWAL-002")
def an_unanswered_progress_may_have_renewed_it(wire):
    wire.ready()
    wire.t = 200
    wire.progress(result=None)
    wire.t = 400
    wire.read("ready")


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


# URL-001


@keeps("URL-001")
def the_host_is_who_it_should_be(wire):
    wire.ready()
    wire.disk(DISK)


@breaks("URL-001")
def another_certificate(wire):
    wire.ready()
    return (wire.disk(DISK, thumbprint=OTHER_PRINT),)


@breaks("URL-001")
def another_certificate_even_when_nothing_was_served(wire):
    wire.ready()
    return (wire.disk(None, status=503, thumbprint=OTHER_PRINT),)


@leaves_open("URL-001")
def no_thumbprint_given(wire):
    wire.export()
    wire.read("ready", info=wire.info(thumbprint=""))
    wire.disk(DISK)


@leaves_open("URL-001")
def nobody_looked_at_the_certificate(wire):
    wire.ready()
    wire.disk(DISK, thumbprint=None)


# STREAM-001


@keeps("STREAM-001")
def a_whole_disk(wire):
    wire.disk(DISK)


@breaks("STREAM-001")
def an_end_that_comes_too_early(wire):
    return (wire.disk(DISK[:-1024]),)


@breaks("STREAM-001")
def no_footer(wire):
    return (wire.disk(vmdk(footer=False)),)


@breaks("STREAM-001")
def no_end_of_stream(wire):
    return (wire.disk(vmdk(eos=False)),)


@breaks("STREAM-001")
def half_a_sector(wire):
    return (wire.disk(DISK + b"x"),)


@breaks("STREAM-001")
def not_a_disk(wire):
    return (wire.disk(b"<html>" * 1000),)


@breaks("STREAM-001")
def nothing_at_all(wire):
    return (wire.disk(b""),)


@leaves_open("STREAM-001")
def a_cut_that_shows(wire):
    wire.disk(DISK[:5000], end="cut")


@leaves_open("STREAM-001")
def a_refusal(wire):
    wire.disk(b"not found", status=404)


@leaves_open("STREAM-001")
def no_disk(wire):
    wire.disk(b"nvram", file="vm.nvram")


@keeps("STREAM-001")
def an_empty_second_answer(wire):
    wire.disk(DISK)
    wire.disk(b"")


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


# SESSION-001


@keeps("SESSION-001")
def emptied(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    wire.listing(("transfer:1/d.vmdk", 5), ("transfer:2/d.vmdk", 5))
    wire.t = 4201
    wire.listing(("transfer:2/d.vmdk", 5))


@breaks("SESSION-001")
def left_behind(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    first = wire.listing(("transfer:1/d.vmdk", 5))
    wire.t = 4201
    return first, wire.listing(("transfer:1/d.vmdk", 5))


@leaves_open("SESSION-001")
def the_reaper_may_still_come(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    wire.listing(("transfer:1/d.vmdk", 5))
    wire.t = 4200
    wire.listing(("transfer:1/d.vmdk", 5))


@leaves_open("SESSION-001")
def it_was_used_meanwhile(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    wire.listing(("transfer:1/d.vmdk", 5))
    wire.t = 3000
    wire.transfer("d.vmdk", DISK)
    wire.t = 4201
    wire.listing(("transfer:1/d.vmdk", 5))


def found(name: str, wire: Wire):
    (judged,) = judge(wire.history(), [clause(name)]).verdicts
    return judged.finding


def ids(cases):
    return [f"{name}-{story.__name__}" for name, story in cases]


@pytest.mark.parametrize(("name", "story"), KEPT, ids=ids(KEPT))
def test_kept(name, story):
    wire = Wire()
    story(wire)
    finding = found(name, wire)
    assert finding.verdict is Verdict.KEPT, finding
    assert finding.witness and finding.story


@pytest.mark.parametrize(("name", "story"), BROKEN, ids=ids(BROKEN))
def test_broken_with_its_witness(name, story):
    wire = Wire()
    witness = story(wire)
    finding = found(name, wire)
    assert finding.verdict is Verdict.BROKEN, finding
    assert finding.witness == tuple(sorted(witness))
    assert finding.story


@pytest.mark.parametrize(("name", "story"), SILENT, ids=ids(SILENT))
def test_not_put_to_the_test(name, story):
    wire = Wire()
    story(wire)
    assert found(name, wire).verdict is Verdict.NOT_OBSERVED, found(name, wire)


@pytest.mark.parametrize("known", CLAUSES, ids=lambda known: known.id)
def test_every_clause_has_each_of_the_three(known):
    for cases in (KEPT, BROKEN, SILENT):
        assert known.id in {name for name, _ in cases}


@pytest.mark.parametrize("known", CLAUSES, ids=lambda known: known.id)
def test_nothing_follows_from_an_empty_history(known):
    (judged,) = judge(History((), (), CELL), [known]).verdicts
    assert judged.verdict is Verdict.NOT_OBSERVED


def test_ids_are_unique_and_sources_numbered():
    assert len({known.id for known in CLAUSES}) == len(CLAUSES) >= 12
    for known in CLAUSES:
        sheet, _, numbers = known.source.partition(" ")
        assert sheet in ("vsphere", "vcd") and numbers[0].isdigit()


def test_one_moid_on_two_servers_is_two_leases():
    here, there = Wire(), Wire()
    here.ready()
    there.ready()
    moved = [
        dataclasses.replace(made, id=made.id + 10, conn=dataclasses.replace(made.conn, host="other"))
        for made in there.exchanges
    ]
    leases = History.build([*here.exchanges, *moved]).leases
    assert [(record.server, record.lease) for record in leases] == [("vc:443", LEASE), ("other:443", LEASE)]
