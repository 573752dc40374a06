"""pyVmomi's plain SOAP stub over a connection that we can watch and pin.

Never pyVmomi's session-oriented stub: that one sends any call again after a cut, so one ExportVm may become two
(2.14a).
"""

from __future__ import annotations

import contextlib
import http.client
from typing import Any

from lxml import etree
from pyVmomi import SoapStubAdapter
from pyVmomi.VmomiSupport import GetServiceVersions, versionIdMap

from twohop.runtime.observing import ObservingConnection

from .._errors import BadAnswer
from .._xml import parse
from ._address import VCenterAddress
from ._faults import explained

VERSIONS = "/sdk/vimServiceVersions.xml"
PATIENCE = 300.0
"""Real seconds for the answer to a call that may take long, such as CreateDescriptor (8.12)."""
PROMPT = 60.0
"""Real seconds for the answer to a call that keeps or ends a lease."""
DIGESTING = 900.0
"""Real seconds for the manifest: a server that digests a disk only when it is asked (5.5) reads all of it then."""
LARGEST = 64 << 20
"""Bytes of an answer that are read; names of a hundred thousand machines are less."""
IDLE = 20.0
"""Real seconds that a connection may idle and be used again; servers close idle ones at times of their own, and a call
on a closed one would have to be sent twice."""


def bounded(scheme: type[ObservingConnection]) -> type[ObservingConnection]:
    """Return a class of connections like `scheme` whose answers end at LARGEST, whatever the server goes on sending."""

    class Answer(scheme.response_class):  # type: ignore[name-defined,misc]
        _came = 0

        def read(self, amt: int | None = None) -> bytes:
            left = LARGEST - self._came
            piece: bytes = super().read(left + 1 if amt is None else min(amt, left + 1))
            self._came += len(piece)
            if self._came > LARGEST:
                self.close()
                raise http.client.HTTPException(f"more than {LARGEST >> 20} MiB, which no call of this API gives")
            return piece

    return type("BoundedConnection", (scheme,), {"response_class": Answer})


def negotiate(address: VCenterAddress, scheme: type[ObservingConnection]) -> str:
    """Return pyVmomi's name of the newest API version that both sides know (10.3)."""
    offered = _offered(address, scheme)
    for version in GetServiceVersions("vim25"):
        number = versionIdMap[version]
        # Some ids are hashes of unreleased versions.
        if number[:1].isdigit() and number in offered:
            return str(version)
    raise BadAnswer(
        f"{address.authority} offers no version of the vSphere API that this client knows"
        f" (offered: {', '.join(sorted(offered)) or 'none'}); install another pyvmomi"
    )


def open_stub(address: VCenterAddress, scheme: type[ObservingConnection], version: str, patience: float) -> Any:
    """Return a SOAP stub for `address` that waits `patience` seconds for an answer; threads may share it."""
    stub = SoapStubAdapter(
        host=address.host,
        port=address.port,
        version=version,
        sslContext=address.tls(),
        acceptCompressedResponses=False,
        connectionPoolTimeout=IDLE,
    )
    stub.scheme = scheme
    stub.schemeArgs["timeout"] = patience
    return stub


def _offered(address: VCenterAddress, scheme: type[ObservingConnection]) -> set[str]:
    with explained("reach vCenter", address.authority):
        connection = scheme(address.host, address.port, timeout=PROMPT, context=address.tls())
        with contextlib.closing(connection):
            connection.request("GET", VERSIONS, headers={"User-Agent": "twohop"})
            answer = connection.getresponse()
            body = answer.read()
    if answer.status != 200:
        raise BadAnswer(
            f"{address.authority} answered {answer.status} to GET {VERSIONS}, expected 200;"
            " check that it is a vCenter or an ESXi host"
        )
    try:
        root = parse(body)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadAnswer(
            f"{address.authority} answered GET {VERSIONS} with something that is not XML ({error});"
            " check that it is a vCenter or an ESXi host"
        ) from None
    spaces = [space for space in root.iterfind("namespace") if (space.findtext("name") or "").strip() == "urn:vim25"]
    found = [node.text for space in spaces for node in space.iter("version")]
    return {text.strip() for text in found if text}
