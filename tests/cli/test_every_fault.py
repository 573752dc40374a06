"""One plan with every kind of fault, from Python, from a YAML file and by the control port: the same on the wire."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
import yaml
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from twohop.fakes import VCenter
from twohop.fakes.vim._planned import KINDS
from waiting import LONG, until

VM = "DC0_C0_RP0_VM0"
PAGE = "/sdk/vimServiceVersions.xml"
HOSTS = [f"DC0_C0_H{number}" for number in range(6)]


def rule(kind: str, match: dict[str, Any], **args: Any) -> dict[str, Any]:
    return {"match": match, "action": {"kind": kind, "args": args}}


def page(nth: int) -> dict[str, Any]:
    return {"server": "vcenter", "path": PAGE, "nth": nth}


# A rule counts what it sees, so that each strikes the page once, one after the other.
PLAN = [
    rule("refuse", {"server": HOSTS[5]}),
    rule("silent", {"server": HOSTS[1], "nth": 1}, seconds=60),
    rule("cut", {"server": HOSTS[2], "nth": 1}),
    rule("reset", {"server": HOSTS[3], "nth": 1}),
    rule("wrong-certificate", {"server": HOSTS[4], "nth": 1}),
    rule("expired-certificate", {"server": HOSTS[0], "nth": 1}),
    rule("cut-upload", {"path": "/sdk", "verb": "POST", "nth": 1}, after=10),
    rule("silent", page(2), seconds=60),
    rule("stall", page(3), seconds=60, after=100),
    rule("slow", page(4), seconds=60),
    rule("trickle", page(5), bytes=64, seconds=1),
    rule("cut", page(6), after=100),
    rule("reset", page(7), after=100),
    rule("empty", page(8)),
    rule("short", page(9), less=10),
    rule("status", page(10), status=503),
    rule("fault", {"method": "CurrentTime", "nth": 2}, type="TaskInProgress"),
    rule("slow", {"method": "CreateDescriptor", "nth": 1}, seconds=60),
    rule("slow-initialising", {"lease": 1}, reads=12),
    rule("missing", {"type": "HttpNfcLease", "property": "info", "method": "Fetch", "nth": 1}),
    rule("cut", {"lease": 1, "file": "disk-0.vmdk", "nth": 1}, after=70_000, final=True),
    rule("cut", {"lease": 1, "file": "disk-0.vmdk", "nth": 2}, after=70_000),
    rule("foreign", {"method": "HttpNfcLeaseComplete", "nth": 1}),
    rule("failed-initialising", {"lease": 2}, type="FileFault"),
]


class Door:
    """Servers that a plan was given to, and how their clock is moved and their plan is looked at."""

    def __init__(
        self, given: dict[str, Any], advance: Callable[[float], object], report: Callable[[], list[Any]]
    ) -> None:
        self.url, self.user, self.password, self.ca_file = (given[n] for n in ("url", "user", "password", "ca_file"))
        self.hosts: dict[str, str] = given["hosts"]
        self.advance, self.report = advance, report
        self.context = ssl.create_default_context(cafile=str(self.ca_file))

    def plain(self, url: str) -> socket.socket:
        where = urlsplit(url)
        return socket.create_connection((str(where.hostname), int(where.port or 443)), LONG)

    @contextlib.contextmanager
    def connected(self, url: str) -> Iterator[ssl.SSLSocket]:
        with self.plain(url) as raw, self.context.wrap_socket(raw, server_hostname="127.0.0.1") as secured:
            yield secured

    def ask(self, method: str = "GET", path: str = PAGE, body: bytes = b"") -> tuple[bytes, bytes]:
        """The head and the body of an answer, up to the end that the connection has, whichever."""
        came = b""
        with self.connected(self.url) as secured, contextlib.suppress(ConnectionError, ssl.SSLError):
            head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            secured.sendall(head.encode() + body)
            while piece := secured.recv(65536):
                came += piece
        return came.partition(b"\r\n\r\n")[0], came.partition(b"\r\n\r\n")[2]

    def meanwhile(self, number: int, seconds: float, what: Callable[[], Any]) -> Any:
        """Do what a rule holds up; nothing comes of it before the clock has moved so far."""
        done: list[Any] = []
        thread = threading.Thread(target=lambda: done.append(what()))
        thread.start()
        until(lambda: self.report()[number]["waited"], "nothing waits")
        assert not done
        self.advance(seconds)
        thread.join(LONG)
        return done[0]


@contextlib.contextmanager
def from_python(serve: Any, folder: Path) -> Iterator[Door]:
    with VCenter(hosts=6, faults=PLAN) as vc:
        given = {name: getattr(vc, name) for name in ("url", "user", "password", "ca_file")}
        yield Door(given | {"hosts": {n: h.url for n, h in vc.hosts.items()}}, vc.clock.advance, vc.faults.report)


@contextlib.contextmanager
def from_a_file(serve: Any, folder: Path) -> Iterator[Door]:
    file = folder / "faults.yaml"
    file.write_text(yaml.safe_dump({"twohop": 1, "faults": PLAN}))
    yield _served(serve("--hosts", "6", "--faults", file))


@contextlib.contextmanager
def by_the_control_port(serve: Any, folder: Path) -> Iterator[Door]:
    served = serve("--hosts", "6")
    door = _served(served)
    answer = _control(served, "POST", "/v1/faults", {"faults": PLAN})
    assert len(answer["ids"]) == len(PLAN)
    yield door


def _control(served: Any, method: str, path: str, body: Any = None) -> Any:
    url = served.environment["TWOHOP_CONTROL_URL"] + path
    answer = urllib3.request(method, url, **({} if body is None else {"json": body}))
    assert answer.status in (200, 201), answer.data
    return json.loads(answer.data)


def _served(served: Any) -> Door:
    names = {"url": "VCENTER_URL", "user": "USER", "password": "PASSWORD", "ca_file": "CA_FILE"}
    given = {name: served.environment[f"TWOHOP_{value}"] for name, value in names.items()}
    hosts = _control(served, "GET", "/v1/about")["vcenter"]["hosts"]
    return Door(
        given | {"hosts": hosts},
        lambda seconds: _control(served, "POST", "/v1/clock/advance", {"seconds": seconds}),
        lambda: list(_control(served, "GET", "/v1/faults")["faults"]),
    )


def test_the_plan_has_every_kind() -> None:
    assert {each["action"]["kind"] for each in PLAN} == set(KINDS)


@pytest.mark.parametrize("open_door", [from_python, from_a_file, by_the_control_port])
def test_every_fault_by_every_door(open_door: Any, serve: Any, tmp_path: Path) -> None:
    with open_door(serve, tmp_path) as door:
        connections(door)
        page_of(door)
        calls(door)
        assert [(each["action"]["kind"], each["struck"]) for each in door.report()] == [
            (each["action"]["kind"], 1) for each in PLAN
        ]


def connections(door: Door) -> None:
    with pytest.raises(ConnectionRefusedError):
        door.plain(door.hosts[HOSTS[5]])
    with door.plain(door.hosts[HOSTS[1]]) as raw:
        assert door.meanwhile(1, 60, lambda: raw.recv(1)) == b""
    for number, error, words in (
        (2, (ssl.SSLError, ConnectionError), None), (3, ConnectionResetError, None),
        (4, ssl.SSLCertVerificationError, "unable to get local issuer|self.signed"),
        (0, ssl.SSLCertVerificationError, "expired"),
    ):  # fmt: skip
        with pytest.raises(error, match=words), door.connected(door.hosts[HOSTS[number]]):
            pass
        with door.connected(door.hosts[HOSTS[number]]):
            pass


def page_of(door: Door) -> None:
    assert door.ask("POST", "/sdk", b"x" * 1000) == (b"", b"")
    head, whole = door.ask()
    assert head.startswith(b"HTTP/1.1 200") and len(whole) > 200
    assert door.meanwhile(7, 60, door.ask) == (b"", b"")
    for number, seconds in ((8, 60), (9, 60), (10, len(whole))):
        assert door.meanwhile(number, seconds, door.ask)[1] == whole
    for _ in ("cut", "reset"):
        head, body = door.ask()
        assert f"Content-Length: {len(whole)}".encode() in head and body == whole[:100]
    head, body = door.ask()
    assert head.startswith(b"HTTP/1.1 200") and b"Content-Length: 0" in head and body == b""
    head, body = door.ask()
    assert f"Content-Length: {len(whole) - 10}".encode() in head and body == whole[:-10]
    assert door.ask()[0].startswith(b"HTTP/1.1 503")
    assert door.ask()[1] == whole


def calls(door: Door) -> None:
    with Plain(door) as me:
        me.si.CurrentTime()
        with pytest.raises(vim.fault.TaskInProgress):
            me.si.CurrentTime()
        me.si.CurrentTime()
        vm, params = me.vm(VM), vim.OvfManager.CreateDescriptorParams()
        made = door.meanwhile(17, 60, lambda: me.content.ovfManager.CreateDescriptor(vm, params))
        assert "<Envelope" in made.ovfDescriptor
        lease = vm.ExportVm()
        assert [lease.state for _ in range(13)] == ["initializing"] * 12 + ["ready"]
        assert lease.info is None
        url = next(entry.url for entry in lease.info.deviceUrl if entry.disk)
        short = me.pool.request("GET", url)
        assert (short.status, len(short.data)) == (200, 70_000)
        came = b""
        me.pool.clear()
        with pytest.raises(urllib3.exceptions.ProtocolError):
            for piece in me.pool.request("GET", url, preload_content=False).stream(1000):
                came += piece
        assert came == short.data and len(me.get(url).data) > 70_000
        with pytest.raises(Exception) as caught:
            lease.HttpNfcLeaseComplete()
        assert not isinstance(caught.value, vmodl.MethodFault) and lease.state == "done"
        lease = vm.ExportVm()
        assert [lease.state, lease.state] == ["initializing", "error"]
        assert isinstance(lease.error, vim.fault.FileFault)
