"""Searches: what a recorded one was for tells something of what it found, and has to be asked for in today's words."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from ._cassette import Answer, Request
from ._shape import XSD, XSI, Node, body_of, parse


@dataclass(frozen=True, slots=True)
class Search:
    """A search that found something: the id and type of it, what was asked for, and the property that holds that."""

    moid: str
    type: str
    text: str
    path: str

    def value(self) -> str:
        """Return the property as XML."""
        val = etree.Element("{urn:vim25}val", nsmap={"xsi": XSI, "xsd": XSD})
        val.set(f"{{{XSI}}}type", "xsd:string")
        val.text = self.text
        return etree.tostring(val, encoding="unicode")


def search_of(request: Request, answer: Answer) -> Search | None:
    """Return what a recorded exchange searched for and found; None where it is no search, or found nothing."""
    asked, told = body_of(parse(request.body)), body_of(parse(answer.body))
    if asked is None or told is None or not asked.name.startswith(("FindBy", "FindAllBy")):
        return None
    found = told.child("returnval")
    if found is None or found.ref is None:
        return None
    path = _path(asked, machine=_text(asked, "vmSearch") != "false" and found.ref == "VirtualMachine")
    words = (_text(asked, name) for name in ("uuid", "dnsName", "ip", "inventoryPath", "path"))
    text = next((word for word in words if word), "")
    return Search(found.text, found.ref, text, path) if text and path else None


def _path(asked: Node, *, machine: bool) -> str:
    operation = asked.name.removeprefix("FindAll").removeprefix("Find")
    if operation == "ByUuid":
        instance = _text(asked, "instanceUuid") in ("true", "1")
        return ("config.instanceUuid" if instance else "config.uuid") if machine else "hardware.systemInfo.uuid"
    if operation == "ByDnsName":
        return "guest.hostName" if machine else "name"
    if operation == "ByIp":
        return "guest.ipAddress" if machine else "name"
    return {"ByInventoryPath": "path", "ByDatastorePath": "config.files.vmPathName"}.get(operation, "")


def _text(node: Node, name: str) -> str:
    child = node.child(name)
    return child.text if child is not None else ""
