"""One file of a package to one device URL of an import: a disk is posted, anything else is put (6.5)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from .._device_file import Source
from .._errors import ExportError
from ._answer import Head, Unreadable, read_head
from ._connection import Peer, Unverified, Wire, broken_off, open_tls, unreached
from ._fetch import Line, _asked, _refused

DISK = "application/x-vnd.vmware-streamVmdk"
TAKEN = (200, 201)


def send_to(
    source: Source, pieces: Iterable[bytes], size: int, line: Line, *, disk: bool, on_bytes: Callable[[int], None]
) -> None:
    """Send `size` bytes to a device URL; return once the host says that it has taken them.

    Only https, no redirect, no second try, no cookie, as `fetch_into`. Raises HostUnreachable, WrongThumbprint,
    Untrusted, HostRefused, HostBusy, ShortStream, BadAddress, what `pieces` raise, and the reason of `line.cancelled`.
    """
    host, target = _asked(source.url)
    peer = Peer(line.loopback)
    fields = {"Host": host, "User-Agent": "twohop", "Connection": "close", "Content-Length": str(size)}
    fields |= {"Content-Type": DISK} if disk else {"Content-Type": "application/octet-stream", "Overwrite": "t"}
    head = "\r\n".join([f"{'POST' if disk else 'PUT'} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())])
    with line.cancelled.on_cancel(peer.hang_up):
        line.cancelled.check()
        try:
            tls = open_tls(source.url, source.thumbprint, line.ca_file, line.insecure, peer, line.whose)
        except (OSError, Unverified) as error:
            line.cancelled.check()
            raise unreached(error, host, line.whose) from error
        with contextlib.closing(tls):
            sent = 0
            tls.settimeout(line.silence)
            broken: OSError | None = None
            try:
                tls.sendall(f"{head}\r\n\r\n".encode("latin-1"))
            except OSError as error:
                broken = error
            for piece in pieces if broken is None else ():
                line.cancelled.check()
                try:
                    tls.sendall(piece)
                except OSError as error:
                    # A host that refuses says so before it hangs up, and may be heard still.
                    broken = error
                    break
                sent += len(piece)
                on_bytes(sent)
                if line.throttle is not None:
                    line.throttle(len(piece))
            line.cancelled.check()
            answer = _answer(Wire(tls, line.silence), broken, lambda error: _lost(error, host, line, sent))
            if answer.status not in TAKEN:
                raise _refused(answer, host, line.whose)
            if broken is not None:
                raise _lost(broken, host, line, sent) from broken
    line.cancelled.check()


def _answer(wire: Wire, broken: OSError | None, lost: Callable[[Exception], ExportError]) -> Head:
    try:
        return read_head(wire.read)[0]
    except (OSError, Unreadable) as error:
        raise lost(broken or error) from error


def _lost(error: Exception, host: str, line: Line, sent: int) -> ExportError:
    line.cancelled.check()
    told = broken_off(error, host, line.whose, sent, line.silence)
    return type(told)(f"while {sent} bytes were sent: {told}", whose=line.whose)
