"""What a fake vCenter and a fake standalone host have in common: one world behind one vSphere API."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from twohop.runtime import Clock, Journal
from twohop.runtime.certificates import Authority, Leaf, OtherLeaves
from twohop.runtime.faults import read_faults
from twohop.runtime.profiles import Profile, ProfileError, load_profile
from twohop.runtime.serving import HttpServer

from .datastore import PREFIX, DatastoreApp
from .vim import Service, VimApp, build_recorded, listen
from .vim._planned import describe_call, plan_for
from .vim.objects import declare_managers
from .world import Grant, User, World, check_world, load_spec, read_users

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


Faults = Mapping[str, Any] | Sequence[Mapping[str, Any]] | Path | str | None
"""A plan of faults: rules, `{seed, faults: [rules]}`, or a YAML file of that."""


class VSphereServer(ABC):
    """A server of the vSphere API on loopback, with its world, clock, journal and certificate.

    A subclass says which product it is, and what it serves beside the API.
    """

    product: ClassVar[str]
    shown: ClassVar[str]
    default_profile: ClassVar[str]
    full_name: ClassVar[str] = ""

    def __init__(
        self,
        *,
        profile: str | Profile | None,
        default: Mapping[str, Any],
        seed: int | None,
        world: Path | str | Mapping[str, Any] | None,
        base: Path | None,
        clock: Clock | None,
        journal: Journal | None,
        authority: Authority | None,
        user: str,
        password: str | None,
        users: Sequence[Mapping[str, Any]],
        host: str,
        port: int,
        name: str,
        faults: Faults,
    ) -> None:
        if isinstance(world, Path | str):
            base = Path(world).resolve().parent
        given = load_spec(Path(world)) if isinstance(world, Path | str) else world
        spec = default if given is None else check_world(given, "this world")
        wanted = profile or spec.get("profile", self.default_profile)
        self.profile = load_profile(wanted) if isinstance(wanted, str) else wanted
        if self.profile.product != self.product:
            such = f"of product {self.product}, such as {self.default_profile}"
            raise ProfileError(f"{self.shown} takes a profile {such}; got {self.profile.name}")
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
        self._other_leaves: dict[str, OtherLeaves] = {}
        first = User(self.user, self.password, (Grant("Admin"),), self.full_name)
        others = (*read_users(spec.get("users"), "this world"), *read_users(users, "users"))
        for other in others:
            self.journal.references.name("password", other.password)
        self._service = Service(self.world, (first, *others))
        declare_managers(self._service)
        self.faults = self._service.faults = plan_for(self.world, seed)
        for server in (self.product, *self._endpoints()):
            self.faults.join(server)
        self.faults.begin(read_faults(Path(faults)) if isinstance(faults, Path | str) else faults)
        self._leaf = self.authority.leaf(names_of(host))
        api = VimApp(self._service)
        app = _with_files(self._service, self._app(api))
        self._server = HttpServer(
            app, name=self.product, tls=self._leaf.context, host=host, port=port,
            now=self.clock.now, observer=self.journal.exchange, faults=self.faults, describe=self._describe,
            certificates=self._others(self.product), prompt=api.prompt,
        )  # fmt: skip
        self._directory: Path | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port of the API, without a path."""
        return self._server.url

    @property
    def thumbprint(self) -> str:
        """SHA-1 thumbprint of the certificate of the API."""
        return self._shown(self.product, self._leaf).thumbprint

    @property
    def ca_file(self) -> Path:
        """File with the authority's certificate, while the server runs."""
        if self._directory is None:
            raise RuntimeError(f"{self.shown} has not been started: use it in a with statement, or call start()")
        return self._directory / "ca.pem"

    @property
    @abstractmethod
    def hosts(self) -> Mapping[str, HttpServer]:
        """The servers of the transfer endpoints by host name."""

    def adopt(self, inventory: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the world a recorded one, before the start.

        `inventory` is `{id: {"type": …, "properties": {path: XML of the value}, "unset": [path]}}`. What the recording
        does not tell is made up or computed as in any world; `reset` goes back to the world before.
        """
        build_recorded(self._service, inventory)

    def inventory(self) -> list[tuple[str, str]]:
        """Return the id and the type of every object there is, managers included."""
        return self._service.inventory()

    def word(self, moid: str, path: str) -> str | None:
        """Return a property of an object of the inventory as text, or its place under `path`; None for none."""
        entity = self.world.objects.get(moid)
        if entity is None:
            return None
        if path == "path":
            return self.world.path_of(entity)
        value = self._service.kind_of(entity).read(listen(self._service), entity, path)
        return None if value is None else str(value)

    def start(self) -> Self:
        """Start every server; once this returns, every port answers."""
        self._directory = Path(tempfile.mkdtemp(prefix="twohop-"))
        self.authority.write(self._directory / "ca.pem")
        self._service.open()
        try:
            self._start()
            self.faults.check_servers()
            self.faults.watch(self._register)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop every server; streams in flight are cut, waits end."""
        self.faults.unwatch(self._register)
        self._service.close()
        self._stop()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def reset(self) -> None:
        """Go back to the seed state: sessions and leases gone, journal cut, clock and addresses kept."""
        self._service.sessions.clear()
        self.world.reset()
        self._service.reset()
        self.faults.reset()
        self._register()
        self.journal.cut()

    def ready(self) -> bool:
        """Tell whether every port answers."""
        return self._directory is not None

    def about(self) -> dict[str, Any]:
        """Describe the server: product, profile, addresses, what is implemented, which gaps were met."""
        return {
            "product": self.product,
            "profile": self.profile.name,
            "note": self.profile.note,
            "url": self.url,
            "thumbprint": self.thumbprint,
            "hosts": {name: server.url for name, server in self.hosts.items()},
            **self._service.about(),
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _app(self, api: VimApp) -> WSGIApplication:
        """Return what the server of the API serves; called once, while the server is built."""

    def _endpoints(self) -> Sequence[str]:
        """Return the names of the servers that there are beside that of the API."""
        return ()

    def _describe(self, environ: dict[str, Any]) -> Mapping[str, str | int]:
        """Tell of a request to the API what a rule of the plan may match it by."""
        return describe_call(self.world, environ)

    def _others(self, server: str) -> OtherLeaves:
        """Return the certificates that a server may show instead of its own."""
        return self._other_leaves.setdefault(server, OtherLeaves(self.authority, names_of(self._address)))

    def _shown(self, server: str, leaf: Leaf) -> Leaf:
        """Return the certificate that a server shows: its own one, or the same expired, where it always shows that."""
        expired = self.faults.always("expired-certificate", server)
        return self._others(server)["expired-certificate"] if expired else leaf

    @abstractmethod
    def _start(self) -> None:
        """Start the servers and tell the world where its hosts are."""

    @abstractmethod
    def _stop(self) -> None:
        """Stop the servers, however many of them have started."""

    @abstractmethod
    def _register(self) -> None:
        """Tell the world where its hosts are, and by which certificate."""


def _with_files(service: Service, others: WSGIApplication) -> WSGIApplication:
    files = DatastoreApp(service)

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        return (files if environ["PATH_INFO"].startswith(PREFIX) else others)(environ, start)

    return app


def names_of(address: str) -> list[str]:
    """Return the names that a certificate for an address bears."""
    return list(dict.fromkeys(["127.0.0.1", "::1", "localhost", address]))
