"""GET, POST and PUT of /nfc/<ticket>/<file> at one host (section 6), or /ha-nfc/ where the host stands alone (4.5).

The ticket in the path suffices and any cookie is ignored (6.1), unless the profile is strict. What no source answers,
the profile decides: framing, HEAD, Range, a second GET, GETs side by side, the status of a dead ticket and of a host
that is full, what becomes of a stream when its lease ends, and of the connection when the stream does.

No path that a client sends reaches a file system: the ticket is looked up, and the name compared with those of a lease.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..world import DeviceFile, ExportLease, Host, ImportLease, World
from ._stream import cut_if_ended, cut_if_late, send, size_of
from ._upload import Spoilt, upload

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_FILE = r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([^/]+)"
DISK_TYPE = "application/x-vnd.vmware-streamVmdk"


class NfcApp:
    """Serves the files of leases at the host called `name`; the world is asked for the host anew at each request.

    `holds_session` tells of a Cookie header whether it opens a session of the server that gave the lease; `spoilt`
    makes of what is wrong with a disk the fault that its import ends with.
    """

    def __init__(
        self,
        world: World,
        name: str,
        holds_session: Callable[[str], bool] = lambda header: False,
        spoilt: Callable[[str], Any] = lambda text: None,
    ) -> None:
        self._world = world
        self._name = name
        self._path = re.compile(f"/{re.escape(world.product.transfer_path)}{_FILE}")
        self._holds_session = holds_session
        self._spoilt = spoilt
        self._streams = 0

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        # As it came: decoding would make one path of many, and let an encoded slash pass for a slash.
        match = self._path.fullmatch(environ["REQUEST_URI"].partition("?")[0])
        if match is None:
            return _answer(start, 404)
        method = environ["REQUEST_METHOD"]
        profile = self._world.profile
        if method in ("POST", "PUT"):
            return self._receive(environ, start, match[1], match[2])
        if method not in ("GET", "HEAD") or (method == "HEAD" and profile.text("nfc_head") == "405"):
            return _answer(start, 405)
        self._world.clock.catch_up()
        if profile.text("nfc_cookie") == "required" and not self._holds_session(environ.get("HTTP_COOKIE", "")):
            return _answer(start, 401)
        opened = self._open(match[1], match[2])
        if opened is None:
            return _answer(start, self._refusal(match[1]))
        lease, file = opened
        if isinstance(lease, ImportLease):
            # Nothing is fetched of what is being put in (6.6).
            return _answer(start, 405)
        if not file.there:
            return _answer(start, 404)
        if "HTTP_RANGE" in environ and profile.text("nfc_range") == "416":
            return _answer(start, 416)
        if method == "HEAD":
            start("200 OK", [("Content-Type", self._type(file)), ("Content-Length", str(size_of(file)))])
            return []
        environ["twohop.while_blocked"] = partial(self._look, lease, self._world.clock.now())
        return self._send(lease, file, start)

    def _receive(self, environ: WSGIEnvironment, start: StartResponse, ticket: str, name: str) -> Iterable[bytes]:
        """Take in a file of an import: a disk by POST, another by PUT; nothing else has such a method (6.5, 6.6)."""
        profile = self._world.profile
        self._world.clock.catch_up()
        if profile.text("nfc_cookie") == "required" and not self._holds_session(environ.get("HTTP_COOKIE", "")):
            return _answer(start, 401)
        redeemed = self._redeem(ticket)
        if redeemed is not None and not isinstance(redeemed[0], ImportLease):
            return _answer(start, 405)
        opened = self._open(ticket, name)
        if opened is None:
            return _answer(start, self._refusal(ticket))
        lease, file = opened
        method = environ["REQUEST_METHOD"]
        if not isinstance(lease, ImportLease) or method != ("POST" if file.disk is not None else "PUT"):
            return _answer(start, 405)
        strict = profile.text("upload_content_type") == "500"
        if method == "POST" and strict and environ.get("CONTENT_TYPE", "") != DISK_TYPE:
            return _answer(start, 500)
        if method == "PUT" and environ.get("HTTP_OVERWRITE") != "t" and profile.text("put_without_overwrite") == "412":
            return _answer(start, 412)
        with self._world.lock:
            again = file.started and profile.text("second_upload") == "500"
            if again or file.open_streams:
                return _answer(start, 500 if again else 503)
            if self._streams >= profile.count("nfc_connections"):
                return _answer(start, profile.count("nfc_full_status"))
            self._streams += 1
            file.open_streams += 1
            file.started = True
        try:
            upload(self._world, lease, file, environ["wsgi.input"], self._spoilt)
        except Spoilt:
            return _answer(start, profile.count("bad_upload_status"))
        finally:
            self._closed(file)
        return _answer(start, profile.count("upload_status"))

    def _open(self, ticket: str, name: str) -> tuple[ExportLease, DeviceFile] | None:
        redeemed = self._redeem(ticket)
        if redeemed is None:
            return None
        lease, files = redeemed
        file = next((f for f in files if _is_called(name, f)), None)
        return (lease, file) if file is not None else None

    def _refusal(self, ticket: str) -> int:
        """Return the status for a file that a ticket does not open: the ticket may be dead, or the file unknown."""
        known = self._redeem(ticket) is not None
        return self._world.profile.count("unknown_file_status" if known else "dead_ticket_status")

    def _redeem(self, ticket: str) -> tuple[ExportLease, list[DeviceFile]] | None:
        with self._world.lock:
            try:
                host: Host = self._world.host(self._name)
            except KeyError:
                return None
            return self._world.redeem(ticket, host)

    def _send(self, lease: ExportLease, file: DeviceFile, start: StartResponse) -> Iterable[bytes]:
        profile = self._world.profile
        # Before the stream is counted, since it may fail, and then nobody would count it out.
        framing = profile.text("nfc_framing" if file.disk is not None else "nfc_file_framing")
        size = size_of(file) if framing == "length" else None
        with self._world.lock:
            if self._streams >= profile.count("nfc_connections"):
                return _answer(start, profile.count("nfc_full_status"))
            if file.open_streams > 0 and profile.text("nfc_parallel_get") == "503":
                return _answer(start, 503)
            emptied = self._emptied(lease, file)
            self._streams += 1
            file.open_streams += 1
            file.started = True
        headers = [("Content-Type", self._type(file))]
        if size is not None and not emptied:
            headers.append(("Content-Length", str(size)))
        if profile.text("nfc_connection") == "closed":
            headers.append(("Connection", "close"))
        start("200 OK", headers)
        sending = iter(()) if emptied else send(self._world, lease, file)
        return _Counted(self, file, sending)

    def _look(self, lease: ExportLease, began: float) -> None:
        """Look, while nobody takes what is sent, whether anybody still has a right to it."""
        cut_if_ended(self._world, lease)
        cut_if_late(self._world, began, self._world.profile.seconds("nfc_stream_s"))

    def _emptied(self, lease: ExportLease, file: DeviceFile) -> bool:
        profile = self._world.profile
        if file.sent:
            return profile.text("nfc_second_get") == "empty"
        others = (other for other in lease.files if other is not file and other.disk is not None)
        return profile.text("nfc_next_disk") == "empty" and file.disk is not None and any(f.sent for f in others)

    def _type(self, file: DeviceFile) -> str:
        return DISK_TYPE if file.disk is not None else self._world.profile.text("nfc_file_type")

    def _closed(self, file: DeviceFile) -> None:
        with self._world.lock:
            self._streams -= 1
            file.open_streams -= 1


class _Counted:
    """A body that gives its place back when it is closed, however it ends."""

    def __init__(self, app: NfcApp, file: DeviceFile, pieces: Iterator[bytes]) -> None:
        self._app, self._file, self._pieces = app, file, pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        self._app._closed(self._file)


def _is_called(segment: str, file: DeviceFile) -> bool:
    """Tell whether a path segment, percent-encoded where it must be, is the name of a file (4.6)."""
    return unquote(segment) == file.name


def _answer(start: StartResponse, status: int) -> list[bytes]:
    start(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
    return [b""]
