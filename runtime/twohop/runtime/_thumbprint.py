"""What a client pins a certificate by."""

from __future__ import annotations

import hashlib


def thumbprint_of(certificate: bytes, algorithm: str = "sha1") -> str:
    """Return the thumbprint of a DER certificate as vSphere prints it: upper-case hex pairs joined by colons (4.7)."""
    digest = hashlib.new(algorithm, certificate, usedforsecurity=False).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
