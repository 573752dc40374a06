"""Speaking to a vCenter and its hosts as a plain client does: pyVmomi for the calls, urllib3 for the bytes.

Never by the exporter of this project: what is judged must not be seen through eyes that share its mistakes.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pyVmomi import SoapStubAdapter, vim, vmodl
from pyVmomi.VmomiSupport import GetServiceVersions, versionIdMap

from twohop.contracts._target import Target
from twohop.contracts.history import PROBE
from twohop.runtime.observing import Observations, observing_connection

from ._fetching import PATIENCE, Hosts

OLDEST = "vim.version.version5"
"""The API of vCenter 4.0, the first that has leases (1.8)."""
LONG_WAIT = 600
"""Seconds that a wait lasts which is to be cancelled."""
CANCELS, PAUSE = 200, 0.05
"""How often such a wait is cancelled, and for how many seconds of real time its end is awaited in between."""


class Place(NamedTuple):
    """Where an import goes."""

    pool: Any
    folder: Any
    datastore: Any
    host: Any


class Speaker:
    """One client whose every exchange is written down. Nothing is pinned: the contract compares by itself.

    It has a session of its own, as the target's user or as who has these credentials, or none where `stranger` is set.
    """

    def __init__(
        self,
        target: Target,
        observations: Observations,
        *,
        stranger: bool = False,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self._target = target
        self._credentials = credentials or (target.user, target.password)
        self.stranger = stranger
        observer = observations.observer(PROBE)
        self._tls = ssl.create_default_context(cafile=str(target.ca_file))
        parts = urlsplit(target.url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._scheme = observing_connection(observer)
        self.hosts = Hosts(observer, self._tls, self._host, self._port)
        self._stubs = [self._speaking(self._version())]
        self._content: Any = vim.ServiceInstance("ServiceInstance", self._stubs[0]).RetrieveContent()
        if not stranger:
            self.login()

    def login(self) -> None:
        """Log in, for the first time or after the session has ended."""
        self.login_as(*self._credentials)

    def login_as(self, user: str, password: str) -> None:
        """Log in by these credentials."""
        self._content.sessionManager.Login(userName=user, password=password)

    def logout(self) -> None:
        """Log out."""
        self._content.sessionManager.Logout()

    def close(self) -> None:
        """Log out and hang up."""
        try:
            if not self.stranger:
                self.logout()
        except vmodl.MethodFault:
            pass  # the session may have ended by itself
        for stub in self._stubs:
            stub.DropConnections()

    def machines(self, names: tuple[str, ...]) -> list[str]:
        """Return the ids of the machines of these names, in this order; LookupError says which is missing."""
        return self._found("machine", vim.VirtualMachine, names)

    def vapps(self, names: tuple[str, ...]) -> list[str]:
        """Return the ids of the vApps of these names, in this order; LookupError says which is missing."""
        return self._found("vApp", vim.VirtualApp, names) if names else []

    def _found(self, what: str, kind: Any, names: tuple[str, ...]) -> list[str]:
        found = {self.read(each, "name")["name"]: each._moId for each in self.all(kind)}
        missing = [name for name in names if name not in found]
        if missing:
            raise LookupError(f"the target has no {what} {', '.join(missing)}; it has {', '.join(sorted(found))}")
        return [found[name] for name in names]

    def all(self, kind: Any) -> list[Any]:
        """Return every object of a type."""
        view = self._content.viewManager.CreateContainerView(self._content.rootFolder, [kind], True)
        found = list(view.view)
        view.Destroy()
        return found

    def vm(self, moid: str) -> Any:
        """Return a machine as this client calls it."""
        return vim.VirtualMachine(moid, self._stubs[0])

    def vapp(self, moid: str) -> Any:
        """Return a vApp as this client calls it."""
        return vim.VirtualApp(moid, self._stubs[0])

    def lease(self, moid: str) -> Any:
        """Return a lease as this client calls it."""
        return vim.HttpNfcLease(moid, self._stubs[0])

    def snapshot(self, moid: str) -> Any:
        """Return a snapshot as this client calls it."""
        return vim.vm.Snapshot(moid, self._stubs[0])

    def task(self, moid: str) -> Any:
        """Return a task as this client calls it."""
        return vim.Task(moid, self._stubs[0])

    def old_lease(self, moid: str) -> Any:
        """Return a lease as the same session calls it in the oldest API that has leases."""
        if len(self._stubs) == 1:
            self._stubs.append(self._speaking(OLDEST))
        self._stubs[1].cookie = self._stubs[0].cookie
        return vim.HttpNfcLease(moid, self._stubs[1])

    def recent_tasks(self, moid: str) -> list[Any]:
        """Return the recent tasks of a machine and of the task manager, each once."""
        of_machine = self.read(self.vm(moid), "recentTask").get("recentTask", ())
        of_all = self.read(self._content.taskManager, "recentTask").get("recentTask", ())
        return list({task._moId: task for task in (*of_machine, *of_all)}.values())

    def read(self, obj: Any, *paths: str) -> dict[str, Any]:
        """Read properties of one object in one call; those that are unset are left out."""
        return self.read_all([obj], *paths).get(obj._moId, {})

    def read_all(self, objects: list[Any], *paths: str) -> dict[str, dict[str, Any]]:
        """Read properties of several objects of one type in one call, by the object's id."""
        options = vmodl.query.PropertyCollector.RetrieveOptions()
        result = self._content.propertyCollector.RetrievePropertiesEx([_spec(objects, paths)], options)
        found = result.objects if result else ()
        return {content.obj._moId: {prop.name: prop.val for prop in content.propSet} for content in found}

    def read_old_way(self, obj: Any, *paths: str) -> None:
        """Read properties of one object as clients before RetrievePropertiesEx do."""
        self._content.propertyCollector.RetrieveProperties([_spec([obj], paths)])

    def watch(self, objects: list[Any], *paths: str) -> str:
        """Make a collector with a filter on these properties; return its id."""
        collector = self._content.propertyCollector.CreatePropertyCollector()
        collector.CreateFilter(_spec(objects, paths), partialUpdates=False)
        return str(collector._moId)

    def updates(self, collector: str, version: str) -> Any:
        """Return what a collector has to tell at once, at most two objects of it; None where nothing has changed."""
        query = vmodl.query.PropertyCollector
        options = query.WaitOptions(maxWaitSeconds=0, maxObjectUpdates=2)
        return query(collector, self._stubs[0]).WaitForUpdatesEx(version, options)

    def place(self) -> Place:
        """Return where to import to: the first datacenter and what stands first in it."""
        (datacenter, *_) = self._content.rootFolder.childEntity
        (compute, *_) = datacenter.hostFolder.childEntity
        (host, *_) = compute.host
        return Place(compute.resourcePool, datacenter.vmFolder, host.datastore[0], host)

    def cancelled_wait(self, collector: str, version: str) -> None:
        """Wait for updates on a connection of its own, and cancel that until it ends; its fault is raised."""
        query = vmodl.query.PropertyCollector
        raised: list[vmodl.MethodFault] = []
        alone = self._speaking(self._stubs[0].version)
        alone.cookie = self._stubs[0].cookie

        def wait() -> None:
            try:
                query(collector, alone).WaitForUpdatesEx(version, query.WaitOptions(maxWaitSeconds=LONG_WAIT))
            except vmodl.MethodFault as fault:
                raised.append(fault)

        waiting = threading.Thread(target=wait, name="cancelled wait")
        waiting.start()
        try:
            for _ in range(CANCELS):
                # Whether the wait has come to the server nobody can see, so it is cancelled until it ends.
                query(collector, self._stubs[0]).CancelWaitForUpdates()
                waiting.join(PAUSE)
                if not waiting.is_alive():
                    break
        finally:
            if waiting.is_alive():
                query(collector, self._stubs[0]).Destroy()
            waiting.join()
            alone.DropConnections()
        for fault in raised:
            raise fault

    @property
    def ovf_manager(self) -> Any:
        """The OVF manager as this client calls it."""
        return self._content.ovfManager

    def _speaking(self, version: str) -> Any:
        stub = SoapStubAdapter(
            host=self._host, port=self._port, version=version, sslContext=self._tls, acceptCompressedResponses=False
        )
        stub.scheme = self._scheme
        stub.schemeArgs["timeout"] = PATIENCE
        return stub

    def _version(self) -> str:
        connection = self._scheme(self._host, self._port, timeout=PATIENCE, context=self._tls)
        try:
            connection.request("GET", "/sdk/vimServiceVersions.xml")
            answer: http.client.HTTPResponse = connection.getresponse()
            offered = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for version in GetServiceVersions("vim25"):
            if f"<version>{versionIdMap[version]}</version>" in offered:
                return str(version)
        raise LookupError(f"{self._target.url} offers no version of the vSphere API that this pyVmomi knows")


def _spec(objects: list[Any], paths: Sequence[str]) -> Any:
    collector = vmodl.query.PropertyCollector
    return collector.FilterSpec(
        objectSet=[collector.ObjectSpec(obj=obj) for obj in objects],
        propSet=[collector.PropertySpec(type=type(objects[0]), pathSet=list(paths))],
    )
