"""Servers that mean harm: nothing is written outside the target, nothing is kept, and the rule is named."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.host_by_hand import host
from exporter.test_export import VM, address, assert_unlocked, spec
from exporter.test_lease import calls
from twohop.exporter import (
    BadAddress,
    BadAnswer,
    BadStream,
    BytesMoved,
    Cancellation,
    DeviceFile,
    Event,
    ExportError,
    FileStarted,
    HostRefused,
    HostUnreachable,
    LeaseAgain,
    LeaseLost,
    Options,
    ShortStream,
    VSphere,
    _perform,
    export_vm,
    fetch,
)
from twohop.exporter._ova import OvaTarget
from twohop.exporter._target import DirectoryTarget
from twohop.exporter.package import read_descriptor
from twohop.exporter.transfer import Line, fetch_into
from twohop.exporter.transfer._dialling import dial, is_this_machine
from twohop.exporter.transfer._throttle import Bucket
from twohop.exporter.verify import verify_package
from twohop.exporter.vsphere import _session, _stub
from twohop.fakes import VCenter
from twohop.fakes.vmdk import SeededContent, stream
from twohop.runtime.observing import Observations


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter(world=spec(2, 1)) as running:
        yield running


def rewritten(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    """Let the lease's info be changed by a hostile server before the exporter reads it."""
    honest = _session.wait_until_ready

    def hostile(*args: Any) -> Any:
        info = honest(*args)
        change(info)
        return info

    monkeypatch.setattr(_session, "wait_until_ready", hostile)


def assert_refused(vc: VCenter, tmp_path: Path, error: type[ExportError], words: str) -> None:
    observations = Observations(vc.clock.now)
    with pytest.raises(error, match=words):
        export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock, observer=observations.observer("user"))
    assert list(tmp_path.iterdir()) == []
    assert calls(observations) == ["ExportVm", "HttpNfcLeaseAbort"]
    assert_unlocked(vc)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://127.0.0.1/x", "ftp://h/x", "//h/x", "/etc/passwd", "", "https:///x", "data:,x"],
)
def test_a_device_url_that_is_not_https(vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    rewritten(monkeypatch, lambda info: setattr(info.deviceUrl[0], "url", url))
    assert_refused(vc, tmp_path, BadAddress, "expected https://HOST")


def test_a_device_url_of_this_machine_where_the_server_is_another(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_session, "leads_here", lambda name, port: False)
    assert_refused(vc, tmp_path, BadAddress, "which is this machine")


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("::", True),
        ("::ffff:127.0.0.1", True),
        ("fe80::1%lo", False),
        ("10.0.0.1", False),
        ("2001:db8::1", False),
        ("no address", False),
    ],
)
def test_which_addresses_lead_to_this_machine(text: str, here: bool) -> None:
    assert is_this_machine(text) is here


NAMES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["../../etc/passwd", "..", "/etc/passwd", "C:\\windows\\x", "a\0b", "a\nb", "x" * 5000, "NUL", ""]),
    st.text(st.sampled_from("./\\:\0\r\n\u202e-~ "), max_size=30),
)


@given(st.lists(NAMES, max_size=6))
def test_whatever_a_server_calls_its_files_they_stay_in_the_directory(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    root = tmp_path_factory.mktemp("names")
    for target in (DirectoryTarget(root / "dir", suffix=".part"), OvaTarget(root / "x.ova", suffix=".part")):
        target.open()
        given_out = [target.claim(name, f"file-{number}") for number, name in enumerate(names, 1)]
        assert len({name.casefold() for name in given_out}) == len(names)
        for name in given_out:
            with target.sink(name) as sink:
                sink.write(b"x")
            assert (root / "dir" / name).resolve().parent == root / "dir"
        target.sync()
        target.publish()
    outside = {path.relative_to(root).parts[0] for path in root.rglob("*")}
    assert outside <= {"dir", "x.ova"}


@pytest.mark.parametrize("target", ["out", "vm.ova"])
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/cron.d/x",
        "C:\\windows\\x.vmdk",
        "a\u202eb\x7f.vmdk",
        "x" * 5000,
        "..",
        "NUL.vmdk",
        "-rf",
    ],
    ids=lambda name: name[:16],
)
def test_a_target_id_that_leads_elsewhere_names_a_file_in_the_package(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str
) -> None:
    def change(info: Any) -> None:
        for device in info.deviceUrl:
            device.targetId = name

    rewritten(monkeypatch, change)
    made = export_vm(address(vc), VM, tmp_path / "in" / target, clock=vc.clock)
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} == {target}
    for file in made.files:
        assert "/" not in file.name and "\\" not in file.name and len(file.name.encode()) <= 200
    assert len({file.name.casefold() for file in made.files}) == len(made.files)
    assert verify_package(tmp_path / "in" / target).sound
    assert_unlocked(vc)


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433", "0x7f.0.0.1", "0", "::1", "::ffff:127.0.0.1"])
def test_this_machine_by_any_name_is_not_dialled(name: str) -> None:
    try:
        socket.getaddrinfo(name, 443)
    except OSError:
        pytest.skip(f"{name} does not resolve here")
    with pytest.raises(BadAddress, match="which is this machine"):
        dial(name, 443, 5.0, lambda: None, loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://h:99999/x",
        "https://h:x/x",
        "https://[::1/x",
        "https://h\r\nX: y/x",
        "https://h%0d%0a/x",
        "https://h#/x@",
    ],
)
def test_a_device_url_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises((BadAddress, HostUnreachable)) as caught:
        fetch_into(DeviceFile("k", url, disk=True), Nowhere(), Line(None, Cancellation(), loopback=False))
    assert "\n" not in str(caught.value)


class Nowhere:
    """Takes bytes and keeps none."""

    seconds = 0.0

    def write(self, data: bytes) -> None:
        pass


def serve(pieces: Callable[[], Iterator[bytes]], status: str = "200 OK", **headers: str) -> Any:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start(status, list(headers.items()))
        return pieces()

    return app


def fetched(app: Any, tmp_path: Path, **changes: Any) -> Any:
    with host(app, tmp_path) as esx:
        return fetch_into(esx.entry(**changes), Nowhere(), Line(None, Cancellation()))


def test_a_stream_that_never_ends(tmp_path: Path) -> None:
    whole = b"".join(stream(SeededContent(capacity=64 << 20, data=1 << 20, seed=1), cid=1))

    def grains() -> Iterator[bytes]:
        # The header, and then one grain again and again.
        yield whole[: 128 * 512]
        grain = whole[128 * 512 : 128 * 512 + 70_000]
        yield from itertools.repeat(grain)

    with pytest.raises(BadStream, match="a grain in"):
        fetched(serve(grains), tmp_path, disk=True)
    with pytest.raises(BadStream, match=r"sent more than 100 bytes .* the lease declares 100"):
        fetched(serve(lambda: itertools.repeat(b"x" * 50)), tmp_path, disk=False, file_size=100)
    with pytest.raises(BadStream, match="nothing behind the end"):
        fetched(serve(lambda: iter([whole, b"more"])), tmp_path, disk=True)


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
def test_a_redirect_is_not_followed(tmp_path: Path, status: str) -> None:
    with pytest.raises(HostRefused, match="redirects are not followed"):
        fetched(serve(lambda: iter([b""]), status, Location="https://127.0.0.1/elsewhere"), tmp_path)


def test_an_answer_to_a_call_that_never_ends(vc: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stub, "LARGEST", 2000)
    with pytest.raises(BadAnswer, match="which no call of this API gives"), VSphere(address(vc)) as vsphere:
        vsphere.find(VM)


@pytest.mark.parametrize("foreign", ["RetrieveServiceContent", "CurrentTime"])
@pytest.mark.parametrize("call", ["ExportVm", "CreateDescriptor", "HttpNfcLeaseGetManifest"])
def test_an_answer_that_belongs_to_another_call(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, foreign: str
) -> None:
    """As in 10.9: the envelope is whole, and it is somebody else's."""
    swap(monkeypatch, FOREIGN[foreign], call)
    with pytest.raises(ExportError) as raised:
        export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock)
    assert list(tmp_path.iterdir()) == []
    assert ("may be locked until that lease times out" in str(raised.value)) == (call == "ExportVm")
    if call != "ExportVm":
        # Whoever is not told of a lease cannot end it.
        assert_unlocked(vc)


HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
    b"<soapenv:Body>"
)
TAIL = b"</soapenv:Body></soapenv:Envelope>"
FOREIGN = {
    "RetrieveServiceContent": HEAD
    + b'<RetrievePropertiesResponse xmlns="urn:vim25"><returnval><obj type="VirtualMachine">vm-1</obj></returnval>'
    + b"</RetrievePropertiesResponse>"
    + TAIL,
    "CurrentTime": HEAD
    + b'<CurrentTimeResponse xmlns="urn:vim25"><returnval>2026-01-01T00:00:00Z</returnval></CurrentTimeResponse>'
    + TAIL,
}


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)).encode()
BOMBS = {
    "a billion laughs": b'<!DOCTYPE a [<!ENTITY l0 "ha">' + LAUGHS + b"]>" + HEAD[38:] + b"<a>&l9;</a>" + TAIL,
    "an outer entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + HEAD[38:] + b"<a>&b;</a>" + TAIL,
    "10,000 elements deep": HEAD + b"<a>" * 10_000 + b"</a>" * 10_000 + TAIL,
    "a type that is none": HEAD + b'<xResponse><returnval xsi:type="Bogus"/></xResponse>' + TAIL,
    "a type that is no object": HEAD + b'<xResponse><returnval xsi:type="xsd:int">x</returnval></xResponse>' + TAIL,
    "a fault of nothing": HEAD + b"<soapenv:Fault><detail/></soapenv:Fault>" + TAIL,
    "a fault of no fault": HEAD
    + b'<soapenv:Fault><detail><xFault xsi:type="AboutInfo"/></detail></soapenv:Fault>'
    + TAIL,
    "half": HEAD,
    "zeros": bytes(10_000),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("call", ["RetrieveServiceContent", "ExportVm", "CreateDescriptor"])
def test_an_answer_that_no_server_means(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, bomb: str
) -> None:
    """Whatever an answer is, it ends in one of our errors, in bounded memory, and nothing is left."""
    swap(monkeypatch, BOMBS[bomb], call)
    tracemalloc.start()
    try:
        with pytest.raises(ExportError):
            export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert list(tmp_path.iterdir()) == []


def swap(monkeypatch: pytest.MonkeyPatch, foreign: bytes, call: str) -> None:
    """Let every answer to `call` be `foreign`."""

    honest_request = http.client.HTTPConnection.request
    honest_read = http.client.HTTPResponse.read
    asked = threading.local()

    def request(self: Any, method: str, url: str, body: Any = None, *more: Any, **named: Any) -> None:
        text = body.encode() if isinstance(body, str) else body or b""
        asked.call = f"<{call} ".encode() in text
        honest_request(self, method, url, body, *more, **named)

    def read(self: Any, amt: int | None = None) -> bytes:
        data = honest_read(self, amt)
        if getattr(asked, "call", False):
            if not data:
                return b""
            while honest_read(self, 1 << 16):
                pass
            asked.call = False
            return foreign
        return data

    monkeypatch.setattr(http.client.HTTPConnection, "request", request)
    monkeypatch.setattr(http.client.HTTPResponse, "read", read)


def test_a_complete_whose_answer_is_another_calls_is_looked_up(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PR 1019166 of 10.9: the lease is done, so the package is whole and stays."""
    swap(monkeypatch, b"<html>who are you?</html>", "HttpNfcLeaseComplete")
    observations = Observations(vc.clock.now)
    made = export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock, observer=observations.observer("user"))
    assert made.descriptor.exists()
    assert calls(observations).count("HttpNfcLeaseComplete") == 1
    assert_unlocked(vc)


def test_a_descriptor_is_never_opened_to_the_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    bomb = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><Envelope>&e;</Envelope>'
    with pytest.raises(ExportError, match="document type") as caught:
        read_descriptor(bomb.encode())
    assert "secret" not in str(caught.value)


# -- what a network does without meaning harm --------------------------------------------------------------------------


def cutting(times: int) -> Callable[[Event], None]:
    """End the first `times` transfers of the second disk as a cut does."""
    left = [times]

    def act(event: Event) -> None:
        if isinstance(event, BytesMoved) and left[0] and event.name.endswith("disk-1.vmdk"):
            left[0] -= 1
            raise ShortStream("cut")

    return act


@pytest.mark.parametrize("target", ["out", "vm.ova"])
@pytest.mark.parametrize(("cuts", "leases"), [(1, 2), (2, 3), (2, 5)])
def test_after_a_cut_everything_comes_under_another_lease(
    vc: VCenter, tmp_path: Path, target: str, cuts: int, leases: int
) -> None:
    events: list[Event] = []
    act = cutting(cuts)

    def listen(event: Event) -> None:
        events.append(event)
        act(event)

    observations = Observations(vc.clock.now)
    export_vm(
        address(vc), VM, tmp_path / target, clock=vc.clock, events=listen, options=Options(leases=leases, pause=0),
        observer=observations.observer("user"),
    )  # fmt: skip
    said = [name for name in calls(observations) if name != "HttpNfcLeaseProgress"]
    assert said == ["ExportVm", "HttpNfcLeaseAbort"] * cuts + ["ExportVm", "HttpNfcLeaseComplete"]
    assert [(event.attempt, event.of) for event in events if isinstance(event, LeaseAgain)] == [
        (number, leases) for number in range(2, cuts + 2)
    ]
    assert len({event.host for event in events if isinstance(event, FileStarted)}) == 1
    assert_unlocked(vc)


def test_a_lease_that_times_out_is_asked_for_again(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_perform._HeldHere, "start", lambda self, clock, events: None)
    late = [True]

    def listen(event: Event) -> None:
        if isinstance(event, BytesMoved) and late.pop() if late else False:
            vc.clock.advance(301)

    made = export_vm(address(vc), VM, tmp_path, clock=vc.clock, events=listen, options=Options(leases=2, pause=0))
    assert made.descriptor.exists() and len(vc.world.tasks()) == 2


@pytest.mark.parametrize("at_once", [2, 5])
def test_disks_side_by_side(tmp_path: Path, at_once: int) -> None:
    with VCenter(world=spec(2, 3, 1)) as vc:
        made = export_vm(address(vc), VM, tmp_path / "a", clock=vc.clock, options=Options(at_once=at_once))
        assert [file.name for file in made.files] == [f"{VM}-disk-{number}.vmdk" for number in range(3)]

        def refuse(event: Event) -> None:
            if isinstance(event, BytesMoved) and event.name.endswith("disk-1.vmdk"):
                raise LeaseLost("gone", whose="you")

        with pytest.raises(LeaseLost):
            export_vm(
                address(vc), VM, tmp_path / "b", clock=vc.clock, events=refuse,
                options=Options(at_once=at_once, leases=1),
            )  # fmt: skip
        assert not (tmp_path / "b").exists()
        assert_unlocked(vc)


@given(
    st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0, 0.2)), min_size=1, max_size=200), st.integers(1, 1 << 24)
)
def test_no_more_comes_than_the_rate_allows(pieces: list[tuple[int, float]], rate: int) -> None:
    bucket, now, total = Bucket(rate), 1000.0, 0
    for size, pause in pieces:
        now += pause
        total += size
        now += bucket.take(size, now)
        # What came is at most what the time allows, and a quarter of a second's worth.
        assert total <= rate * (now - 1000.0 + 0.25) * 1.000001 + 1


def test_a_slow_rate_can_be_cancelled(vc: VCenter, tmp_path: Path) -> None:
    stop = Cancellation()

    def listen(event: Event) -> None:
        if isinstance(event, BytesMoved):
            stop.cancel()

    with pytest.raises(ExportError):
        export_vm(
            address(vc), VM, tmp_path / "out", clock=vc.clock, events=listen, cancelled=stop, options=Options(rate=1.0)
        )
    assert_unlocked(vc)


def test_one_file_alone_is_fetched_as_before(tmp_path: Path) -> None:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start("200 OK", [])
        return [b"abc"]

    with host(app, tmp_path) as esx:
        got = fetch(DeviceFile("k", esx.entry().url, None, False, 3, esx.thumbprint), tmp_path / "f")
    assert (got.size, got.digests["SHA256"], got.sha256) == (3, got.sha256, got.digests["SHA256"])
