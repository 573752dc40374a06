"""A certificate authority per run and a leaf per server.

Real hosts show certificates that a client pins by thumbprint, as the lease's device URL gives it (vsphere 4.7, 6.3); a
vCenter is verified by its authority. So every server gets a leaf of its own, and the user gets the authority's file.

No part of `twohop.runtime` itself: who only exports makes no certificate, and what makes them takes its time to load.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from ._thumbprint import thumbprint_of

__all__ = ["Authority", "Leaf", "OtherLeaves"]


@dataclass(frozen=True)
class Leaf:
    """A server's certificate: its TLS context, its PEM chain and its SHA-1 thumbprint."""

    context: ssl.SSLContext
    pem: bytes
    thumbprint: str


class Authority:
    """The authority of one run; trust it by `pem` or by the file that `write` leaves."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="twohop", organization_unit_name="one run")

    @property
    def pem(self) -> bytes:
        """The authority's certificate."""
        return self._ca.cert_pem.bytes()

    def write(self, path: Path) -> Path:
        """Write the authority's certificate to `path` for clients that want a file."""
        path.write_bytes(self.pem)
        return path

    def leaf(self, names: Iterable[str], *, expired: bool = False) -> Leaf:
        """Issue a certificate for host names and addresses; an expired one was valid until a day ago."""
        ended = datetime.now(UTC) - timedelta(days=1)
        span = (ended - timedelta(days=365), ended) if expired else (None, None)
        issued = self._ca.issue_cert(*names, not_before=span[0], not_after=span[1])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        pem = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        der = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
        return Leaf(context, pem, thumbprint_of(der))


class OtherLeaves:
    """Certificates that a server may show instead of its own: of a stranger, or one that has expired.

    They are made when they are first asked for, since most runs need none.
    """

    def __init__(self, authority: Authority, names: Iterable[str]) -> None:
        self._authority, self._names = authority, tuple(names)
        self._made: dict[str, Leaf] = {}
        self._lock = threading.Lock()

    def __getitem__(self, kind: str) -> Leaf:
        """Return the certificate of `wrong-certificate` or `expired-certificate`."""
        with self._lock:
            if kind not in self._made:
                expired = kind == "expired-certificate"
                issuer = self._authority if expired else Authority()
                self._made[kind] = issuer.leaf(self._names, expired=expired)
            return self._made[kind]
