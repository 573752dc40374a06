"""Elements of the vCloud namespace, and documents made of them."""

from __future__ import annotations

from typing import cast

from lxml import etree

VCLOUD = "http://www.vmware.com/vcloud/v1.5"
VERSIONS = "http://www.vmware.com/vcloud/versions"
OVF = "http://schemas.dmtf.org/ovf/envelope/1"
TYPE = "application/vnd.vmware.vcloud."


def node(
    tag: str, /, *children: etree._Element | str | None, namespace: str = VCLOUD, **attributes: str | None
) -> etree._Element:
    """Return an element; text children become its text, attributes and children of None are left out.

    A trailing underscore of an attribute's name is dropped, so that `type_` and `id_` can be written.
    """
    element = etree.Element(f"{{{namespace}}}{tag}", nsmap=cast("dict[str, str]", {None: namespace}))
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_"), value)
    for child in children:
        if isinstance(child, str):
            element.text = (element.text or "") + child
        elif child is not None:
            element.append(child)
    return element


def link(rel: str, href: str, type_: str | None = None, name: str | None = None) -> etree._Element:
    """Return a Link."""
    return node("Link", rel=rel, type_=type_, name=name, href=href)


def ovf_info(text: str) -> etree._Element:
    """Return the Info that every OVF section starts with."""
    info = etree.Element(f"{{{OVF}}}Info", nsmap={"ovf": OVF})
    info.text = text
    return info


def document(root: etree._Element) -> bytes:
    """Return the bytes of a document."""
    vcloud = str(root.tag).startswith(f"{{{VCLOUD}}}")
    prefixes = {"ovf": OVF} if vcloud else {}
    etree.cleanup_namespaces(root, top_nsmap=prefixes, keep_ns_prefixes=list(prefixes))
    etree.indent(root, "    ")
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return data + b"\n"


def flag(value: bool) -> str:
    """Return a boolean as XML spells it."""
    return "true" if value else "false"
