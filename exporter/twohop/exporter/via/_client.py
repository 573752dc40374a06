"""A client of the vCloud API: log in, find, enable, wait, disable (vcd 1-3)."""

from __future__ import annotations

import base64
import contextlib
import re
from dataclasses import dataclass, replace
from types import TracebackType
from urllib.parse import quote

from lxml import etree

from .._errors import Ambiguous, BadAnswer, ExportError, LoginRefused, NotFound, NotPermitted, Refused, WrongPowerState
from .._xml import parse
from ._ledger import without_ledger
from ._wire import Answer, Wire

VCLOUD = "{http://www.vmware.com/vcloud/v1.5}"
VERSIONS = "{http://www.vmware.com/vcloud/versions}"
KNOWN = (1, 5), (39, 0)
"""The oldest and the newest version of the API that this client has been written for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A vApp or template: its name and its path at the cell."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands: status (2.13), percent, the message of a failure, and when it started, as the cell says it.

    `linked` tells whether the entity had a download already when the task was asked for.
    """

    path: str
    status: str
    percent: int
    message: str
    details: str = ""
    started: str = ""
    linked: bool = False


class Gone(ExportError):
    """The entity has no such download, or none any more."""

    whose = "cell"


class CloudClient:
    """One session with a cell as `user@org`, logged in while the context is open."""

    def __init__(self, wire: Wire, user: str, password: str) -> None:
        if "@" not in user:
            raise LoginRefused(f"who logs in at a cell is USER@ORG, got {user!r}")
        self._wire, self._user, self._password = wire, user, password
        self._token: dict[str, str] = {}
        self.version = ""

    def __enter__(self) -> CloudClient:
        self.version = self._negotiate()
        self._log_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The session ends by itself in time.
        with contextlib.suppress(ExportError):
            self._send("DELETE", "/api/session")

    @property
    def token(self) -> dict[str, str]:
        """The header that shows who we are; for this cell alone."""
        return dict(self._token)

    def find(self, name: str) -> Found:
        """Return the vApp called `name`, or the template of `CATALOG/ITEM`; raise NotFound or Ambiguous."""
        catalog, slash, item = name.partition("/")
        if slash:
            rows = self._records("catalogItem", catalogName=catalog, name=item)
            entity = self.get(self._one(rows, name, "catalog item")).find(f"{VCLOUD}Entity")
            if entity is None or not str(entity.get("type")).endswith("vAppTemplate+xml"):
                raise NotFound(f"{name} is no vApp template; media are not exported", whose="you")
            return Found(item, self._wire.path_of(str(entity.get("href"))))
        rows = self._records("vApp", name=name)
        if not rows and (machines := self._records("vm", name=name)):
            homes = ", ".join(sorted({str(row.get("containerName")) for row in machines}))
            raise NotFound(f"{name} is a VM, and single VMs cannot be downloaded from a cell (2.10); export {homes}")
        return Found(name, self._one(rows, name, "vApp"))

    def get(self, path: str) -> etree._Element:
        """Return the document at a path."""
        return self._document(self._send("GET", path), "GET", path)

    def enable(self, found: Found) -> Task:
        """Ask for the entity's download and return the task; raise WrongPowerState where it is not to be had."""
        entity = self.get(found.path)
        action = next(
            (href for rel, href in _links(entity) if rel == "enable" and href.endswith("/enableDownload")), None
        )
        if action is None:
            raise self._why_not(found, entity)
        path = self._wire.path_of(action)
        answer = self._send("POST", path)
        if answer.status == 400:
            # Somebody may have powered it on since we looked (F16).
            entity = self.get(found.path)
            if not any(href.endswith("/enableDownload") for _, href in _links(entity)):
                raise self._why_not(found, entity)
            raise Refused(f"the cell refuses to export {found.name}: {_message(answer)}", whose="cell")
        document = self._document(answer, "POST", path, 202)
        linked = any(rel.startswith("download:") for rel, _ in _links(entity))
        return replace(self._task(document, answer.headers.get("location") or str(document.get("href"))), linked=linked)

    def machines(self, found: Found) -> list[str]:
        """Return the names of the VMs of an entity, in its order."""
        vms = self.get(found.path).iterfind(f"{VCLOUD}Children/{VCLOUD}Vm")
        return [str(vm.get("name")) for vm in vms]

    def task(self, task: Task) -> Task:
        """Return a task as it stands now."""
        return replace(self._task(self.get(task.path), task.path), linked=task.linked)

    def cancel(self, task: Task) -> None:
        """Ask a task to stop."""
        self._send("POST", f"{task.path}/action/cancel")

    def disable(self, found: Found) -> None:
        """End the entity's download."""
        path = f"{found.path}/action/disableDownload"
        answer = self._send("POST", path)
        if answer.status != 204:
            raise self._refused(answer, "POST", path)

    def link(self, found: Found, rel: str) -> str:
        """Return the URL of the entity's download; raise Gone where it has none."""
        for seen, href in _links(self.get(found.path)):
            if seen == rel:
                return href
        raise Gone(f"the cell shows no {rel} link for {found.name}, although its task has succeeded; try again")

    def _negotiate(self) -> str:
        answer = self._wire.request("GET", "/api/versions", {"Accept": "*/*"})
        root = self._document(answer, "GET", "/api/versions")
        offered = [info.findtext(f"{VERSIONS}Version") or "" for info in root.iterfind(f"{VERSIONS}VersionInfo")]
        usable = {n: v for v in offered if (n := _number(v)) is not None and KNOWN[0] <= n <= KNOWN[1]}
        if not usable:
            raise BadAnswer(f"{self._wire.host} offers no API version from 1.5 to 39.0, but {offered}", whose="cell")
        return usable[max(usable)]

    def _log_in(self) -> None:
        newer = (_number(self.version) or KNOWN[0]) >= (33, 0)
        path, kind = ("/cloudapi/1.0.0/sessions", "json") if newer else ("/api/sessions", "*+xml")
        basic = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        accept = f"application/{kind};version={self.version}"
        answer = self._wire.request("POST", path, {"Accept": accept, "Authorization": f"Basic {basic}"})
        if answer.status == 401:
            raise LoginRefused(f"{self._wire.host} does not know {self._user} with this password; give USER@ORG")
        access, token = answer.headers.get("x-vmware-vcloud-access-token"), answer.headers.get("x-vcloud-authorization")
        if answer.status != 200 or not (access or token):
            raise self._refused(answer, "POST", path)
        self._token = {"Authorization": f"Bearer {access}"} if access else {"x-vcloud-authorization": str(token)}

    def _send(self, method: str, path: str) -> Answer:
        accept = {"Accept": f"application/*+xml;version={self.version}"}
        answer = self._wire.request(method, path, {**accept, **self._token})
        if answer.status == 401 and method != "DELETE":
            # A download may have outlived the session, which transfers do not keep alive (1.11).
            self._log_in()
            answer = self._wire.request(method, path, {**accept, **self._token})
        return answer

    def _records(self, type_: str, **wanted: str) -> list[etree._Element]:
        encoded = (_number(self.version) or KNOWN[0]) < (35, 0)
        terms = [f"{key}=={_value(value, encoded)}" for key, value in wanted.items()]
        text = quote(";".join(terms), safe="=") if encoded else ";".join(terms)
        how = "&filterEncoded=true" if encoded else ""
        root = self.get(f"/api/query?type={type_}&format=records&pageSize=128{how}&filter={text}")
        return [row for row in root if isinstance(row.tag, str) and row.get("name") == wanted["name"]]

    def _one(self, rows: list[etree._Element], name: str, what: str) -> str:
        if not rows:
            raise NotFound(f"{self._user} sees no {what} called {name!r}; a template is given as CATALOG/ITEM")
        if len(rows) > 1:
            homes = ", ".join(sorted(str(row.get("vdcName")) for row in rows))
            raise Ambiguous(f"{len(rows)} {what}s are called {name!r} (in {homes}); rename one")
        return self._wire.path_of(str(rows[0].get("href")))

    def _why_not(self, found: Found, entity: etree._Element) -> ExportError:
        if entity.get("deployed") == "true" or entity.get("status") in ("3", "4", "10"):
            return WrongPowerState(
                f"{found.name} is powered on or suspended, expected powered off; stop it and try again"
            )
        if entity.find(f"{VCLOUD}Children") is None:
            return NotFound(f"{found.name} holds no VMs, so there is nothing to export")
        return Refused(
            f"the cell offers no download of {found.name} (status {entity.get('status')}); its lease may have expired"
            f" or {self._user} may lack the right", whose="you",
        )  # fmt: skip

    def _task(self, element: etree._Element, href: str) -> Task:
        error = element.find(f"{VCLOUD}Error")
        details = element.findtext(f"{VCLOUD}Details") or ""
        message = str(error.get("message")) if error is not None else without_ledger(details)
        percent = element.findtext(f"{VCLOUD}Progress") or "0"
        return Task(
            self._wire.path_of(href), str(element.get("status")), int(percent) if percent.isdigit() else 0,
            re.sub(r"^\[ [0-9a-f-]* \] ", "", " ".join(message.split())), details, element.get("startTime") or "",
        )  # fmt: skip

    def _document(self, answer: Answer, method: str, path: str, status: int = 200) -> etree._Element:
        if answer.status != status:
            raise self._refused(answer, method, path)
        try:
            return parse(answer.body)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise BadAnswer(f"{self._wire.host} answered {method} {path} with no XML: {error}", whose="cell") from None

    def _refused(self, answer: Answer, method: str, path: str) -> ExportError:
        said = f"{self._wire.host} answered {answer.status} to {method} {path.partition('?')[0]}: {_message(answer)}"
        if answer.status in (401, 403):
            return NotPermitted(said)
        return Refused(said, whose="cell")


def _links(element: etree._Element) -> list[tuple[str, str]]:
    return [(str(link.get("rel")), str(link.get("href"))) for link in element.iterfind(f"{VCLOUD}Link")]


def _message(answer: Answer) -> str:
    # Proxies in front of a cell answer with pages of their own.
    with contextlib.suppress(etree.XMLSyntaxError, ValueError):
        message = parse(answer.body).get("message")
        if message:
            return " ".join(message.split())[:300]
    return "without a message"


def _number(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else None


def _value(text: str, encoded: bool) -> str:
    if encoded:
        return quote(text, safe="")
    return quote(re.sub(r"([();,])", r"\\\1", text), safe="")
