"""Hosts that answer a GET in whatever way a test wants, down to the byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from twohop.exporter import DeviceFile
from twohop.runtime.certificates import Authority
from twohop.runtime.serving import HttpServer, ServedExchange

TICKET = "52d5a5a5-0000-1111-2222-333344445555"

App = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass
class HostByHand:
    """One server with a certificate of its own, and the entry of a lease that points to it."""

    server: HttpServer
    thumbprint: str
    ca_file: Path
    requests: list[dict[str, Any]] = field(default_factory=list)
    served: list[ServedExchange] = field(default_factory=list)

    def entry(self, **changes: Any) -> DeviceFile:
        """The entry of a disk, pinned to this host unless a test says otherwise."""
        url = f"{self.server.url}/nfc/{TICKET}/disk-0.vmdk"
        entry = DeviceFile("/vm-1/x0:0", url, "disk-0.vmdk", True, None, self.thumbprint)
        return replace(entry, **changes)


@contextmanager
def host(app: App, directory: Path) -> Iterator[HostByHand]:
    """Serve `app` over TLS while the context is open."""
    authority = Authority()
    leaf = authority.leaf(["127.0.0.1"])

    def seen(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        made.requests.append({k: v for k, v in environ.items() if isinstance(v, str)})
        return app(environ, start)

    server = HttpServer(seen, name="esx", tls=leaf.context, observer=lambda served: made.served.append(served))
    made = HostByHand(server, leaf.thumbprint, authority.write(directory / "host-ca.pem"))
    server.start()
    try:
        yield made
    finally:
        server.stop()


@contextmanager
def raw_host(answer: bytes, *, reset: bool = False) -> Iterator[DeviceFile]:
    """Give the entry of a host that sends exactly `answer` and closes, or resets, the connection."""
    leaf = Authority().leaf(["127.0.0.1"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), leaf.context.wrap_socket(connection, server_side=True) as tls:
                    _answer_raw(tls, answer, reset)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}/nfc/{TICKET}/disk-0.vmdk"
    try:
        yield DeviceFile("/vm-1/x0:0", url, "disk-0.vmdk", True, None, leaf.thumbprint)
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _answer_raw(tls: ssl.SSLSocket, answer: bytes, reset: bool) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += tls.recv(65536)
    tls.sendall(answer)
    if reset:
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    else:
        with contextlib.suppress(OSError):
            tls.unwrap()


def chunked(body: bytes, step: int) -> bytes:
    """A body in chunks of `step` bytes, ended."""
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
