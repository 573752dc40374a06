"""Where a vCenter or ESXi host is, who logs in, and how its certificate is judged."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .._errors import BadAddress

_SHA1 = re.compile(r"(?:[0-9A-F]{2}:){19}[0-9A-F]{2}")


@dataclass(frozen=True)
class VCenterAddress:
    """One server and one user.

    `url` is scheme, host and port (`https://vc.example:443`); a bare host means https, a path is ignored. The
    certificate is judged by `thumbprint` (SHA-1, as vSphere prints it, 4.7) where given, else by the authorities in
    `ca_file`, else by the system's; `insecure` believes whoever answers. Raises BadAddress for what cannot be used.
    """

    url: str
    user: str
    password: str = field(repr=False)
    ca_file: Path | None = None
    thumbprint: str | None = None
    insecure: bool = False
    host: str = field(init=False, repr=False)
    port: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take the URL apart once, so that a wrong one is refused before anything happens."""
        host, port = https_server(self.url, "vCenter")
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "port", port)
        if self.thumbprint is not None:
            object.__setattr__(self, "thumbprint", normal_thumbprint(self.thumbprint))

    @property
    def authority(self) -> str:
        """`host:port`, with brackets where the host is an IPv6 address."""
        return joined(self.host, self.port)

    def tls(self) -> ssl.SSLContext:
        """Return the TLS context that judges the server as asked."""
        if self.thumbprint is not None or self.insecure:
            return unjudged()
        return judged_by(self.ca_file)


def https_server(url: str, of: str) -> tuple[str, int]:
    """Return host and port of the https server at `url`, whose scheme may be left out; BadAddress for all else."""
    whole = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        # What the parser quotes may be a piece of a password.
        why = "" if "@" in whole else f" ({error})"
        raise BadAddress(f"{_bare(whole)!r} is not a URL{why}; give https://HOST[:PORT] of {of}") from None
    if parts.scheme != "https" or not host or parts.username is not None:
        raise BadAddress(
            f"the address of {of} has to be https://HOST[:PORT] without user or password, got {_bare(whole)!r}"
        )
    return host, port


def joined(host: str, port: int) -> str:
    """Return `host:port`, with brackets where the host is an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def normal_thumbprint(text: str) -> str:
    """Return a SHA-1 thumbprint as vSphere prints it, upper-case hex pairs with colons; BadAddress for others."""
    digits = re.sub(r"[\s:]", "", text).upper()
    shown = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
    if not _SHA1.fullmatch(shown):
        raise BadAddress(
            f"a thumbprint has to be the certificate's SHA-1, 20 bytes in hex as vSphere prints it, got {text!r}"
        )
    return shown


def judged_by(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the authorities in `ca_file`, or the system's."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise BadAddress(f"cannot read certificates from {ca_file}: {error}; give a PEM file") from None


def unjudged() -> ssl.SSLContext:
    """Return a context that leaves the judgement to a pin, or to nobody."""
    # Not the default context: to read the system's authorities for nothing takes 30 ms.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _bare(url: str) -> str:
    # What stands before an @ may be a password.
    return re.sub(r"//.*@", "//...@", url)
