"""A fake standalone ESXi host: one server for the API and for the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twohop.runtime import Clock, Journal
from twohop.runtime.certificates import Authority
from twohop.runtime.profiles import Profile
from twohop.runtime.serving import HttpServer

from ._server import Faults, VSphereServer
from .nfc import NfcApp
from .vim._planned import describe_file
from .world import Host, default_host_spec

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from .vim import VimApp

USER = "root"


class ESXi(VSphereServer):
    """A fake ESXi host without a vCenter, on loopback: `/sdk` and `/ha-nfc/` at one port, with one certificate.

    `world` is a world file, its data, or None for the default world of `vms` machines; a world with clusters or several
    hosts is refused. The rest is as for `VCenter`.

    Errors: WorldFileError and ProfileError (both ValueError) for a wrong world or profile, OSError for a taken port.
    """

    product = "esxi"
    shown = "an ESXi host"
    default_profile = "esxi-8.0"
    full_name = "Administrator"

    def __init__(
        self,
        *,
        profile: str | Profile | None = None,
        vms: int = 2,
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
            profile=profile, default=default_host_spec(vms), seed=seed, world=world, base=base, clock=clock,
            journal=journal, authority=authority, user=user, password=password, users=users, host=host, port=port,
            name=name, faults=faults,
        )  # fmt: skip

    @property
    def hosts(self) -> Mapping[str, HttpServer]:
        """The host by its name: the one server there is."""
        return {self._host.name: self._server}

    @property
    def _host(self) -> Host:
        (host,) = self.world.hosts()
        return host

    def _app(self, api: VimApp) -> WSGIApplication:
        files = NfcApp(self.world, self._host.name, self._service.sessions.holds, self._service.spoilt)
        prefix = f"/{self.world.product.transfer_path}/"

        def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            return (files if environ["PATH_INFO"].startswith(prefix) else api)(environ, start)

        return app

    def _describe(self, environ: dict[str, Any]) -> Mapping[str, str | int]:
        return super()._describe(environ) or describe_file(self.world, self._host.name, environ)

    def _start(self) -> None:
        self._server.start()
        self._register()

    def _stop(self) -> None:
        self._server.stop()

    def _register(self) -> None:
        with self.world.change() as tx:
            tx.set(self._host, "authority", self._server.authority)
            shown = self._shown(self.product, self._leaf)
            tx.set(self._host, "thumbprint", shown.thumbprint)
            tx.set(self._host, "certificate", shown.pem.decode())
