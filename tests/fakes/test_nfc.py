"""What a host answers under /nfc (section 6)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
import urllib3

from soap_wire import Wire
from twohop.fakes import VCenter
from twohop.fakes.nfc import _app as nfc_app
from twohop.runtime.profiles import load_profile
from vcenters import make, small_world


class Leased:
    """A ready lease on VM0 and a pool that trusts the run's authority."""

    def __init__(self, vc: VCenter, user: Wire, vm: str = "VM0") -> None:
        self.vc, self.user = vc, user
        (self.moid,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", vm)).texts("returnval")
        while user.fetch("HttpNfcLease", self.moid, "state").texts("returnval") != ["ready"]:
            pass
        self.urls = user.fetch("HttpNfcLease", self.moid, "info").texts("url")
        self.url = self.urls[0]
        self.base, self.ticket, self.name = self.url.rsplit("/", 3)[0], *self.url.rsplit("/", 2)[1:]
        self.path = f"/nfc/{self.ticket}/{self.name}"
        self.root = self.base.removesuffix("/nfc")

    def raw(self, target: str, method: str = "GET", headers: str = "") -> tuple[int, bytes]:
        """Send a request target as it is; return the status and everything that came."""
        host, _, port = self.root.removeprefix("https://").partition(":")
        context = ssl.create_default_context(cafile=str(self.vc.ca_file))
        plain = socket.create_connection((host, int(port)), 30)
        with context.wrap_socket(plain, server_hostname=host) as tls:
            request = f"{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n"
            tls.sendall(request.encode("latin-1"))
            data = b""
            while piece := tls.recv(65536):
                data += piece
        return int(data.split(b" ", 2)[1]), data


@pytest.fixture
def lease(vc: VCenter, user: Wire) -> Leased:
    return Leased(vc, user)


@pytest.fixture
def pool(vc: VCenter) -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(ca_certs=str(vc.ca_file), retries=False, timeout=30) as pool:
        yield pool


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": 'vmware_soap_session="0123456789abcdef0123456789abcdef01234567"'},
        {"Cookie": 'vmware_soap_session="x"; Path=/; HttpOnly; Secure;'},
        {"Cookie": "\xff\xfe;;=", "Accept": "application/x-vnd.vmware-streamVmdk"},
        {"Content-Type": "application/octet-stream", "Expect": "100-continue", "Cookie": "a=b"},
    ],
)
def test_the_ticket_suffices_whatever_else_is_sent(
    lease: Leased, pool: urllib3.PoolManager, headers: dict[str, str]
) -> None:
    answer = pool.request("GET", lease.url, headers=headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-vnd.vmware-streamVmdk"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert answer.data.startswith(b"KDMV")
    assert len(answer.data) > 68096


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "BREW"])
def test_methods_that_a_device_url_does_not_serve(lease: Leased, method: str) -> None:
    status, data = lease.raw(lease.path, method)
    assert status == 405
    assert data.endswith(b"\r\n\r\n")


TRICKS = [
    "/nfc/{t}/../{t}/{n}", "/nfc/{t}/./{n}", "/nfc//{t}/{n}", "//nfc/{t}/{n}", "/nfc/{t}//{n}", "/nfc/{t}/{n}/",
    "/nfc%2F{t}%2F{n}", "/nfc/{t}%2f{n}", "/%6efc/{t}/{n}", "/nfc/{t}/{n}%00",
    "/nfc/{t}/{n};x",
    "/nfc/{u}/{n}", "/NFC/{t}/{n}", "/nfc/{t}/", "/nfc/{t}", "/nfc/", "/nfc", "/", "/ha-nfc/{t}/{n}",
    "/nfc/{{{t}}}/{n}",
    "/nfc/{t}/disk-1.vmdk", "/nfc/{t}/DISK-0.VMDK", "/nfc/{t}/..%2f..%2fetc%2fpasswd", "/nfc/{t}/{n}%0a", "/sdk",
    "/nfc/{s}/{n}", "/nfc/{t}x/{n}", "/nfc/00000000-0000-0000-0000-000000000000/{n}", "/folder/{t}/{n}",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_any_other_path_opens_nothing(lease: Leased, trick: str) -> None:
    t = lease.ticket
    target = trick.format(t=t, n=lease.name, u=t.upper(), s=t.replace("-", ""))
    status, data = lease.raw(target)
    assert status == 404
    assert b"KDMV" not in data
    assert lease.ticket not in lease.vc.journal.ndjson()
    assert lease.ticket.upper() not in lease.vc.journal.ndjson()


@pytest.mark.parametrize("name", ["%64isk-0.vmdk", "disk%2D0%2evmdk", "disk-0.vmd%6B"])
def test_a_file_s_name_may_be_escaped_where_it_need_not_be(lease: Leased, name: str) -> None:
    status, data = lease.raw(f"/nfc/{lease.ticket}/{name}")
    assert (status, b"KDMV" in data) == (200, True)
    assert lease.ticket not in lease.vc.journal.ndjson()


def test_a_ticket_opens_nothing_at_another_host_or_at_vcenter(lease: Leased, pool: urllib3.PoolManager) -> None:
    mine = lease.root
    others = [server.url for server in lease.vc.hosts.values() if server.url != mine]
    assert others
    for other in (*others, lease.vc.url):
        assert pool.request("GET", other + lease.path).status == 404
    assert pool.request("GET", mine + lease.path).status == 200


def test_a_range_is_ignored_since_nothing_resumes_here(lease: Leased, pool: urllib3.PoolManager) -> None:
    whole = pool.request("GET", lease.url).data
    answer = pool.request("GET", lease.url, headers={"Range": "bytes=100-200"})
    assert (answer.status, answer.data) == (200, whole)


def test_a_disk_of_any_size_is_sent_at_constant_memory(vc: VCenter) -> None:
    from twohop.fakes.machines import LeaseState
    from twohop.fakes.nfc._stream import send
    from twohop.fakes.vmdk import SeededContent
    from twohop.fakes.world import DeviceFile, Disk

    vm = vc.world.vm("VM0")
    (given,) = vm.disks

    def peak(data: int) -> int:
        disk: Disk = replace(given, content=SeededContent(8 << 30, data, 3))
        file = DeviceFile(key="k", name="disk-0.vmdk", host=vm.host, ticket="t", source=disk, cid=1)

        class Lease:
            import threading

            ended = threading.Event()
            state = LeaseState.READY
            value = type("V", (), {"transfer_renews": False, "require_transfer": 0})()

        for _ in send(vc.world, Lease(), file):  # type: ignore[arg-type]  # make the pool first
            break
        tracemalloc.start()
        sent = sum(len(piece) for piece in send(vc.world, Lease(), file))  # type: ignore[arg-type]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sent > data // 20
        return most

    peak(8 << 20)
    small, large = peak(16 << 20), peak(96 << 20)
    assert large < small + (2 << 20), f"{small} bytes for 16 MiB, {large} for 96 MiB"


@pytest.mark.parametrize("limit", [1, 3])
def test_one_more_stream_than_a_host_serves_is_turned_away_until_one_ends(limit: int) -> None:
    big = small_world()
    big["datacenters"][0]["vms"][0]["disks"] = [{"size": "256 MiB", "data": "64 MiB"}]
    profile = load_profile("vcenter-8.0", {"nfc_connections": limit})
    with make(profile=profile, world=big) as vc, Wire(vc).login() as user:
        lease = Leased(vc, user)
        with urllib3.PoolManager(ca_certs=str(vc.ca_file), retries=False, maxsize=5, timeout=30) as pool:
            held = [pool.request("GET", lease.url, preload_content=False) for _ in range(limit)]
            # What is read shows that the stream is under way; it is longer than what the sockets between hold.
            assert all(answer.read(100).startswith(b"KDMV") for answer in held)
            full = pool.request("GET", lease.url)
            assert (full.status, full.data) == (503, b"")
            held.pop().close()
            while (again := pool.request("GET", lease.url, preload_content=False)).status == 503:
                again.drain_conn()
            for answer in (*held, again):
                answer.close()
    ends = {e["end"] for e in vc.journal.entries(kind="exchange") if e["server"] == "H0"}
    assert "client gone" in ends


@pytest.mark.parametrize(("at_end", "end"), [("cut", "cut"), ("reset", "reset"), ("finish", None)])
def test_a_stream_that_nobody_reads_ends_with_its_lease(
    monkeypatch: pytest.MonkeyPatch, at_end: str, end: str | None
) -> None:
    blocked, look = threading.Event(), nfc_app.cut_if_ended
    monkeypatch.setattr(nfc_app, "cut_if_ended", lambda *a: (blocked.set(), look(*a)))
    big = small_world()
    big["datacenters"][0]["vms"][0]["disks"] = [{"size": "256 MiB", "data": "64 MiB"}]
    profile = load_profile("vcenter-8.0", {"stream_at_end_of_lease": at_end})
    with make(profile=profile, world=big) as vc, Wire(vc).login() as user:
        lease = Leased(vc, user)
        (server,) = vc.hosts.values()
        with urllib3.PoolManager(ca_certs=str(vc.ca_file), retries=False, timeout=30) as pool:
            held = pool.request("GET", lease.url, preload_content=False)
            pieces = held.stream(1 << 16)
            first = next(pieces)
            assert blocked.wait(30), "the host has not noticed that nobody reads"
            user.call("HttpNfcLeaseAbort", "HttpNfcLease", lease.moid)
            if end is None:
                assert len(first) + sum(len(piece) for piece in pieces) > 20 << 20
                end = "complete"
            else:
                until = time.monotonic() + 30
                while server.connections and time.monotonic() < until:
                    pass
                assert server.connections == 0
            held.close()
    (entry,) = (e for e in vc.journal.entries(kind="exchange") if e["server"] == server.name)
    assert (entry["end"], entry["status"]) == (end, 200)


def test_an_error_before_a_stream_takes_no_place_at_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load_profile("vcenter-8.0", {"nfc_connections": 1, "nfc_framing": "length"})
    errors: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_type))
    with make(profile=profile) as vc, Wire(vc).login() as user:
        lease = Leased(vc, user)
        with (
            urllib3.PoolManager(ca_certs=str(vc.ca_file), retries=False, timeout=30) as pool,
            monkeypatch.context() as broken,
        ):
            broken.setattr(nfc_app, "size_of", lambda file: 1 // 0)
            assert pool.request("GET", lease.url).status == 500
            broken.undo()
            assert pool.request("GET", lease.url).status == 200
    assert errors == [ZeroDivisionError]


def test_vcenter_and_its_hosts_are_on_loopback_unless_told_otherwise(vc: VCenter) -> None:
    servers = [vc._server, *vc.hosts.values()]
    assert len(servers) == 3
    for server in servers:
        assert server._listener is not None
        assert server._listener.getsockname()[0] == "127.0.0.1"
