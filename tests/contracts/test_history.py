"""Events come from the text on the wire alone, by whichever way a client asked."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.synthetic import LEASE, PRINT, Wire, vmdk
from twohop.contracts.history import (
    DiskFetched,
    EndSent,
    ExportRefused,
    FileTransferred,
    History,
    HistoryFormatError,
    LeaseGranted,
    LeaseReadRefused,
    LeaseSeen,
    LoggedIn,
    LoggedOut,
    ManifestSeen,
    PowerAsked,
    ProgressSent,
    TaskSeen,
    dump,
    load,
    maybe_before,
    read,
    surely_before,
    write,
)
from twohop.runtime.observing import BodyDigest, Connection, Exchange, Listing, Request, Response


def only(history, kind):
    found = [event for event in history.events if isinstance(event, kind)]
    assert len(found) == 1, history.events
    return found[0]


def test_granted_lease_and_refused_export():
    wire = Wire()
    wire.export()
    wire.export(vm="vm-2", fault="InvalidPowerState")
    granted = only(wire.history(), LeaseGranted)
    assert (granted.lease, granted.entity, granted.entity_type) == (LEASE, "vm-1", "VirtualMachine")
    refused = only(wire.history(), ExportRefused)
    assert (refused.entity, refused.outcome.fault, refused.outcome.message) == (
        "vm-2",
        "InvalidPowerState",
        "It failed.",
    )


def test_a_lease_read_whole_in_one_call():
    wire = Wire()
    wire.read("ready", info=wire.info())
    seen = only(wire.history(), LeaseSeen)
    assert seen.state == "ready" and seen.info is not None and seen.info.timeout == 300
    assert seen.error_read and seen.error is None
    device = seen.info.devices[0]
    assert (device.thumbprint, device.disk, device.target_id, device.file_size) == (PRINT, True, "disk-0.vmdk", None)


def test_unset_is_told_from_unread():
    wire = Wire()
    wire.read("initializing")
    wire.fetch_property("state", "initializing")
    whole, state = wire.history().all(LeaseSeen)
    assert (whole.info_read, whole.info) == (True, None)
    assert (state.info_read, state.error_read, state.state) == (False, False, "initializing")
    wire.fetch_property("info", None)
    *_, info = wire.history().all(LeaseSeen)
    assert (info.state, info.info_read, info.info) == (None, True, None)


def test_updates_of_a_filter_are_reads_too():
    wire = Wire()
    change = '<changeSet><name>state</name><op>assign</op><val xsi:type="HttpNfcLeaseState">{}</val></changeSet>'
    wire.update(change.format("initializing") + "<changeSet><name>info</name><op>assign</op></changeSet>")
    wire.update(
        change.format("error")
        + '<changeSet><name>error</name><op>assign</op><val><fault xsi:type="Timedout"/></val></changeSet>'
    )
    first, second = wire.history().all(LeaseSeen)
    assert (first.state, first.info_read, first.info) == ("initializing", True, None)
    assert (second.state, second.info_read, second.error) == ("error", False, "Timedout")


def test_parts_of_info_by_longer_paths():
    wire = Wire()
    props = '<propSet><name>info.leaseTimeout</name><val xsi:type="xsd:int">240</val></propSet>'
    result = f'<returnval><objects><obj type="HttpNfcLease">{LEASE}</obj>{props}</objects></returnval>'
    wire.soap("RetrievePropertiesEx", "PropertyCollector", "pc", result=result)
    seen = only(wire.history(), LeaseSeen)
    assert seen.info is not None and seen.info.timeout == 240 and seen.info.devices == ()


def test_a_read_refused_names_its_lease():
    wire = Wire()
    wire.soap("Fetch", "HttpNfcLease", LEASE, "<prop>state</prop>", fault="ManagedObjectNotFound")
    spec = f'<specSet><objectSet><obj type="HttpNfcLease">{LEASE}</obj></objectSet></specSet>'
    wire.soap("RetrievePropertiesEx", "PropertyCollector", "pc", spec, fault="ManagedObjectNotFound")
    refused = list(wire.history().all(LeaseReadRefused))
    assert [(event.lease, event.outcome.fault) for event in refused] == [(LEASE, "ManagedObjectNotFound")] * 2


def test_calls_on_a_lease_and_their_outcomes():
    wire = Wire()
    wire.progress(37)
    wire.progress(38, result=None)
    wire.complete(fault="Timedout")
    wire.abort()
    sent, unanswered = wire.history().all(ProgressSent)
    assert (sent.percent, sent.outcome.kind, unanswered.outcome.kind) == (37, "accepted", "unclear")
    complete, abort = wire.history().all(EndSent)
    assert (complete.how, complete.outcome.fault) == ("complete", "Timedout")
    assert (abort.how, abort.outcome.accepted) == ("abort", True)


def test_a_foreign_answer_is_unclear_and_no_success():
    wire = Wire()
    made = wire.add("probe", "vc", 443, *_foreign())
    assert only(wire.history(), EndSent).outcome.kind == "unclear"
    assert made.response is not None and made.response.status == 200


def _foreign() -> tuple[Request, Response]:
    other = Wire()
    other.complete()
    other.fetch_property("state", "done")
    complete, fetch = other.exchanges
    assert fetch.response is not None
    return complete.request, fetch.response


def test_sessions_power_tasks_and_manifests():
    wire = Wire()
    wire.soap("Login", "SessionManager", "SessionManager", "<userName>u</userName>", fault="InvalidLogin")
    wire.soap("Logout", "SessionManager", "SessionManager")
    wire.power_on(task="task-7")
    wire.task("error", task="task-7", fault="TaskInProgress")
    entry = "<key>/vm-1/x0:0</key><sha1>ab</sha1><size>68096</size><disk>true</disk>"
    wire.soap("HttpNfcLeaseGetManifest", "HttpNfcLease", LEASE, result=f"<returnval>{entry}</returnval>")
    history = wire.history()
    assert only(history, LoggedIn).outcome.fault == "InvalidLogin"
    assert only(history, LoggedOut).outcome.accepted
    assert only(history, PowerAsked).task == "task-7"
    assert (only(history, TaskSeen).state, only(history, TaskSeen).fault) == ("error", "TaskInProgress")
    assert only(history, ManifestSeen).entries[0].size == 68096


def test_a_get_belongs_to_the_lease_whose_device_url_it_asks_for():
    wire = Wire()
    wire.ready()
    wire.disk(vmdk())
    wire.disk(vmdk(), ticket="ticket:9")
    history = wire.history()
    (record,) = history.leases
    assert [fetch.ticket for fetch in record.fetches] == ["ticket:1"]
    assert [fetch.ticket for fetch in history.all(DiskFetched)] == ["ticket:1", "ticket:9"]


def test_entities_and_doctypes_are_not_read():
    wire = Wire()
    wire.export()
    good = wire.exchanges[0]
    assert good.response is not None and good.response.body is not None
    evil = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + good.response.body.split("?>", 1)[1]
    wire.add("probe", "vc", 443, good.request, Response(200, (), evil))
    _, granted, _, refused = wire.history().events
    assert isinstance(granted, LeaseGranted)
    assert isinstance(refused, ExportRefused) and refused.outcome.kind == "unclear"


def test_order_is_only_claimed_where_it_is_certain():
    wire = Wire()
    first, second = wire.progress(), wire.progress(conn="another")
    history = wire.history()
    a, b = history.exchanges
    assert (first, second) == (a.id, b.id)
    assert not surely_before(a, b) and maybe_before(a, b) and maybe_before(b, a)
    wire.t = 1.0
    wire.progress(conn="third")
    c = wire.history().exchanges[-1]
    assert surely_before(a, c) and not maybe_before(c, a)


def test_numbers_are_given_once():
    wire = Wire()
    wire.export()
    with pytest.raises(ValueError, match="1 is there twice"):
        History.build([*wire.exchanges, *wire.exchanges])


def test_the_file_brings_back_the_same_history(tmp_path):
    wire = Wire()
    wire.declared = {"cell": {"url_expiry_s": 3600, "expired_status": 404}}
    wire.ready()
    wire.disk(vmdk())
    wire.listing(("transfer:1/disk.vmdk", 3))
    wire.complete(result=None)
    history = wire.history()
    write(history, tmp_path / "h.ndjson")
    again = read(tmp_path / "h.ndjson")
    assert again == history
    assert again.events == history.events
    assert dump(again) == dump(history)


TEXT = st.text(max_size=20)
HEX = st.text("0123456789abcdef", max_size=8)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
TIMES = st.floats(0, 1e9, allow_nan=False)
RESPONSES = st.builds(
    Response, st.integers(100, 599), PAIRS, st.none() | TEXT,
    st.none() | st.builds(BodyDigest, st.integers(0), HEX, HEX, HEX),
    st.sampled_from(["length", "chunked", "close", "none"]),
    st.sampled_from(["complete", "cut", "reset", "unanswered"]),
)  # fmt: skip
EXCHANGES = st.builds(
    Exchange, st.integers(0, 40), st.builds(Connection, TEXT, TEXT, st.integers(1, 65535), st.none() | TEXT),
    st.text(string.ascii_letters, min_size=1), TIMES, TIMES, TIMES,
    st.builds(Request, TEXT, TEXT, PAIRS, st.none() | TEXT), st.none() | RESPONSES, st.none() | TEXT,
)  # fmt: skip
LISTINGS = st.builds(
    Listing, st.integers(41, 80), TEXT, TIMES, st.lists(st.tuples(TEXT, st.integers(0)), max_size=3).map(tuple)
)


@given(
    st.lists(EXCHANGES, max_size=4, unique_by=lambda e: e.id), st.lists(LISTINGS, max_size=3, unique_by=lambda e: e.id)
)
def test_any_history_survives_its_file(exchanges, listings):
    history = History.build(exchanges, listings)
    assert load(dump(history).splitlines()) == history


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "the file is empty"),
        (['{"kind": "history", "v": 99}'], "version 99"),
        (['{"kind": "history", "v": 1}', '{"kind": "exchange"}'], "line 2"),
        (['{"kind": "history", "v": 1}', '{"kind": "opinion"}'], "opinion"),
        (["not json"], "line 1"),
        (["[1]"], "line 1"),
    ],
)
def test_what_is_no_history_says_so(lines, says):
    with pytest.raises(HistoryFormatError, match=says):
        load(lines)


def test_transfers_keep_their_session_by_reference():
    wire = Wire()
    wire.transfer("vm-52-disk-0.vmdk", b"x")
    got = only(wire.history(), FileTransferred)
    assert (got.session, got.file, got.size, got.whole) == ("transfer:1", "vm-52-disk-0.vmdk", 1, True)
