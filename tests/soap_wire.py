"""Speaking SOAP by hand: own envelopes over urllib3, answers as plain elements. Shares no code with the fake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import urllib3
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
VIM = "urn:vim25"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PATIENCE = 60.0
_HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:xsi="{XSI}"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soapenv:Body>'
)
_TAIL = "</soapenv:Body></soapenv:Envelope>"
MANAGERS_OF_A_HOST = "ha-sessionmgr", "ha-property-collector"


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: Any
    data: bytes

    @property
    def root(self) -> Any:
        """The envelope; fails where the answer is not well-formed."""
        return etree.fromstring(self.data, etree.XMLParser(resolve_entities=False, no_network=True))

    @property
    def body(self) -> Any:
        """The one element in the body."""
        (body,) = self.root.findall(f"{{{SOAP}}}Body")
        (only,) = body
        return only

    @property
    def fault(self) -> str | None:
        """The xsi:type of a fault's detail, or its faultcode where it has no detail; None for a result."""
        if self.body.tag != f"{{{SOAP}}}Fault":
            assert self.status == 200
            return None
        assert self.status == 500
        detail = self.body.find("detail")
        return self.body.findtext("faultcode") if detail is None else str(detail[0].get(f"{{{XSI}}}type"))

    @property
    def detail(self) -> Any:
        """The element in a fault's detail."""
        return self.body.find("detail")[0]

    @property
    def message(self) -> str:
        """A fault's text."""
        return str(self.body.findtext("faultstring"))

    @property
    def cookie(self) -> str | None:
        """The whole Set-Cookie header."""
        return self.headers.get("Set-Cookie")

    def texts(self, name: str) -> list[str]:
        """The text of every element of that name, wherever it stands."""
        return [e.text or "" for e in self.root.iter(f"{{{VIM}}}{name}")]


def ref(name: str, kind: str, moid: str) -> str:
    """An element that refers to an object."""
    return f"<{name} type={quoteattr(kind)}>{escape(moid)}</{name}>"


class Wire:
    """A client of a fake vCenter that writes its own XML."""

    def __init__(self, vcenter: Any, version: str | None = None) -> None:
        self.vcenter = vcenter
        self.version = version
        self.cookie: str | None = None
        self.extra: dict[str, str] = {}
        alone = vcenter.profile.product == "esxi"
        self.session_manager, self.collector = MANAGERS_OF_A_HOST if alone else ("SessionManager", "propertyCollector")
        self.pool = urllib3.PoolManager(ca_certs=str(vcenter.ca_file), retries=False, timeout=PATIENCE, maxsize=4)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.clear()

    def post(self, body: str | bytes, *, action: str | None = None, path: str = "/sdk") -> Answer:
        """Send a body as it is."""
        headers = {"Content-Type": "text/xml; charset=utf-8", **self.extra}
        if action is None:
            action = f'"urn:vim25/{self.version}"' if self.version else None
        if action is not None:
            headers["SOAPAction"] = action
        if self.cookie is not None:
            headers["Cookie"] = self.cookie
        data = body.encode() if isinstance(body, str) else body
        answer = self.pool.request("POST", self.vcenter.url + path, body=data, headers=headers)
        return Answer(answer.status, answer.headers, answer.data)

    def call(self, method: str, kind: str, moid: str, arguments: str = "", **more: Any) -> Answer:
        """Call a method; `arguments` is XML."""
        inner = f'<{method} xmlns="{VIM}">{ref("_this", kind, moid)}{arguments}</{method}>'
        return self.post(f"{_HEAD}{inner}{_TAIL}", **more)

    def envelope(self, inner: str, **more: Any) -> Answer:
        """Send XML as the body of an envelope."""
        return self.post(f"{_HEAD}{inner}{_TAIL}", **more)

    def content(self) -> Answer:
        """Call RetrieveServiceContent."""
        return self.call("RetrieveServiceContent", "ServiceInstance", "ServiceInstance")

    def try_login(self, user: str | None = None, password: str | None = None) -> Answer:
        """Call Login and keep no cookie."""
        user = self.vcenter.user if user is None else user
        password = self.vcenter.password if password is None else password
        arguments = f"<userName>{escape(user)}</userName><password>{escape(password)}</password>"
        return self.call("Login", "SessionManager", self.session_manager, arguments)

    def login(self) -> Wire:
        """Log in and keep the cookie, as clients do that send the whole Set-Cookie string."""
        if self.vcenter.profile.text("cookie_from") == "first-reply":
            self.cookie = self.content().cookie
        answer = self.try_login()
        assert answer.fault is None, answer.data
        self.cookie = answer.cookie or self.cookie
        return self

    def fetch(self, kind: str, moid: str, path: str) -> Answer:
        """Read one property by the hidden Fetch."""
        return self.call("Fetch", kind, moid, f"<prop>{escape(path)}</prop>")

    def retrieve(self, specs: str, method: str = "RetrievePropertiesEx", maximum: int | None = None) -> Answer:
        """Call RetrieveProperties or RetrievePropertiesEx with the inside of one specSet."""
        options = f"<maxObjects>{maximum}</maxObjects>" if maximum is not None else ""
        options = f"<options>{options}</options>" if method.endswith("Ex") else ""
        return self.call(method, "PropertyCollector", self.collector, f"<specSet>{specs}</specSet>{options}")

    def moid(self, kind: str, name: str) -> str:
        """The id of an object of the world by its name, as the world knows it."""
        found = [e for e in self.vcenter.world.objects.values() if e.name == name and type(e).__name__ == kind]
        return str(found[0].moid)


def props(kind: str, *paths: str, everything: bool = False) -> str:
    """A propSet."""
    listed = "<all>true</all>" if everything else "".join(f"<pathSet>{path}</pathSet>" for path in paths)
    return f"<propSet><type>{kind}</type>{listed}</propSet>"


def objects(kind: str, moid: str, *selections: str, skip: bool = False) -> str:
    """An objectSet."""
    return f"<objectSet>{ref('obj', kind, moid)}<skip>{str(skip).lower()}</skip>{''.join(selections)}</objectSet>"


def traverse(name: str, kind: str, path: str, *inner: str) -> str:
    """A TraversalSpec; `inner` are names of others."""
    named = "".join(f"<selectSet><name>{n}</name></selectSet>" for n in inner)
    return (
        f'<selectSet xsi:type="TraversalSpec"><name>{name}</name><type>{kind}</type><path>{path}</path>{named}'
        "</selectSet>"
    )


def shape(element: Any) -> list[Any]:
    """An element's names below it, in their order, repeats folded."""
    seen: dict[str, Any] = {}
    for child in element:
        seen.setdefault(re.sub(r"^\{.*\}", "", str(child.tag)), shape(child))
    return list(seen.items())
