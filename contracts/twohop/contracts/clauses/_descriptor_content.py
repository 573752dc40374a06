"""DESCRIPTOR, what stands where: names, notes, and vApps with what is in them (vsphere 8.8, 8.11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from twohop.contracts.history import ChangeAsked, DescriptorMade, History, OvfPart, PropertiesRead

from ._clause import Case, Clause, broken, kept

_SYSTEMS = ("VirtualSystem", "VirtualSystemCollection")
_ABOVE = {"VirtualMachine": "resourcePool", "VirtualApp": "parent"}
"""The property that says which vApp something is in, by type."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A machine or a vApp as it was read: its name, its vApp or pool, and where that was."""

    name: str
    above: str
    read: int


def _name(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        top = _top(made)
        if made.title and top is not None:
            told = f"the caller of exchange {made.id} gave the name {made.title!r}"
            shown = top.attributes.get("id")
            yield (kept if shown == made.title else broken)(told, f"the {top.name} is {shown!r}", by=(made.id,))


def _note(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        top = _top(made)
        if made.description and top is not None:
            notes = [each.text for s in made.below(top, "AnnotationSection") for each in made.below(s, "Annotation")]
            told = f"the caller of exchange {made.id} gave the description {made.description!r}"
            yield (kept if notes == [made.description] else broken)(told, f"the annotation is {notes}", by=(made.id,))


def _flat(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        if made.parts is None or not made.all("Disk"):
            continue
        envelope = made.parts[0]
        own = [len(made.below(envelope, name)) for name in ("References", "DiskSection")]
        everywhere = [len(made.all(name)) for name in ("References", "DiskSection")]
        told = f"the descriptor of {made.entity} in exchange {made.id} has {len(made.all('VirtualSystem'))} machines"
        if own == everywhere == [1, 1]:
            yield kept(told, "and one list of files and of disks below the Envelope", by=(made.id,))
        else:
            yield broken(told, f"References and DiskSection stand in it {everywhere} times", by=(made.id,))


def _nested(history: History) -> Iterator[Case]:
    changed = {asked.vm for asked in history.all(ChangeAsked) if asked.outcome.accepted}
    for made in history.all(DescriptorMade):
        top, known = _top(made), _members(history, made.server)
        if made.entity_type != "VirtualApp" or top is None or made.entity not in known:
            continue
        wanted, shown = _tree(made.entity, known), _shown(made, top)
        moids = _moids(made.entity, known)
        if changed & moids:
            continue
        by = (*sorted({known[moid].read for moid in moids}), made.id)
        told = f"by exchanges {sorted({known[moid].read for moid in moids})} the vApp {made.entity} holds {wanted}"
        yield (kept if shown == wanted else broken)(told, f"exchange {made.id} describes {shown}", by=by)


def _startup(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        for collection in made.all("VirtualSystemCollection"):
            inside = {part.attributes.get("id") for part in made.below(collection, *_SYSTEMS)}
            rows = [row for each in made.below(collection, "StartupSection") for row in made.below(each, "Item")]
            named = {row.attributes.get("id") for row in rows}
            if not inside:
                continue
            told = f"{collection.attributes.get('id')} in exchange {made.id} holds {sorted(map(str, inside))}"
            answer = f"and starts {sorted(map(str, named))}"
            yield (kept if named == inside else broken)(told, answer, by=(made.id,))


def _top(made: DescriptorMade) -> OvfPart | None:
    found = made.below(made.parts[0], *_SYSTEMS) if made.parts else ()
    return found[0] if len(found) == 1 else None


def _shown(made: DescriptorMade, at: OvfPart) -> list[object]:
    """Return the ids of what stands in a collection, each vApp with what stands in it."""
    rows = made.below(at, *_SYSTEMS)
    return sorted(([r.attributes.get("id"), _shown(made, r)] for r in rows), key=str)


def _tree(vapp: str, known: Mapping[str, _Member]) -> list[object]:
    return sorted(([known[m].name, _tree(m, known)] for m in known if known[m].above == vapp), key=str)


def _moids(vapp: str, known: Mapping[str, _Member]) -> set[str]:
    inside = {moid for moid, member in known.items() if member.above == vapp}
    return {vapp, *inside}.union(*(_moids(moid, known) for moid in inside))


def _members(history: History, server: str) -> dict[str, _Member]:
    known = {}
    for read in history.all(PropertiesRead):
        for seen in read.objects if read.server == server else ():
            values = {value.path: value.text for value in seen.values}
            name, above = values.get("name"), values.get(_ABOVE.get(seen.type, ""))
            if name is not None and above is not None:
                known[seen.this] = _Member(name, above, read.id)
    return known


CONTENT_CLAUSES = (
    Clause(
        "DESCRIPTOR-015", "The name that the caller gave is the id of the entity at the top.",
        "vsphere 8.8", "V", "vendor", "vcenter", _name,
    ),
    Clause(
        "DESCRIPTOR-016", "The description that the caller gave is the annotation of the entity at the top.",
        "vsphere 8.8", "V", "vendor", "vcenter", _note,
    ),
    Clause(
        "DESCRIPTOR-017", "Files and disks of all machines stand in one list each, below the envelope.",
        "vsphere 8.11", "R", "vendor", "vcenter", _flat,
    ),
    Clause(
        "DESCRIPTOR-018", "A vApp is a collection of what is in it, nested as in the inventory.",
        "vsphere 8.11", "R", "vendor", "vcenter", _nested,
    ),
    Clause(
        "DESCRIPTOR-019", "The startup section of a vApp names each of its machines and vApps, and nothing else.",
        "vsphere 8.11", "R", "vendor", "vcenter", _startup,
    ),
)  # fmt: skip
