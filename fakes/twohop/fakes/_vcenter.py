"""A fake vCenter with its ESXi hosts: one server each, one authority, one clock."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from twohop.runtime import Authority, Clock, Journal, Leaf
from twohop.runtime.profiles import Profile, ProfileError, load_profile
from twohop.runtime.serving import HttpServer

from .nfc import NfcApp
from .vim import Service, VimApp, build_recorded
from .vim.objects import declare_managers
from .world import Grant, User, World, check_world, default_spec, load_spec, read_users

USER = "administrator@vsphere.local"
PROFILE = "vcenter-8.0"


class VCenter:
    """A fake vCenter and its hosts, on loopback and ports of their own.

    `world` is a world file, its data, or None for the default world of `vms` machines on `hosts` hosts; paths in it
    start from `base`, by default from where the file is. `profile` and `seed` go before those that a world names. The
    clock stands still unless one is given. `user` is the administrator; `users` are others, beside those of the world,
    each with `name`, `password` and `role` or `privileges` (see the docs on worlds). Use it as a context manager, or
    call `start` and `stop`.

    Errors: WorldFileError and ProfileError (both ValueError) for a wrong world or profile, OSError for a taken port.
    """

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
    ) -> None:
        if isinstance(world, Path | str):
            base = Path(world).resolve().parent
        given = load_spec(Path(world)) if isinstance(world, Path | str) else world
        spec = default_spec(vms, hosts) if given is None else check_world(given, "this world")
        wanted = profile or spec.get("profile", PROFILE)
        self.profile = load_profile(wanted) if isinstance(wanted, str) else wanted
        if self.profile.product != "vcenter":
            raise ProfileError(f"a vCenter takes a profile of product vcenter, such as {PROFILE}; got {wanted!r}")
        self.clock = clock or Clock()
        self.journal = journal or Journal(name, self.clock.now)
        self.authority = authority or Authority()
        self.user = user
        self.password = password or secrets.token_urlsafe(18)
        self.journal.references.name("password", self.password)
        seed = spec.get("seed", 0) if seed is None else seed
        self.world = World(
            profile=self.profile, clock=self.clock, journal=self.journal, spec=spec, seed=seed, base=base
        )
        self._address = host
        first = User(self.user, self.password, (Grant("Admin"),))
        others = (*read_users(spec.get("users"), "this world"), *read_users(users, "users"))
        for other in others:
            self.journal.references.name("password", other.password)
        self._service = Service(self.world, (first, *others))
        declare_managers(self._service)
        self._leaf = self.authority.leaf(_names(host))
        self._server = HttpServer(
            VimApp(self._service), name="vcenter", tls=self._leaf.context, host=host, port=port,
            now=self.clock.now, observer=self.journal.exchange,
        )  # fmt: skip
        self._leaves: dict[str, Leaf] = {}
        self._hosts: dict[str, HttpServer] = {}
        self._directory: Path | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port of vCenter, without a path."""
        return self._server.url

    @property
    def thumbprint(self) -> str:
        """SHA-1 thumbprint of vCenter's certificate."""
        return self._leaf.thumbprint

    @property
    def ca_file(self) -> Path:
        """File with the authority's certificate, while the servers run."""
        if self._directory is None:
            raise RuntimeError("this vCenter has not been started: use it in a with statement, or call start()")
        return self._directory / "ca.pem"

    @property
    def hosts(self) -> Mapping[str, HttpServer]:
        """The servers of the ESXi hosts by host name; stop one to take a host down."""
        return self._hosts

    def adopt(self, inventory: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the world a recorded one, before the start: `{id: {"type": …, "properties": {path: XML of the value}}}`.

        What the recording does not tell is made up or computed as in any world; `reset` goes back to the world before.
        """
        build_recorded(self._service, inventory)

    def inventory(self) -> list[tuple[str, str]]:
        """Return the id and the type of every object there is, managers included."""
        return self._service.inventory()

    def start(self) -> VCenter:
        """Start every server; once this returns, every port answers."""
        self._directory = Path(tempfile.mkdtemp(prefix="twohop-"))
        self.authority.write(self._directory / "ca.pem")
        self._service.open()
        try:
            for host in self.world.hosts():
                leaf = self._leaves[host.name] = self.authority.leaf(_names(self._address))
                server = HttpServer(
                    NfcApp(self.world, host.name), name=host.name, tls=leaf.context, host=self._address,
                    now=self.clock.now, observer=self.journal.exchange,
                )  # fmt: skip
                self._hosts[host.name] = server.start()
            self._register()
            self._server.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop every server; streams in flight are cut, waits end."""
        self._service.close()
        for server in (self._server, *self._hosts.values()):
            server.stop()
        self._hosts.clear()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def reset(self) -> None:
        """Go back to the seed state: sessions and leases gone, journal cut, clock and addresses kept."""
        self._service.sessions.clear()
        self.world.reset()
        self._service.access.reset()
        self._register()
        self.journal.cut()

    def ready(self) -> bool:
        """Tell whether every port answers."""
        return self._directory is not None

    def about(self) -> dict[str, Any]:
        """Describe the vCenter: product, profile, addresses, what is implemented, which gaps were met."""
        return {
            "product": "vcenter",
            "profile": self.profile.name,
            "note": self.profile.note,
            "url": self.url,
            "thumbprint": self.thumbprint,
            "hosts": {name: server.url for name, server in self._hosts.items()},
            **self._service.about(),
        }

    def __enter__(self) -> VCenter:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _register(self) -> None:
        with self.world.change() as tx:
            for host in self.world.hosts():
                tx.set(host, "authority", self._hosts[host.name].authority)
                tx.set(host, "thumbprint", self._leaves[host.name].thumbprint)


def _names(address: str) -> list[str]:
    return list(dict.fromkeys(["127.0.0.1", "::1", "localhost", address]))
