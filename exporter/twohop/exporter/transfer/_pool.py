"""A pool of one connection for small answers, of a cell or a datastore: requests follow each other on it."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as UrllibSslError

from .._errors import BadAddress, ExportError, HostUnreachable, ShortStream, Untrusted, Whose, WrongThumbprint
from ._connection import CONNECT, Peer
from ._dialling import dial


def pool_for(
    url: str, thumbprint: str | None, ca_file: Path | None, insecure: bool, silence: float, peer: Peer
) -> HTTPSConnectionPool:
    """Return a pool of one connection for `url`, which has to be https; BadAddress for what is not."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "https" or not host:
        raise BadAddress(
            f"the server gives a file at a URL of scheme {parts.scheme or 'none'!r}, expected https://HOST/...;"
            " nothing was fetched",
            whose="vCenter",
        )

    class Connection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            try:
                sock = dial(self._dns_host, self.port, CONNECT, peer.check, loopback=peer.loopback)
            except socket.gaierror as error:
                raise NameResolutionError(self.host, self, error) from error
            except TimeoutError as error:
                raise ConnectTimeoutError(self, f"no answer from {self.host} in {CONNECT:.0f} s") from error
            except OSError as error:
                raise NewConnectionError(self, f"no connection: {error}") from error
            self._greeting.enter_context(peer.greeting(sock))
            return sock

        def connect(self) -> None:
            with contextlib.ExitStack() as self._greeting:
                super().connect()
            # Insecure is the user's own word; urllib3 would warn on every request.
            self.is_verified = self.is_verified or insecure
            peer.connected(self.sock)

    pool = HTTPSConnectionPool(
        host,
        port,
        timeout=urllib3.Timeout(connect=CONNECT, read=silence),
        maxsize=1,
        block=True,
        retries=False,
        cert_reqs="CERT_NONE" if thumbprint or insecure else "CERT_REQUIRED",
        ca_certs=str(ca_file) if ca_file and not thumbprint and not insecure else None,
        assert_fingerprint=thumbprint,
    )
    pool.ConnectionCls = Connection
    return pool


def connection_error(error: Exception, host: str, whose: Whose, received: int, silence: float) -> ExportError:
    """Return what an exception of urllib3, or of the socket below it, means; `received` bytes had come before."""
    cause = _root(error)
    if isinstance(error, UrllibSslError):
        return _certificate(str(error), host, whose)
    if isinstance(error, NameResolutionError):
        return HostUnreachable(
            f"{host} cannot be reached: its name does not resolve here; the data comes from this host itself,"
            " not from vCenter, so this machine has to resolve and reach it",
            whose=whose,
        )
    if isinstance(error, ReadTimeoutError | TimeoutError) and received:
        return ShortStream(f"{host} sent nothing for {silence:.0f} s after {received} bytes; export again", whose=whose)
    if isinstance(error, NewConnectionError | ConnectTimeoutError | ReadTimeoutError | TimeoutError):
        why = getattr(cause, "strerror", None) or "no answer in time"
        return HostUnreachable(
            f"{host} cannot be reached ({why}); the data comes from this host itself, not from vCenter,"
            " so this machine has to reach it",
            whose=whose,
        )
    return ShortStream(
        f"{host} ended the connection after {received} bytes, before the end of the file ({_short(cause)});"
        " nothing was kept, export again",
        whose=whose,
    )


HTTP_ERRORS = (HTTPError, OSError)
"""What a request or the reading of its answer may raise."""


def _certificate(text: str, host: str, whose: Whose) -> ExportError:
    match = re.search(r'Expected "([0-9A-Fa-f:]+)", got "(?:b\')?([0-9A-Fa-f]+)', text)
    if match:
        return WrongThumbprint(
            f"{host} shows a certificate with thumbprint {_pairs(match[2])}, expected {_pairs(match[1])};"
            " nothing was fetched: find out who answers there",
            whose=whose,
        )
    why = re.search(r"certificate verify failed: ([^(]+)", text)
    if why:
        return Untrusted(
            f"{host} shows a certificate that is not trusted ({why[1].strip()}) and no thumbprint is given for it;"
            " give its authority with --ca-file",
            whose=whose,
        )
    return HostUnreachable(f"{host} cannot be reached: no TLS ({text[:160]})", whose=whose)


def _pairs(text: str) -> str:
    digits = text.replace(":", "").upper()
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def _root(error: BaseException) -> BaseException:
    while True:
        args = [arg for arg in error.args if isinstance(arg, BaseException)]
        below = error.__cause__ or (args[0] if isinstance(error, ProtocolError) and args else None)
        if below is None:
            return error
        error = below


def _short(cause: BaseException) -> str:
    return " ".join(str(cause).split())[:120] or type(cause).__name__
