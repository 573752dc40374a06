"""Opening a TCP connection in a bounded time, with a say in between."""

from __future__ import annotations

import errno
import ipaddress
import os
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

from .._errors import BadAddress

PULSE = 0.1
"""Real seconds between two looks at whether the connection is still wanted."""


def dial(
    host: str, port: int | None, seconds: float, check: Callable[[], None], *, loopback: bool = True
) -> socket.socket:
    """Return a connection to the first address of `host` that answers, within `seconds` of real time for all of them.

    `check` is called while it waits; what it raises ends the attempt. Raises OSError, TimeoutError where nobody
    answered, and gaierror for a name that does not resolve. The look-up itself is the resolver's to bound.
    """
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not loopback and any(is_this_machine(str(row[4][0])) for row in rows):
        raise BadAddress(
            f"the server gives a file at {host}, which is this machine, though the server itself is another one;"
            " nothing was asked of it",
            whose="vCenter",
        )
    until = time.monotonic() + seconds
    failed: OSError = OSError(errno.EHOSTUNREACH, "no address")
    for left, (family, kind, protocol, _, address) in zip(range(len(rows), 0, -1), rows, strict=True):
        now = time.monotonic()
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            failed = error
            continue
        try:
            # An address that does not answer leaves the others their share.
            _connect(sock, address, now + (until - now) / left, check)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(seconds)
        except ConnectionAbortedError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed


def leads_here(host: str, port: int) -> bool:
    """Tell whether a name leads to the machine that dials it; one that does not resolve leads nowhere."""
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(is_this_machine(str(row[4][0])) for row in rows)


def is_this_machine(address: str) -> bool:
    """Tell whether an IP address leads to the machine that dials it."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    return found.is_loopback or found.is_unspecified


def _connect(sock: socket.socket, address: Any, until: float, check: Callable[[], None]) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        check()
        while code in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
            if selector.select(PULSE):
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                break
            check()
            if time.monotonic() >= until:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    if code:
        raise OSError(code, os.strerror(code))
