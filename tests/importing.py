"""Packages and their import, as a plain client goes about both."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVmomi import vim

from plain_pyvmomi import Plain

DISK = "application/x-vnd.vmware-streamVmdk"

Package = tuple[str, dict[str, bytes]]
"""A descriptor, and the files that it refers to by name."""


def packed(me: Plain, entity: Any) -> Package:
    """Export a machine or a vApp: every file that its lease offers, and the descriptor that names them."""
    lease = me.ready(entity.ExportVm() if isinstance(entity, vim.VirtualMachine) else entity.ExportVApp())
    files, given = {}, []
    for number, device in enumerate(lease.info.deviceUrl):
        name = f"file-{number}.{device.url.rpartition('.')[2]}"
        files[name] = me.get(device.url).data
        given.append(vim.OvfManager.OvfFile(deviceId=device.key, path=name, size=len(files[name])))
    params = vim.OvfManager.CreateDescriptorParams(ovfFiles=given, includeImageFiles=True)
    text = me.content.ovfManager.CreateDescriptor(entity, params).ovfDescriptor
    lease.HttpNfcLeaseComplete()
    return text, files


class Importer:
    """Where a client imports to: the first datacenter, its first cluster, its first datastore."""

    def __init__(self, me: Plain) -> None:
        self.me = me
        (self.datacenter, *_) = me.content.rootFolder.childEntity
        (compute, *_) = self.datacenter.hostFolder.childEntity
        self.pool, self.folder, self.store = compute.resourcePool, self.datacenter.vmFolder, compute.datastore[0]
        self.hosts = compute.host

    def made(self, text: str, **given: Any) -> Any:
        """What CreateImportSpec answers."""
        given.setdefault("entityName", "new")
        params = vim.OvfManager.CreateImportSpecParams(**given)
        return self.me.content.ovfManager.CreateImportSpec(text, self.pool, self.store, params)

    def spec(self, text: str, **given: Any) -> Any:
        """What CreateImportSpec answers where nothing is wrong."""
        made = self.made(text, **given)
        assert not made.error, [error.msg for error in made.error]
        return made

    def started(self, spec: Any, host: Any = None) -> Any:
        """A lease of an import that is ready."""
        return self.me.ready(self.pool.ImportVApp(spec, self.folder, host))

    def send(self, url: str, data: Any, method: str = "POST", **headers: str) -> int:
        """Send a body to a device URL; return the status."""
        given = {"Content-Type": DISK} if method == "POST" else {"Overwrite": "t"}
        answer = self.me.pool.request(method, self.me.address_of(url), body=data, headers={**given, **headers})
        return int(answer.status)

    def send_all(self, lease: Any, made: Any, files: dict[str, bytes]) -> None:
        """Send every file to where its key says."""
        urls = {device.importKey: device.url for device in lease.info.deviceUrl}
        for item in made.fileItem:
            status = self.send(urls[item.deviceId], files[item.path], "PUT" if item.create else "POST")
            assert status in (200, 201), status

    def whole(self, package: Package, **given: Any) -> Any:
        """Import a package to its end; return what has come of it."""
        text, files = package
        made = self.spec(text, **given)
        lease = self.started(made.importSpec)
        self.send_all(lease, made, files)
        entity = lease.info.entity
        lease.HttpNfcLeaseComplete()
        return entity


def taking_in(server: Any) -> bool:
    """Tell whether a host of a fake is busy with a file of a lease."""
    return any(file.open_streams for lease in server.world.leases() for file in lease.files)


def importer(me: Plain) -> Importer:
    """Where `me` imports to."""
    return Importer(me)


def moid_of(url: str) -> str:
    """The ticket in a device URL."""
    return urlsplit(url).path.split("/")[2]


__all__ = ["DISK", "Importer", "Package", "importer", "packed", "pytest"]
