"""Plain urllib3 against a cell: what any client could do."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import urllib3
from lxml import etree

from twohop.exporter.cell import Cell

VCLOUD = "{http://www.vmware.com/vcloud/v1.5}"


class Http:
    """A client of one cell; remembers the token that `log_in` got."""

    def __init__(self, cell: Cell, version: str = "36.0") -> None:
        self.cell, self.version = cell, version
        self.pool = urllib3.PoolManager(ca_certs=str(cell.ca_file), retries=False)
        self.token: dict[str, str] = {}
        self.left = ""

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *exc: object) -> None:
        self.pool.clear()

    def call(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        url = url if url.startswith("https:") else self.cell.url + url
        kind = "application/json" if "/cloudapi/" in url else "application/*+xml"
        sent = {"Accept": f"{kind};version={self.version}", **self.token, **(headers or {})}
        return self.pool.request(method, url, headers=sent, redirect=False, **options)

    def basic(self, user: str | None = None, password: str | None = None) -> dict[str, str]:
        text = f"{user or self.cell.user}:{password or self.cell.password}"
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    def log_in(self) -> urllib3.BaseHTTPResponse:
        answer = self.call("POST", "/api/sessions", self.basic())
        assert answer.status == 200, answer.data
        self.token = {"x-vcloud-authorization": answer.headers["X-VCLOUD-AUTHORIZATION"]}
        return answer

    def log_in_as(self, user: str) -> str:
        answer = self.call("POST", "/api/sessions", self.basic(user))
        assert answer.status == 200, answer.data
        return str(answer.headers["X-VCLOUD-AUTHORIZATION"])

    def get(self, url: str, status: int = 200) -> etree._Element:
        answer = self.call("GET", url)
        assert answer.status == status, (answer.status, answer.data)
        return etree.fromstring(answer.data)

    def record(self, type_: str, name: str) -> etree._Element:
        found = self.get(f"/api/query?type={type_}&filter=name=={name}")
        (one,) = [child for child in found if child.get("name") == name]
        return one

    def vapp(self, name: str = "vApp0") -> etree._Element:
        return self.get(str(self.record("vApp", name).get("href")))

    def enable(self, name: str = "vApp0") -> etree._Element:
        """Enable a vApp, wait until its task has ended, and return the task."""
        answer = self.call("POST", links(self.vapp(name))["enable"])
        assert answer.status == 202, answer.data
        self.cell.engine.settle()
        return self.get(answer.headers["Location"])


def links(element: etree._Element) -> dict[str, str]:
    """Return the hrefs of an entity's own links by rel."""
    return {str(link.get("rel")): str(link.get("href")) for link in element.iterfind(f"{VCLOUD}Link")}
