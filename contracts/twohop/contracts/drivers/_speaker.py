"""Speaking to a vCenter and its hosts as a plain client does: pyVmomi for the calls, urllib3 for the bytes.

Never by the exporter of this project: what is judged must not be seen through eyes that share its mistakes.
"""

from __future__ import annotations

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit

import urllib3
from pyVmomi import SoapStubAdapter, vim, vmodl
from pyVmomi.VmomiSupport import GetServiceVersions, versionIdMap
from urllib3.connection import HTTPSConnection

from twohop.contracts._target import Target
from twohop.contracts.history import PROBE
from twohop.runtime import thumbprint_of
from twohop.runtime.observing import Observations, ObservedBody, Observer, Request, Response, observing_connection

PATIENCE = 60.0
"""Real seconds for an answer."""
PIECE = 1 << 16


class Speaker:
    """A logged-in session whose every exchange is written down. Nothing is pinned: the contract compares by itself."""

    def __init__(self, target: Target, observations: Observations) -> None:
        self._target = target
        self._observer = observations.observer(PROBE)
        self._tls = ssl.create_default_context(cafile=str(target.ca_file))
        parts = urlsplit(target.url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        scheme = observing_connection(self._observer)
        self._stub = SoapStubAdapter(
            host=self._host,
            port=self._port,
            version=self._version(scheme),
            sslContext=self._tls,
            acceptCompressedResponses=False,
        )
        self._stub.scheme = scheme
        self._stub.schemeArgs["timeout"] = PATIENCE
        self._content: Any = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
        self.login()

    def login(self) -> None:
        """Log in, for the first time or after the session has ended."""
        self._content.sessionManager.Login(userName=self._target.user, password=self._target.password)

    def close(self) -> None:
        """Log out and hang up."""
        try:
            self._content.sessionManager.Logout()
        except vmodl.MethodFault:
            pass  # the session may have ended by itself
        self._stub.DropConnections()

    def machines(self, names: tuple[str, ...]) -> list[Any]:
        """Return the machines of these names, in this order; LookupError says which is missing."""
        view = self._content.viewManager.CreateContainerView(self._content.rootFolder, [vim.VirtualMachine], True)
        found = {self.read(vm, "name")["name"]: vm for vm in view.view}
        view.Destroy()
        missing = [name for name in names if name not in found]
        if missing:
            raise LookupError(f"the target has no machine {', '.join(missing)}; it has {', '.join(sorted(found))}")
        return [found[name] for name in names]

    def read(self, obj: Any, *paths: str) -> dict[str, Any]:
        """Read properties of one object in one call; those that are unset are left out."""
        collector = vmodl.query.PropertyCollector
        spec = collector.FilterSpec(
            objectSet=[collector.ObjectSpec(obj=obj)],
            propSet=[collector.PropertySpec(type=type(obj), pathSet=list(paths))],
        )
        result = self._content.propertyCollector.RetrievePropertiesEx([spec], collector.RetrieveOptions())
        return {prop.name: prop.val for content in result.objects for prop in content.propSet} if result else {}

    def download(self, url: str) -> None:
        """GET a device URL to its end, whatever that is, and write down what came."""
        parts = urlsplit(url)
        host = self._host if parts.hostname == "*" else parts.hostname or ""
        seen: list[str] = []
        kind = type("_Seeing", (_SeeingConnection,), {"seen": seen})
        pool = urllib3.HTTPSConnectionPool(host, parts.port or 443, ssl_context=self._tls, timeout=PATIENCE)
        pool.ConnectionCls = kind
        try:
            _fetch(self._observer, pool, url, parts.path, seen)
        finally:
            pool.close()

    def _version(self, scheme: Any) -> str:
        connection = scheme(self._host, self._port, timeout=PATIENCE, context=self._tls)
        try:
            connection.request("GET", "/sdk/vimServiceVersions.xml")
            answer: http.client.HTTPResponse = connection.getresponse()
            offered = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for version in GetServiceVersions("vim25"):
            if f"<version>{versionIdMap[version]}</version>" in offered:
                return str(version)
        raise LookupError(f"{self._target.url} offers no version of the vSphere API that this pyVmomi knows")


class _SeeingConnection(HTTPSConnection):
    """A connection that notes the thumbprint of its peer."""

    seen: list[str]

    def connect(self) -> None:
        super().connect()
        certificate = self.sock.getpeercert(binary_form=True) if isinstance(self.sock, ssl.SSLSocket) else None
        if certificate:
            self.seen.append(thumbprint_of(certificate))


def _fetch(observer: Observer, pool: urllib3.HTTPSConnectionPool, url: str, path: str, seen: list[str]) -> None:
    body, t0 = ObservedBody(), observer.now()
    answer: urllib3.BaseHTTPResponse | None = None
    t_first, error, end = t0, None, "complete"
    try:
        answer = pool.urlopen("GET", path, preload_content=False, retries=False, redirect=False)
        t_first = observer.now()
        for piece in answer.stream(PIECE, decode_content=False):
            body.feed(piece)
    except (urllib3.exceptions.HTTPError, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}"
        end = "reset" if "reset" in error.lower() else "cut"
    conn = observer.connection(url, seen[-1] if seen else None)
    response = None
    if answer is not None:
        headers = [(str(name), str(value)) for name, value in answer.headers.items()]
        chunked = "chunked" in (answer.headers.get("Transfer-Encoding") or "").lower()
        framing = "chunked" if chunked else "length" if "Content-Length" in answer.headers else "close"
        response = Response(
            answer.status, observer.headers(headers), digest=body.digest(), framing=framing, end=end  # type: ignore[arg-type]
        )  # fmt: skip
    request = Request("GET", observer.scrub(url))
    observer.saw(conn, request, response, t0=t0, t_first=t_first, error=observer.scrub(error) if error else None)
