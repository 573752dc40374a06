"""The shape of an XML answer: names, namespaces, order and types, with values only as kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
_TIME = re.compile(r"-?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$")
_DOTTED = re.compile(r"\d+(\.\d+)+$")


@dataclass(slots=True)
class Node:
    """An element: `kind` is its xsi:type as (namespace, name), `ref` the type of a managed object reference."""

    namespace: str
    name: str
    kind: tuple[str, str] | None
    ref: str | None
    attributes: tuple[str, ...]
    text: str
    children: list[Node] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name with the type that stands on the element."""
        return f"{self.name}({self.kind[1]})" if self.kind else self.name

    def child(self, name: str) -> Node | None:
        """Return the first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def walk(self) -> Iterator[Node]:
        """Yield this element and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(text: str) -> Node | None:
    """Return the root of an XML text; None where it is none. Entities, DTDs and the network stay off."""
    if "<" not in text or "<!DOCTYPE" in text:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        return _node(etree.fromstring(text.strip().encode("utf-8"), parser))
    except etree.XMLSyntaxError:
        return None


def _node(element: etree._Element) -> Node:
    name = etree.QName(element)
    kind = None
    others = []
    for key, value in element.items():
        attribute = etree.QName(str(key))
        if attribute.namespace == XSI and attribute.localname == "type":
            prefix, _, local = str(value).rpartition(":")
            kind = (element.nsmap.get(prefix or None, "") or "", local)
        elif attribute.localname != "type":
            others.append(str(key))
    return Node(
        name.namespace or "",
        name.localname,
        kind,
        element.get("type"),
        tuple(sorted(others)),
        (element.text or "").strip() if len(element) == 0 else "",
        [_node(child) for child in element],
    )


def kind_of_text(text: str) -> str:
    """Return what a value is: empty, truth, number, version, time or text."""
    if text == "":
        return "empty"
    if text in ("true", "false"):
        return "truth"
    if _NUMBER.match(text):
        return "number"
    if _DOTTED.match(text):
        return "version"
    return "time" if _TIME.match(text) else "text"


def body_of(root: Node | None) -> Node | None:
    """Return what a SOAP envelope holds; the root itself where it is no envelope."""
    if root is None or root.name != "Envelope":
        return root
    body = root.child("Body")
    return body.children[0] if body is not None and body.children else None
