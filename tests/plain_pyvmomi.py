"""pyVmomi and urllib3 as a user has them, against a fake vCenter; nothing of ours in between."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim


class Plain:
    """A logged-in pyVmomi client and an HTTP pool that trusts the run's authority."""

    def __init__(self, vcenter: Any) -> None:
        parts = urlsplit(vcenter.url)
        self.vcenter = vcenter
        context = ssl.create_default_context(cafile=str(vcenter.ca_file))
        self.si = SmartConnect(
            host=parts.hostname, port=parts.port, user=vcenter.user, pwd=vcenter.password, sslContext=context
        )
        self.content = self.si.RetrieveContent()
        self.pool = urllib3.PoolManager(ca_certs=str(vcenter.ca_file), retries=False, timeout=60, maxsize=4)

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.clear()
        try:
            Disconnect(self.si)
        except (vim.fault.NotAuthenticated, OSError):
            pass
        self.si._stub.DropConnections()

    def vm(self, name: str = "VM0") -> Any:
        """The machine of that name."""
        (datacenter, *_) = self.content.rootFolder.childEntity
        return self.content.searchIndex.FindByInventoryPath(f"{datacenter.name}/vm/{name}")

    def named(self, wsdl: str, moid: str) -> Any:
        """The object of that type and id."""
        return getattr(vim, wsdl)(moid, self.si._stub)

    def vapp(self, name: str) -> Any:
        """The vApp of that name."""
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [vim.VirtualApp], True)
        (found,) = (vapp for vapp in view.view if vapp.name == name)
        return found

    def ready(self, lease: Any) -> Any:
        """Read the lease until it is ready, and return it."""
        for _ in range(1000):
            if lease.state == "ready":
                return lease
            assert lease.state in ("initializing", "ready")
        raise AssertionError("a thousand reads and the lease is still initializing")

    def export(self, name: str = "VM0") -> Any:
        """A ready lease on a machine."""
        return self.ready(self.vm(name).ExportVm())

    def address_of(self, url: str) -> str:
        """A device URL with the host that is meant, and its name percent-encoded, as it is for the client to do."""
        parts = urlsplit(url)
        netloc = urlsplit(self.vcenter.url).netloc if parts.hostname == "*" else parts.netloc
        return f"https://{netloc}{quote(parts.path)}"

    def get(self, url: str, **headers: str) -> Any:
        """GET a device URL, with nothing but what is given: no cookie."""
        return self.pool.request("GET", self.address_of(url), headers=headers or None)
