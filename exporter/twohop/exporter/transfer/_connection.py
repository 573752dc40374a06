"""One HTTPS connection to a host: judged by pin or authority, known by what it showed, and closed from outside."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from twohop.runtime import thumbprint_of

from .._errors import BadStream, ExportError, HostUnreachable, ShortStream, Untrusted, Whose, WrongThumbprint
from ..vsphere._address import judged_by, unjudged
from ._answer import Unreadable
from ._dialling import dial

CONNECT = 30.0
"""Real seconds for a TCP connection, whatever the number of addresses, and for each step of its TLS handshake."""
SILENCE = 300.0
"""Real seconds between two bytes: hosts fall silent for long while they read zeros (6.11)."""
GRACE = 0.02
"""Real seconds that a piece which has begun waits for more bytes; else every record of TLS would be a piece."""


class Peer:
    """What one connection learnt of the other side, and the handle to end it, from the first packet on."""

    def __init__(self, loopback: bool = True) -> None:
        self.thumbprint: str | None = None
        self.loopback = loopback
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._hung_up = False

    def check(self) -> None:
        """Raise ConnectionAbortedError once `hang_up` was called."""
        if self._hung_up:
            raise ConnectionAbortedError(errno.ECONNABORTED, "hung up on this side")

    @contextlib.contextmanager
    def greeting(self, sock: socket.socket) -> Iterator[None]:
        """Be able to end a TLS handshake; TLS takes `sock` over while it lasts, so a second handle is kept."""
        with contextlib.closing(sock.dup()) as handle:
            self._keep(handle)
            try:
                yield
            finally:
                self._keep(None)

    def connected(self, sock: object) -> None:
        """Remember the socket and the certificate that was shown on it; end it where `hang_up` came before."""
        if isinstance(sock, ssl.SSLSocket):
            shown = sock.getpeercert(binary_form=True)
            self.thumbprint = thumbprint_of(shown) if shown else None
        if isinstance(sock, socket.socket):
            self._keep(sock)

    def hang_up(self, *_: object) -> None:
        """End the connection under whoever opens it or reads from it, now or as soon as there is one."""
        with self._lock:
            self._hung_up = True
            self._shut()

    def _keep(self, sock: socket.socket | None) -> None:
        with self._lock:
            self._sock = sock
            if self._hung_up:
                self._shut()

    def _shut(self) -> None:
        if self._sock is not None:
            # SSLSocket.shutdown would drop its TLS state, and the reader would be given ciphertext.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


class Unverified(Exception):
    """A host whose certificate no trusted authority has signed; the message says why."""


def open_tls(
    url: str, thumbprint: str | None, ca_file: Path | None, insecure: bool, peer: Peer, whose: Whose
) -> ssl.SSLSocket:
    """Return a connection to the host of an https URL that showed the certificate it is to show.

    Raises WrongThumbprint, BadAddress, Unverified for a certificate that nobody trusts, OSError for all else.
    """
    parts = urlsplit(url)
    host = str(parts.hostname)
    context = unjudged() if thumbprint or insecure else judged_by(ca_file)
    raw = dial(host, parts.port or 443, CONNECT, peer.check, loopback=peer.loopback)
    try:
        with peer.greeting(raw):
            tls = context.wrap_socket(raw, server_hostname=host.rstrip("."))
    except ssl.SSLCertVerificationError as error:
        raise Unverified(error.verify_message) from error
    finally:
        raw.close()
    try:
        peer.connected(tls)
        if thumbprint:
            _check_pin(tls, thumbprint, parts.netloc.rpartition("@")[2], whose)
    except BaseException:
        tls.close()
        raise
    return tls


def _check_pin(tls: ssl.SSLSocket, thumbprint: str, host: str, whose: Whose) -> None:
    expected = thumbprint.replace(":", "").upper()
    certificate = tls.getpeercert(binary_form=True) or b""
    # vSphere prints SHA-1 (4.7); 32 bytes can only be SHA-256.
    shown = thumbprint_of(certificate, "sha256" if len(expected) == 64 else "sha1")
    if shown.replace(":", "") != expected:
        pairs = ":".join(expected[i : i + 2] for i in range(0, len(expected[:64]), 2))
        raise WrongThumbprint(
            f"{host} shows a certificate with thumbprint {shown}, expected {pairs};"
            " nothing was fetched: find out who answers there",
            whose=whose,
        )


class Wire:
    """The bytes that come over one connection, as they come.

    `read` copies them nowhere but into the buffer that it is given: a socket that never blocks, with a wait of our own,
    gives what is there at once and tells when nothing is.
    """

    def __init__(self, tls: ssl.SSLSocket, silence: float) -> None:
        tls.setblocking(False)
        self._tls, self._silence = tls, silence
        self._poll = select.poll()
        self._poll.register(tls, select.POLLIN)
        self._waits_for = select.POLLIN
        self._broken: OSError | None = None

    def read(self, into: memoryview, wait: bool) -> int:
        """Return how many bytes came, 0 at the end, and -1 where nothing is there and `wait` is not wished.

        Raises TimeoutError after a silence that is too long, OSError for a connection that broke.
        """
        until: float | None = None
        while True:
            came = self._take(into)
            if came >= 0:
                return came
            now = time.monotonic()
            until = now + (self._silence if wait else GRACE) if until is None else until
            if now >= until or not self._poll.poll(1000 * (until - now)):
                if wait:
                    raise TimeoutError(errno.ETIMEDOUT, "silence")
                return -1

    def _take(self, into: memoryview) -> int:
        """Return how many bytes were there, -1 for none; one turn for each 16 KiB record is what Python costs."""
        if self._broken is not None:
            raise self._broken
        read, at, size = self._tls.read, 0, len(into)
        try:
            while at < size:
                came: int = read(size - at, into[at:])  # type: ignore[assignment]
                if not came:
                    return at
                at += came
        except ssl.SSLWantReadError:
            self._wait_for(select.POLLIN)
            return at or -1
        except ssl.SSLWantWriteError:
            self._wait_for(select.POLLOUT)
            return at or -1
        except OSError as error:
            if not at:
                raise
            # What came before it comes first.
            self._broken = error
        return at

    def _wait_for(self, event: int) -> None:
        if event != self._waits_for:
            self._poll.modify(self._tls, event)
            self._waits_for = event


def unreached(error: Exception, host: str, whose: Whose) -> ExportError:
    """Return what it means that no connection came about."""
    if isinstance(error, Unverified):
        return Untrusted(
            f"{host} shows a certificate that is not trusted ({error}) and no thumbprint is given for it;"
            " give its authority with --ca-file",
            whose=whose,
        )
    if isinstance(error, socket.gaierror):
        return HostUnreachable(
            f"{host} cannot be reached: its name does not resolve here; the data comes from this host itself,"
            " not from vCenter, so this machine has to resolve and reach it",
            whose=whose,
        )
    if isinstance(error, ssl.SSLError):
        return HostUnreachable(f"{host} cannot be reached: no TLS ({str(error)[:160]})", whose=whose)
    why = "no answer in time" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or _short(error)
    return HostUnreachable(
        f"{host} cannot be reached ({why}); the data comes from this host itself, not from vCenter,"
        " so this machine has to reach it",
        whose=whose,
    )


def broken_off(error: Exception, host: str, whose: Whose, received: int, silence: float) -> ExportError:
    """Return what it means that a connection ended, fell silent or spoke no HTTP after `received` bytes of a file."""
    if isinstance(error, Unreadable):
        return BadStream(
            f"{host} sends what is no answer of HTTP/1.1: {error}; nothing was kept, find out who answers there",
            whose=whose,
        )
    if isinstance(error, TimeoutError):
        if not received:
            return unreached(error, host, whose)
        return ShortStream(f"{host} sent nothing for {silence:.0f} s after {received} bytes; export again", whose=whose)
    return ShortStream(
        f"{host} ended the connection after {received} bytes, before the end of the file ({_short(error)});"
        " nothing was kept, export again",
        whose=whose,
    )


def _short(cause: BaseException) -> str:
    return " ".join(str(cause).split())[:120] or type(cause).__name__
