"""What a fault, a broken connection or a strange answer means to the user."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
from collections.abc import Iterator
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from .._errors import (
    BadAnswer,
    Busy,
    ExportError,
    HostUnreachable,
    LeaseLost,
    LoginRefused,
    NotPermitted,
    Refused,
    Untrusted,
    WrongPowerState,
    WrongThumbprint,
)


def said(fault: BaseException) -> str:
    """Return a fault as its type and the server's own words."""
    kind = type(fault).__name__.rsplit(".", 1)[-1]
    words = getattr(fault, "msg", None) or getattr(fault, "faultMessage", None) or ""
    return f"{kind}: {words.rstrip('.')}" if isinstance(words, str) and words else kind


def meaning(fault: BaseException, doing: str) -> ExportError:
    """Return the error that stands for a fault which came while `doing` something, such as `log in`."""
    came = said(fault)
    if isinstance(fault, vim.fault.InvalidLogin):
        return LoginRefused(f"cannot {doing}: vCenter says {came}; check the user name and the password")
    if isinstance(fault, vim.fault.NotAuthenticated):
        return Refused(f"cannot {doing}: the session has ended on the server ({came}); run the command again")
    if isinstance(fault, vim.fault.NoPermission):
        needs = getattr(fault, "privilegeId", None)
        wanted = f"privilege {needs}" if needs else "a privilege that this user lacks"
        return NotPermitted(f"cannot {doing}: it needs {wanted} ({came}); ask vCenter's administrator for it")
    if isinstance(fault, vim.fault.InvalidPowerState):
        return WrongPowerState(f"cannot {doing}: the VM is not powered off ({came}); power it off and try again")
    if isinstance(fault, vim.fault.TaskInProgress):
        return Busy(f"cannot {doing}: another task holds the VM ({came}); wait for it or cancel it, then try again")
    if isinstance(fault, vim.fault.Timedout):
        return LeaseLost(f"cannot {doing}: the server says that the lease has timed out ({came}); export again")
    if isinstance(fault, vmodl.fault.ManagedObjectNotFound):
        return Refused(f"cannot {doing}: the server no longer knows the object ({came}); look it up again")
    if isinstance(fault, vim.fault.FileNotFound):
        # A client that leaves the images out does not help: the host looks for them all the same (2.16).
        return Refused(
            f"cannot {doing}: a file that the VM stands on, or that is in one of its drives, is gone ({came});"
            " bring it back, or take it out of the drive"
        )
    if isinstance(fault, vim.fault.RestrictedVersion):
        return Refused(f"cannot {doing}: the server's licence forbids it ({came}); export from a licensed server")
    if isinstance(fault, vmodl.fault.NotSupported):
        hint = "; an encrypted VM or one with a virtual TPM cannot be exported" if "export" in doing else ""
        return Refused(f"cannot {doing}: the server does not support it ({came}){hint}")
    return Refused(f"cannot {doing}: the server says {came}")


@contextlib.contextmanager
def explained(doing: str, server: str) -> Iterator[None]:
    """Turn whatever goes wrong in a call into an ExportError; `server` is host and port."""
    try:
        yield
    except vmodl.MethodFault as fault:
        raise meaning(fault, doing) from fault
    except ssl.SSLCertVerificationError as error:
        raise _certificate(error, server) from error
    except ssl.SSLError as error:
        raise HostUnreachable(
            f"cannot {doing}: no TLS with {server} ({error.reason or error}); check that vCenter listens there",
            whose="vCenter",
        ) from error
    except OSError as error:
        raise HostUnreachable(
            f"cannot {doing}: no connection to {server} ({error.strerror or error});"
            " check the address, the network and that vCenter is up",
            whose="vCenter",
        ) from error
    except http.client.HTTPException as error:
        shown = str(error) or type(error).__name__
        raise BadAnswer(f"cannot {doing}: {server} answered {shown}; check that it is a vCenter or an ESXi host") from (
            error
        )
    except (ExpatError, AttributeError, KeyError, TypeError, ValueError) as error:
        # What pyVmomi lets through when an answer is not the SOAP it expects.
        raise BadAnswer(
            f"cannot {doing}: {server} answered something that is not SOAP of this API"
            f" ({type(error).__name__}: {str(error)[:120]}); check that it is a vCenter or an ESXi host"
        ) from error


@contextlib.contextmanager
def asked_once(what: str) -> Iterator[None]:
    """Say of a wish for a lease whose answer did not come what that may mean, since nobody repeats it (2.14a).

    `what` is what a lease would lock: a server grants it before it answers, so it may stand until it times out.
    """
    try:
        yield
    except (BadAnswer, HostUnreachable) as error:
        raise type(error)(
            f"{error}. Whether a lease was granted cannot be known from here, and it was not asked for again:"
            f" {what} may be locked until that lease times out, or until somebody cancels its task",
            whose=error.whose,
        ) from error


def _certificate(error: ssl.SSLCertVerificationError, server: str) -> ExportError:
    pinned = re.search(r"thumbprint (\S+), expected ([0-9A-F:]+)", str(error))
    if pinned:
        return WrongThumbprint(
            f"{server} shows a certificate with thumbprint {pinned[1]}, expected {pinned[2]};"
            " nothing was sent: make sure that this is your vCenter before you change the thumbprint",
            whose="vCenter",
        )
    why = getattr(error, "verify_message", "") or str(error)
    return Untrusted(
        f"{server} shows a certificate that is not trusted ({why});"
        " give its authority with --ca-file, or its thumbprint with --thumbprint",
        whose="vCenter",
    )
