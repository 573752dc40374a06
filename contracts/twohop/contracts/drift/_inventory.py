"""What the answers of a cassette tell of the inventory behind them: objects, their types, their properties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from ._cassette import Cassette, Recorded
from ._found import search_of
from ._places import reference, told_by, walked

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@dataclass(slots=True)
class SeenObject:
    """An object as the recorded answers show it first: `properties` are paths with the XML of their values."""

    id: str
    type: str
    properties: dict[str, str] = field(default_factory=dict)
    unset: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Inventory:
    """Everything that a recording tells of a server: its AboutInfo as XML, its managers, its objects by id."""

    about: dict[str, str] = field(default_factory=dict)
    objects: dict[str, SeenObject] = field(default_factory=dict)

    @property
    def product(self) -> str:
        """`vcenter` or `esxi`; empty where the recording does not say."""
        return {"VirtualCenter": "vcenter", "HostAgent": "esxi"}.get(self.about.get("apiType", ""), "")

    @property
    def version(self) -> str:
        """The product's version by AboutInfo, such as `5.5`; empty where the recording does not say."""
        return ".".join(self.about.get("version", "").split(".")[:2])

    def types(self) -> dict[str, str]:
        """Return the type of each object that the recording names."""
        return {each.id: each.type for each in self.objects.values()}


def read_inventory(cassette: Cassette) -> Inventory:
    """Collect what every answer of a cassette tells."""
    found = Inventory()
    for exchange in cassette.exchanges:
        root = _parse(exchange.answer.body)
        if root is None:
            continue
        _about(root, found)
        # A fault may name an object that there is not.
        if not any(_name(element) == "Fault" for element in root.iter()):
            for element in root.iter():
                _reference(element, found)
        for machine in _with_figures(root):
            if machine in found.objects:
                found.objects[machine].properties.setdefault("runtime.powerState", _RUNNING)
        search = search_of(exchange.request, exchange.answer)
        if search is not None and search.path != "path" and search.moid in found.objects:
            found.objects[search.moid].properties.setdefault(search.path, search.value())
        for owner, path, value in _told(exchange, root):
            seen = found.objects.get(owner)
            if seen is not None:
                # What was told first is how the session found the server; later answers show what was done to it.
                if path in seen.properties or path in seen.unset:
                    continue
                if value is None:
                    seen.unset.add(path)
                else:
                    seen.properties[path] = etree.tostring(value, encoding="unicode", with_tail=False)
    for exchange in cassette.exchanges:
        _asked(exchange, found)
    _place(cassette, found)
    return found


def _place(cassette: Cassette, found: Inventory) -> None:
    """Tell objects where they stand, where only what is around them told it."""
    links = [link for exchange in cassette.exchanges for link in walked(exchange)]
    for each in found.objects.values():
        for path, value in each.properties.items():
            links += [(moid, named, each.id) for moid, named in told_by(each.type, path, value)]
    for moid, path, place in links:
        seen, owner = found.objects.get(moid), found.objects.get(place)
        if seen is None or owner is None or path in seen.unset or path.partition(".")[0] in seen.properties:
            continue
        if f"summary.{path}" not in seen.properties:
            seen.properties.setdefault(path, reference(owner.type, place))


def _asked(exchange: Recorded, found: Inventory) -> None:
    """Take what a request names, and no answer did: where the call was answered, it was there."""
    root = _parse(exchange.request.body) if exchange.answer.status == 200 else None
    for element in root.iter() if root is not None else ():
        _reference(element, found)


def _parse(text: str) -> etree._Element | None:
    if "<" not in text or "<!DOCTYPE" in text:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(text.strip().encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if _name(child) == name), None)


def _about(root: etree._Element, found: Inventory) -> None:
    for element in root.iter():
        if _name(element) == "about" and not found.about:
            found.about = {_name(child): (child.text or "").strip() for child in element}


def _reference(element: etree._Element, found: Inventory) -> None:
    kind, text = element.get("type"), (element.text or "").strip()
    if kind and text and len(element) == 0:
        known = found.objects.get(text)
        if known is None:
            found.objects[text] = SeenObject(text, kind)


def _told(exchange: Recorded, root: etree._Element) -> Iterator[tuple[str, str, etree._Element | None]]:
    """Yield (object, property path, value) of each property that an answer tells."""
    yield from _fetched(exchange, root)
    for element in root.iter():
        obj = _child(element, "obj")
        if obj is None or obj.get("type") is None:
            continue
        owner = (obj.text or "").strip()
        for change in element:
            if _name(change) in ("propSet", "changeSet"):
                path, value = _child(change, "name"), _child(change, "val")
                if path is not None:
                    yield owner, (path.text or "").strip(), value


_RUNNING = (
    '<val xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:type="VirtualMachinePowerState">poweredOn</val>'
)


def _with_figures(root: etree._Element) -> Iterator[str]:
    """Yield the machines that an answer has figures of: only one that runs has any."""
    for element in root.iter():
        if element.get(XSI_TYPE, "").rpartition(":")[2].startswith("PerfEntityMetric"):
            entity = _child(element, "entity")
            if entity is not None and entity.get("type") == "VirtualMachine":
                yield (entity.text or "").strip()


def _fetched(exchange: Recorded, root: etree._Element) -> Iterator[tuple[str, str, etree._Element | None]]:
    answer = next((e for e in root.iter() if _name(e) == "FetchResponse"), None)
    asked = _parse(exchange.request.body) if answer is not None else None
    if answer is None or asked is None:
        return
    this = next((e for e in asked.iter() if _name(e) == "_this"), None)
    prop = next((e for e in asked.iter() if _name(e) == "prop"), None)
    if this is not None and prop is not None:
        yield (this.text or "").strip(), (prop.text or "").strip(), _child(answer, "returnval")
