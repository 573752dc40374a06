"""Where an import goes, what the server makes of a descriptor, and the lease for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from .._errors import Ambiguous, BadAnswer, NotFound, Refused
from .._shield import shielded
from ._faults import asked_once, explained, said
from ._inventory import find, plain_name, read
from ._lease import Grant

if TYPE_CHECKING:
    from ._session import VSphere


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where to import to, by names or inventory paths; what is None is chosen where there is one choice.

    `pool` may name a resource pool, a vApp, a cluster or a host. `networks` are those of the package by name, with
    those of the server that take their places.
    """

    pool: str | None = None
    folder: str | None = None
    datastore: str | None = None
    host: str | None = None
    networks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to import to: the server's objects, and their names for people."""

    pool: Any
    folder: Any
    datastore: Any
    host: Any
    networks: Mapping[str, Any]
    shown: Mapping[str, str]


def place(vsphere: VSphere, wanted: Wanted) -> Place:
    """Find what `wanted` names; raise NotFound and Ambiguous, which say what to give."""
    content = vsphere._content
    with explained("look up where to import to", vsphere.address.authority):
        host = find(content, (vim.HostSystem,), "host", wanted.host) if wanted.host else None
        pool = _pool(content, wanted, host)
        compute = read(content, pool, "owner")["owner"]
        store = _store(content, wanted, host or compute)
        folder = None if isinstance(pool, vim.VirtualApp) else _folder(content, wanted, pool)
        networks = {
            name: find(content, (vim.Network,), "network", other) for name, other in sorted(wanted.networks.items())
        }
        shown = {
            what: plain_name(str(read(content, ref, "name").get("name", ref._moId)))
            for what, ref in (("pool", pool), ("folder", folder), ("datastore", store), ("host", host))
            if ref is not None
        }
    return Place(pool, folder, store, host, networks, shown)


def _pool(content: Any, wanted: Wanted, host: Any) -> Any:
    if wanted.pool:
        found = find(content, (vim.ResourcePool, vim.ComputeResource), "resource pool or cluster", wanted.pool)
        return read(content, found, "resourcePool")["resourcePool"] if isinstance(found, vim.ComputeResource) else found
    if host is not None:
        parent = read(content, host, "parent")["parent"]
        return read(content, parent, "resourcePool")["resourcePool"]
    computes = _every(content, vim.ComputeResource)
    only = _one(content, computes, "cluster or host", "--pool")
    return read(content, only, "resourcePool")["resourcePool"]


def _store(content: Any, wanted: Wanted, near: Any) -> Any:
    if wanted.datastore:
        return find(content, (vim.Datastore,), "datastore", wanted.datastore)
    return _one(content, read(content, near, "datastore").get("datastore") or (), "datastore", "--datastore")


def _folder(content: Any, wanted: Wanted, pool: Any) -> Any:
    if wanted.folder:
        return find(content, (vim.Folder,), "folder", wanted.folder)
    at = pool
    while at is not None and not isinstance(at, vim.Datacenter):
        at = read(content, at, "parent").get("parent")
    if at is None:
        raise NotFound("the datacenter of the resource pool is not seen by this user; give --folder")
    return read(content, at, "vmFolder")["vmFolder"]


def _every(content: Any, kind: Any) -> list[Any]:
    view = content.viewManager.CreateContainerView(container=content.rootFolder, type=[kind], recursive=True)
    try:
        return list(view.view)
    finally:
        view.DestroyView()


def _one(content: Any, found: Any, what: str, option: str) -> Any:
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(str(read(content, each, "name").get("name", each._moId)) for each in found)) or "none"
    kind = NotFound if not found else Ambiguous
    raise kind(f"there is no one {what} to import to ({names}); give {option}")


def make_spec(
    vsphere: VSphere,
    text: str,
    where: Place,
    *,
    name: str,
    properties: Mapping[str, str],
    provisioning: str,
    deployment: str,
) -> Any:
    """Return what CreateImportSpec answers; Refused where the server finds something wrong with the package."""
    params = vim.OvfManager.CreateImportSpecParams(
        locale="", deploymentOption=deployment, entityName=name, diskProvisioning=provisioning, hostSystem=where.host,
        networkMapping=[vim.OvfManager.NetworkMapping(name=n, network=ref) for n, ref in where.networks.items()],
        propertyMapping=[vim.KeyValue(key=key, value=value) for key, value in properties.items()],
    )  # fmt: skip
    with explained("have the descriptor read", vsphere.address.authority):
        made = vsphere._content.ovfManager.CreateImportSpec(text, where.pool, where.datastore, params)
        if made.error:
            raise Refused(
                "the server refuses the package: " + "; ".join(said(error) for error in made.error), whose="you"
            )
        if made.importSpec is None:
            raise BadAnswer("the server made no specification of the descriptor and named no error; try again")
    return made


def ask_import(vsphere: VSphere, spec: Any, where: Place) -> Grant:
    """Ask for an import lease, once; whoever gets it ends it."""
    mine: list[Grant] = []

    def ask() -> Any:
        with vsphere.calls.kept():
            made = where.pool.ImportVApp(spec, where.folder, where.host)
        if isinstance(made, vim.HttpNfcLease):
            grant = Grant(vim.HttpNfcLease(made._moId, vsphere._prompt), vsphere.address.authority)
            vsphere._grants.append(grant)
            mine.append(grant)
        return made

    with asked_once("what it began to make"), explained("import the package", vsphere.address.authority):
        made = shielded(ask)
        if not mine:
            raise BadAnswer(f"the server answered the wish for a lease with {type(made).__name__}, expected a lease")
    return mine[0]


def entity_of(vsphere: VSphere, grant: Grant) -> str | None:
    """Return the id of what a lease makes, where the server tells it."""
    with explained("read what is made", vsphere.address.authority):
        entity = read(vsphere._content, grant.lease, "info.entity").get("info.entity")
    return None if entity is None else str(entity._moId)
