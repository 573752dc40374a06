"""Where recorded objects stand, as far as their surroundings tell it: a folder's children, a traversal's way to them.

Most clients walk down an inventory, and few ask an object for its parent.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ._cassette import Recorded
from ._shape import XSD, XSI, Node, body_of, parse

POOLS = ("ResourcePool", "VirtualApp")
HOLDERS = ("ComputeResource", "ClusterComputeResource")

_LINKS: tuple[tuple[tuple[str, ...], str, tuple[str, ...], str], ...] = (
    (("Folder", "StoragePod"), "childEntity", (), "parent"),
    (HOLDERS, "host", ("HostSystem",), "parent"),
    ((*HOLDERS, *POOLS), "resourcePool", POOLS, "parent"),
    (("Datacenter",), "vmFolder", ("Folder",), "parent"),
    (("Datacenter",), "hostFolder", ("Folder",), "parent"),
    (("Datacenter",), "datastoreFolder", ("Folder",), "parent"),
    (("Datacenter",), "networkFolder", ("Folder",), "parent"),
    (POOLS, "vm", ("VirtualMachine",), "resourcePool"),
    (("HostSystem",), "vm", ("VirtualMachine",), "runtime.host"),
)
"""Types of an object, a property of it that names others, the types of those, and their property that names it."""

Link = tuple[str, str, str]


def back(owner: str, path: str, other: str) -> str:
    """Return which property of an object names the one whose `path` names it; empty where that tells no place."""
    return next((to for of, at, types, to in _LINKS if owner in of and path == at and other in (types or (other,))), "")


def told_by(owner: str, path: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield (id, property that names the owner) of each object that a property names; `value` is its XML."""
    root = parse(value)
    for node in root.walk() if root is not None else ():
        named = back(owner, path, node.ref) if node.ref is not None else ""
        if named:
            yield node.text, named


def walked(exchange: Recorded) -> Iterator[Link]:
    """Yield (id, property, id of what it names) as far as one step of a traversal tells it."""
    asked, told = body_of(parse(exchange.request.body)), body_of(parse(exchange.answer.body))
    if asked is None or told is None or not asked.name.startswith("RetrieveProperties"):
        return
    starts = [node for node in asked.walk() if node.name == "objectSet"]
    start = starts[0].child("obj") if len(starts) == 1 else None
    if start is None or start.ref is None:
        return
    ways = [child for child in starts[0].children if child.name == "selectSet"]
    if any(_is_more_than_a_step(way) for way in ways):
        return
    paths = [path.text for way in ways if (path := way.child("path")) is not None]
    for found in _found(told):
        links = {back(start.ref, path, found.ref or "") for path in paths} - {""}
        if found.text != start.text and len(links) == 1:
            yield found.text, links.pop(), start.text


def _is_more_than_a_step(way: Node) -> bool:
    """Tell whether a traversal goes on behind its first step, or says by name alone how."""
    return way.child("selectSet") is not None or way.child("path") is None


def _found(told: Node) -> Iterator[Node]:
    for node in told.walk():
        obj = node.child("obj")
        if obj is not None and obj.ref is not None:
            yield obj


def reference(kind: str, moid: str) -> str:
    """Return a reference as the XML of a property's value."""
    val = etree.Element("{urn:vim25}val", nsmap={None: "urn:vim25", "xsi": XSI, "xsd": XSD})  # type: ignore[dict-item]
    val.set("type", kind)
    val.set(f"{{{XSI}}}type", "ManagedObjectReference")
    val.text = moid
    return etree.tostring(val, encoding="unicode")
