"""Every server there is, once for all tests here."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cell.http import Http, links
from cell.support import MadeUpSource
from hostile.attacker import Site, get, post
from soap_wire import SOAP, VIM, Wire, ref
from twohop.exporter.cell import Cell
from twohop.runtime import Clock
from twohop.runtime.serving import Patience
from vcenters import START, make, small_world

SITES = ["vcenter", "esxi", "host", "cell", "transfer"]
PATIENT = Patience()
CALL = (
    f'<e:Envelope xmlns:e="{SOAP}"><e:Body><RetrieveServiceContent xmlns="{VIM}">'
    f"{ref('_this', 'ServiceInstance', 'ServiceInstance')}</RetrieveServiceContent></e:Body></e:Envelope>"
).encode()


def _vsphere(name: str, server: Any) -> Site:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    return Site(
        name, server._server, context, post("/sdk", CALL), lambda answer: b"RetrieveServiceContentResponse" in answer,
        f"{server.user}:{server.password}",
    )  # fmt: skip


def _lease(vc: Any, client: Wire) -> str:
    (moid,) = client.call("ExportVm", "VirtualMachine", client.moid("Vm", "VM0")).texts("returnval")
    while client.fetch("HttpNfcLease", moid, "state").texts("returnval") != ["ready"]:
        pass
    return client.fetch("HttpNfcLease", moid, "info").texts("url")[0]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """The sites by name; no longer than a module, since other rooms count the servers that are left."""
    with ExitStack() as stack:
        vc = stack.enter_context(make(world=small_world(vms=2, hosts=1)))
        esxi = stack.enter_context(make("esxi-8.0", world=small_world(vms=1)))
        with Wire(vc) as client:
            url = _lease(vc, client.login())
        (host,) = vc.hosts.values()
        context = ssl.create_default_context(cafile=str(vc.ca_file))
        path = url.removeprefix(host.url).encode()
        cell = stack.enter_context(
            Cell(
                None, transfer_dir=tmp_path_factory.mktemp("transfer"), clock=Clock(start=START), source=MadeUpSource()
            )
        )
        with Http(cell) as http:
            http.log_in()
            http.enable()
            link = links(http.vapp())["download:default"].removeprefix(cell.url).encode()
        trust = ssl.create_default_context(cafile=str(cell.ca_file))
        versions = get(b"/api/versions")
        yield {
            "vcenter": _vsphere("vcenter", vc),
            "esxi": _vsphere("esxi", esxi),
            "host": Site("host", host, context, get(path), lambda answer: b"KDMV" in answer),
            "cell": Site(
                "cell",
                cell._running(),
                trust,
                versions,
                lambda answer: b"SupportedVersions" in answer,
                home=str(cell.transfer_dir),
            ),
            "transfer": Site("transfer", cell._running(), trust, get(link), lambda answer: b"<Envelope" in answer),
        }


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Iterator[Site]:
    """Each site in turn; it has to serve behind every test as before it."""
    found: Site = sites[request.param]
    yield found
    found.server.patience = PATIENT
    found.check()


def folder(path: Path) -> set[Path]:
    """Everything below a folder."""
    return set(path.rglob("*"))
