"""GET /folder/<path>?dcPath=<datacenter>&dsName=<datastore>: one file of a datastore.

The vendor documents the form of the URL and that a session's cookie or a user's name and password open it ("HTTP
Access to vSphere Server Files" in the Programming Guide; the fact sheet has no clause for it). Served are the files
that the world knows the bytes of: a machine's .vmx and nvram, and images. Lists of directories, disks and uploads are
not, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from werkzeug.datastructures import Authorization

from ..vim import Service
from ..world import Datastore, PlainContent, Vm, World
from ._vmx import vmx_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/folder/"
PRIVILEGE = "Datastore.Browse"


class DatastoreApp:
    """Serves the files of the datastores of a service's world to whoever may browse them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        raw, _, query = environ["REQUEST_URI"].partition("?")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            self._service.gap("files put into a datastore over HTTP")
            return _refuse(start, "501 Not Implemented")
        user = self._user(environ)
        if user is None:
            return _refuse(start, "401 Unauthorized", ("WWW-Authenticate", 'Basic realm="VMware HTTP server"'))
        world = self._service.world
        with world.lock:
            store = _datastore(world, parse_qs(query))
            if store is None:
                return _refuse(start, "404 Not Found")
            if PRIVILEGE not in self._service.access.privileges(user, store):
                return _refuse(start, "403 Forbidden")
            path = unquote(raw.removeprefix(PREFIX))
            content = dict(_files(world, store)).get(path)
        if content is None:
            return self._unknown(start, world, store, path)
        size = len(content) if isinstance(content, bytes) else content.size
        start("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return [content] if isinstance(content, bytes) else content.pieces()

    def _user(self, environ: WSGIEnvironment) -> str | None:
        session = self._service.sessions.bearer(environ.get("HTTP_COOKIE", ""))
        if session is not None:
            return session.user
        given = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
        if given is None or given.type != "basic":
            return None
        found = self._service.access.login(str(given.username), str(given.password))
        return found.name if found is not None else None

    def _unknown(self, start: StartResponse, world: World, store: Datastore, path: str) -> Iterable[bytes]:
        disks = {disk.file_name for vm in world.vms() for disk in vm.disks}
        inside = (
            path == "" or path.endswith("/") or any(name.startswith(f"{path}/") for name, _ in _files(world, store))
        )
        if inside or f"[{store.name}] {path}" in disks:
            self._service.gap("lists and disks of a datastore over HTTP")
            return _refuse(start, "501 Not Implemented")
        return _refuse(start, "404 Not Found")


def _datastore(world: World, query: dict[str, list[str]]) -> Datastore | None:
    names, places = query.get("dsName", [""]), query.get("dcPath", [""])
    for store in world.all(Datastore):
        datacenter = world.datacenter_of(store)
        path = world.path_of(datacenter) if datacenter is not None else ""
        if store.name == names[0] and places[0].strip("/") in ("", path):
            return store
    return None


def _files(world: World, store: Datastore) -> Iterator[tuple[str, bytes | PlainContent]]:
    prefix = f"[{store.name}] "
    for vm in world.vms():
        for name, content in _files_of(vm):
            if name.startswith(prefix):
                yield name.removeprefix(prefix), content


def _files_of(vm: Vm) -> Iterator[tuple[str, bytes | PlainContent]]:
    yield vm.vmx, vmx_of(vm)
    if vm.nvram is not None:
        yield vm.nvram.file_name, vm.nvram.content
    for image in vm.images:
        if image.content is not None:
            yield image.file_name, image.content


def _refuse(start: StartResponse, status: str, *headers: tuple[str, str]) -> list[bytes]:
    start(status, [*headers, ("Content-Length", "0")])
    return [b""]
