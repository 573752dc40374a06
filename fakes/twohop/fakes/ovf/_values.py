"""What elements of a descriptor say: attributes, texts, numbers; each missing or wrong one is an OvfFault."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ._errors import missing_attribute, missing_element, wrong_element, wrong_value
from ._names import OVF, RASD, VMW

IN = {"ovf": OVF, "rasd": RASD, "vmw": VMW}


def at(row: Any, name: str) -> Any:
    """Return an attribute of OVF's own namespace, or None."""
    return row.get(f"{{{OVF}}}{name}")


def says(item: Any, name: str) -> Any:
    """Return the text of an element of an item (rasd:), or None."""
    return item.findtext(f"rasd:{name}", None, IN)


def type_of(item: Any) -> Any:
    """Return the ResourceType of an item."""
    return says(item, "ResourceType")


def whole(text: str) -> bool:
    """Tell whether a text is a whole number of a length that any schema allows."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def number(item: Any, name: str) -> int:
    """Return a 32-bit number that an item must have."""
    text = says(item, name) or ""
    if not whole(text) or int(text) >= 1 << 31:
        message = f"{name} of {says(item, 'ElementName')} is a whole number; got {text!r}"
        raise wrong_element(name, text, message, item)
    return int(text)


def count(row: Any, name: str, default: int) -> int:
    """Return a 32-bit number of an attribute, or a default where it is not there."""
    text = at(row, name)
    if text is None:
        return default
    if not whole(text) or int(text) >= 1 << 31:
        raise wrong_value("Item", name, text, f"{name} is a whole number; got {text!r}", row)
    return int(text)


def need(value: Any, what: str, row: Any = None) -> Any:
    """Return what has to be there, `what` saying so where it is not."""
    if value is None:
        name = next((word for word in what.split() if word[:1].isupper()), "Item")
        raise missing_element(name, f"the descriptor lacks {what}", row)
    return value


def need_at(row: Any, name: str) -> str:
    """Return an attribute that has to be there and not be empty."""
    value = at(row, name)
    if not value:
        element = etree.QName(row).localname
        raise missing_attribute(element, name, f"the descriptor lacks the {name} of a {element}", row)
    return str(value)


def of_type(items: list[Any], kind: str) -> list[Any]:
    """Return the items of a ResourceType."""
    return [item for item in items if type_of(item) == kind]


def first(items: list[Any], kind: str) -> Any:
    """Return the first item of a ResourceType, of which there has to be one."""
    return need(next(iter(of_type(items, kind)), None), f"an item of resource type {kind}")


def configured(parent: Any, kind: str = "Config") -> dict[str, str]:
    """Return what VMware's own rows of a section or an item set, by key."""
    return {row.get(f"{{{VMW}}}key"): row.get(f"{{{VMW}}}value") or "" for row in parent.iterfind(f"vmw:{kind}", IN)}
