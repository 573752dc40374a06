"""Every fault and every strange answer becomes one line that says whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from exporter.host_by_hand import host
from twohop.exporter import (
    BadAnswer,
    Busy,
    ExportError,
    LeaseLost,
    LoginRefused,
    NotPermitted,
    Refused,
    VCenterAddress,
    VSphere,
    WrongPowerState,
)
from twohop.exporter.vsphere._faults import meaning


@pytest.mark.parametrize(
    ("fault", "kind", "whose", "words"),
    [
        (vim.fault.InvalidLogin(msg="no"), LoginRefused, "you", "InvalidLogin: no"),
        (vim.fault.NoPermission(privilegeId="VApp.Export"), NotPermitted, "you", "privilege VApp.Export"),
        (vim.fault.NotAuthenticated(), Refused, "vCenter", "the session has ended"),
        (vim.fault.InvalidPowerState(), WrongPowerState, "you", "power it off"),
        (vim.fault.TaskInProgress(), Busy, "vCenter", "another task holds the VM"),
        (vim.fault.Timedout(msg="Operation timed out."), LeaseLost, "vCenter", "Operation timed out"),
        (vim.fault.RestrictedVersion(), Refused, "vCenter", "licence"),
        (vmodl.fault.NotSupported(), Refused, "vCenter", "virtual TPM"),
        (vmodl.fault.ManagedObjectNotFound(), Refused, "vCenter", "no longer knows the object"),
        (
            vim.fault.FileNotFound(msg="File /vmfs/x.iso was not found"),
            Refused,
            "vCenter",
            "x.iso was not found); bring it back",
        ),
    ],
)
def test_faults(fault: Any, kind: type[ExportError], whose: str, words: str) -> None:
    error = meaning(fault, "export the VM")
    assert type(error) is kind
    assert error.whose == whose
    assert str(error).startswith("cannot export the VM: ") and words in str(error)


def versions(body: bytes, then: Callable[..., Any]) -> Callable[..., Any]:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ["REQUEST_METHOD"] == "GET":
            start("200 OK", [("Content-Type", "text/xml")])
            return [body]
        return then(start)

    return app


GOOD = (
    b'<?xml version="1.0"?><namespaces version="1.0"><namespace><name>urn:vim25</name><version>8.0.3.0</version>'
    b"<priorVersions><version>8.0.1.0</version></priorVersions></namespace></namespaces>"
)


def page(status: str, body: bytes) -> Callable[..., Any]:
    def then(start: Callable[..., Any]) -> Iterator[bytes]:
        start(status, [("Content-Type", "text/html")])
        return iter([body])

    return then


@pytest.mark.parametrize(
    ("listed", "then", "words"),
    [
        (b"<html>hello", page("200 OK", b""), "not XML"),
        (b"<namespaces/>", page("200 OK", b""), "offers no version of the vSphere API that this client knows"),
        (GOOD.replace(b"8.0", b"99.0"), page("200 OK", b""), "99.0.1.0, 99.0.3.0"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><namespaces>&a;</namespaces>', page("200 OK", b""), "document type"),
        (GOOD, page("503 Service Unavailable", b"busy"), "503 Service Unavailable"),
        (GOOD, page("200 OK", b"<html>welcome</html>"), "not SOAP"),
        (GOOD, page("500 Internal Server Error", b"oops & <"), "not SOAP"),
        (GOOD, page("302 Found", b""), "302"),
    ],
)
def test_a_server_that_is_no_vcenter(tmp_path: Path, listed: bytes, then: Any, words: str) -> None:
    with host(versions(listed, then), tmp_path) as other:
        address = VCenterAddress(other.server.url, "u", "secret-pw", thumbprint=other.thumbprint)
        with (
            pytest.raises(BadAnswer, match=r"check that it is a vCenter|install another pyvmomi") as caught,
            VSphere(address),
        ):
            pass
    assert words in str(caught.value)
    assert "secret-pw" not in str(caught.value) and "\n" not in str(caught.value)
