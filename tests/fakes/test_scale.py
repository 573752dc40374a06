"""Much at once: leases, connections, streams. What it takes is measured in bench/; here it only has to work."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from soap_wire import Wire, objects, props
from twohop.fakes.machines import LeaseState
from vcenters import make

LONG = 60.0
LEASES, IDLE, STREAMS = 1000, 500, 20


@pytest.fixture
def threads() -> Iterator[None]:
    """Whatever a test starts has ended when it is over."""
    before = set(threading.enumerate())
    files = set(_sockets())
    yield
    assert set(threading.enumerate()) <= before
    assert set(_sockets()) <= files


def _sockets() -> list[str]:
    folder = Path("/proc/self/fd")
    links = list(folder.iterdir()) if folder.is_dir() else []
    found = []
    for link in links:
        with contextlib.suppress(OSError):
            name = str(link.readlink())
            found += [name] if name.startswith("socket:") else []
    return found


def world(vms: int, data: str = "64 KiB") -> dict[str, Any]:
    """A host with machines that are off."""
    machines = [{"name": f"VM{n}", "disks": [{"size": "1 GiB", "data": data}]} for n in range(vms)]
    return {"datacenters": [{"name": "DC0", "hosts": ["H0"], "vms": machines}]}


def connect(url: str, trust: Any) -> ssl.SSLSocket:
    """A client that has done its handshake."""
    where = urlsplit(url)
    raw = socket.create_connection((where.hostname, where.port), timeout=LONG)
    return ssl.create_default_context(cafile=str(trust.ca_file)).wrap_socket(raw, server_hostname=where.hostname)


def status(url: str, trust: Any, path: str) -> str:
    """The status of the answer to a new client."""
    with connect(url, trust) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        return client.recv(4096).decode("latin-1").split(" ")[1]


@pytest.mark.usefixtures("threads")
def test_a_thousand_leases_live_at_once() -> None:
    with make(world=world(LEASES)) as vcenter, Wire(vcenter) as wire:
        wire.login()
        leases = []
        for vm in vcenter.world.vms():
            (moid,) = wire.call("ExportVm", "VirtualMachine", vm.moid).texts("returnval")
            leases.append(moid)
        for moid in leases:
            wire.fetch("HttpNfcLease", moid, "state")
        asked = "".join(objects("HttpNfcLease", moid) for moid in leases)
        answer = wire.retrieve(props("HttpNfcLease", "state", "info") + asked)
        assert answer.data.count(b">ready<") == LEASES
        tickets = set(re.findall(r"/nfc/([^/]*)/", answer.data.decode()))
        assert len(tickets) == LEASES
        assert all(len(vm.leases) == 1 for vm in vcenter.world.vms())
        for moid in leases[::2]:
            assert wire.call("HttpNfcLeaseComplete", "HttpNfcLease", moid).fault is None
        assert sum(lease.state is LeaseState.READY for lease in vcenter.world.leases()) == LEASES // 2
        # Nobody renews the others.
        vcenter.clock.advance(301)
        assert not any(lease.state.held for lease in vcenter.world.leases())
        assert not any(vm.leases for vm in vcenter.world.vms())


@pytest.mark.usefixtures("threads")
def test_idle_and_silent_clients_keep_nobody_waiting() -> None:
    with make(world=world(1)) as vcenter, contextlib.ExitStack() as stack:
        (host,) = vcenter.hosts.values()
        for url in (vcenter.url, host.url):
            where = urlsplit(url)
            stack.enter_context(socket.create_connection((where.hostname, where.port), timeout=LONG))
        for _ in range(IDLE):
            stack.enter_context(connect(vcenter.url, vcenter))
        assert status(vcenter.url, vcenter, "/sdk/vimServiceVersions.xml") == "200"
        assert status(host.url, vcenter, "/nothing") == "404"
        with Wire(vcenter) as wire:
            assert wire.login().fetch("VirtualMachine", vcenter.world.vms()[0].moid, "name").texts("returnval") == [
                "VM0"
            ]
        vcenter.stop()
        assert host.connections == vcenter._server.connections == 0


@pytest.mark.usefixtures("threads")
def test_slow_streams_keep_nobody_waiting() -> None:
    with make(world=world(1, data="256 MiB")) as vcenter, contextlib.ExitStack() as stack, Wire(vcenter) as wire:
        wire.login()
        vm = vcenter.world.vms()[0]
        (moid,) = wire.call("ExportVm", "VirtualMachine", vm.moid).texts("returnval")
        for _ in range(2):
            wire.fetch("HttpNfcLease", moid, "state")
        url = re.findall(r"<url>(https://[^<]*\.vmdk)</url>", wire.fetch("HttpNfcLease", moid, "info").data.decode())[0]
        streams = []
        for _ in range(STREAMS):
            stream = stack.enter_context(connect(url, vcenter))
            stream.sendall(f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            assert stream.recv(1024).startswith(b"HTTP/1.1 200")
            streams.append(stream)
        assert status(url, vcenter, "/nothing") == "404"
        assert wire.fetch("VirtualMachine", vm.moid, "name").texts("returnval") == ["VM0"]
        # Each goes on as fast as it is taken from.
        for stream in streams:
            assert stream.recv(16384)
        (host,) = vcenter.hosts.values()
        assert host.connections >= STREAMS
        vcenter.stop()
        assert host.connections == 0


@pytest.mark.usefixtures("threads")
def test_a_view_over_many_machines_tells_of_each() -> None:
    with make(world=world(2000)) as vcenter, Wire(vcenter) as wire:
        wire.login()
        arguments = (
            '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>'
        )
        (view,) = wire.call("CreateContainerView", "ViewManager", "ViewManager", arguments).texts("returnval")
        answer = wire.retrieve(
            "<propSet><type>VirtualMachine</type><pathSet>name</pathSet><pathSet>runtime.powerState</pathSet></propSet>"
            f'<objectSet><obj type="ContainerView">{view}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec">'
            "<name>v</name><type>ContainerView</type><path>view</path></selectSet></objectSet>"
        )
        values = answer.texts("val")
        assert sorted(values[::2]) == sorted(f"VM{n}" for n in range(2000))
        assert values[1::2] == ["poweredOff"] * 2000
