"""A fake vCenter with its ESXi hosts: one server each, one authority, one clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twohop.runtime import Clock, Journal
from twohop.runtime.certificates import Authority, Leaf
from twohop.runtime.profiles import Profile
from twohop.runtime.serving import HttpServer

from ._server import Faults, VSphereServer, names_of
from .nfc import NfcApp
from .vim._planned import describe_file
from .world import default_spec

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from .vim import VimApp

USER = "administrator@vsphere.local"


class VCenter(VSphereServer):
    """A fake vCenter and its hosts, on loopback and ports of their own.

    `world` is a world file, its data, or None for the default world of `vms` machines on `hosts` hosts; paths in it
    start from `base`, by default from where the file is. `profile` and `seed` go before those that a world names. The
    clock stands still unless one is given. `user` is the administrator; `users` are others, beside those of the world,
    each with `name`, `password` and `role` or `privileges` (see the docs on worlds). Use it as a context manager, or
    call `start` and `stop`.

    Errors: WorldFileError and ProfileError (both ValueError) for a wrong world or profile, OSError for a taken port.
    """

    product = "vcenter"
    shown = "a vCenter"
    default_profile = "vcenter-8.0"

    def __init__(
        self,
        *,
        profile: str | Profile | None = None,
        vms: int = 2,
        hosts: int = 2,
        seed: int | None = None,
        world: Path | str | Mapping[str, Any] | None = None,
        base: Path | None = None,
        clock: Clock | None = None,
        journal: Journal | None = None,
        authority: Authority | None = None,
        user: str = USER,
        password: str | None = None,
        users: Sequence[Mapping[str, Any]] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "default",
        faults: Faults = None,
    ) -> None:
        super().__init__(
            profile=profile, default=default_spec(vms, hosts), seed=seed, world=world, base=base, clock=clock,
            journal=journal, authority=authority, user=user, password=password, users=users, host=host, port=port,
            name=name, faults=faults,
        )  # fmt: skip
        self._leaves: dict[str, Leaf] = {}
        self._hosts: dict[str, HttpServer] = {}

    @property
    def hosts(self) -> Mapping[str, HttpServer]:
        """The servers of the ESXi hosts by name; `stop(keep_port=True)` takes one down, until its `start()`."""
        return self._hosts

    def _endpoints(self) -> Sequence[str]:
        return [host.name for host in self.world.hosts()]

    def _app(self, api: VimApp) -> WSGIApplication:
        return api

    def _start(self) -> None:
        for host in self.world.hosts():
            leaf = self._leaves[host.name] = self.authority.leaf(names_of(self._address))
            endpoint = NfcApp(self.world, host.name, self._service.sessions.holds, self._service.spoilt)
            server = HttpServer(
                endpoint, name=host.name, tls=leaf.context, host=self._address,
                now=self.clock.now, observer=self.journal.exchange, faults=self.faults,
                describe=partial(describe_file, self.world, host.name), certificates=self._others(host.name),
            )  # fmt: skip
            self._hosts[host.name] = server.start()
        self._register()
        self._server.start()

    def _stop(self) -> None:
        for server in (self._server, *self._hosts.values()):
            server.stop()
        self._hosts.clear()

    def _register(self) -> None:
        with self.world.change() as tx:
            for host in self.world.hosts():
                tx.set(host, "authority", self._hosts[host.name].authority)
                shown = self._shown(host.name, self._leaves[host.name])
                tx.set(host, "thumbprint", shown.thumbprint)
                tx.set(host, "certificate", shown.pem.decode())
