"""XML as it stood on the wire, read by element names alone; entities, DTDs and the network stay off."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

Element = etree._Element

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def parse(text: str | None) -> Element | None:
    """Return the root of a document, or None where `text` is no XML that may be read."""
    if not text or "<" not in text or "<!DOCTYPE" in text:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None


def name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


def children(element: Element | None, *names: str) -> Iterator[Element]:
    """Yield the children of these names, in document order."""
    if element is not None:
        for child in element:
            if name(child) in names:
                yield child


def child(element: Element | None, *path: str) -> Element | None:
    """Return the first element down a path of names."""
    for step in path:
        element = next(children(element, step), None)
        if element is None:
            return None
    return element


def text(element: Element | None, *path: str) -> str | None:
    """Return the text of the first element down a path of names, or None where there is none."""
    found = child(element, *path)
    return None if found is None else (found.text or "").strip()


def xsi_type(element: Element) -> str | None:
    """Return the element's `xsi:type` without its prefix."""
    value = element.get(XSI_TYPE)
    return None if value is None else value.rsplit(":", 1)[-1]


def attribute(element: Element, wanted: str) -> str | None:
    """Return an attribute by its name without namespace."""
    return next((str(value) for key, value in element.items() if str(key).rsplit("}", 1)[-1] == wanted), None)


def whole_number(value: str | None) -> int | None:
    """Return a whole number, or None where the text is none."""
    try:
        return int(value) if value else None
    except ValueError:
        return None


def flag(value: str | None) -> bool | None:
    """Return a truth value of XML Schema, or None where the text is unset."""
    return None if value is None else value in ("true", "1")
