"""PROPERTY: what a read of properties shows, by whichever call it is made (vsphere 10.5, 12 row 20)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from twohop.contracts.history import CallMade, History, PropertiesRead, maybe_before, surely_before

from ._clause import Case, Clause, broken, kept

_STABLE = ("name", "config.uuid", "config.instanceUuid", "config.version")
"""Properties of a machine that change by a call of somebody's alone."""
_CHANGING = ("Rename_Task", "ReconfigVM_Task", "UpgradeVM_Task", "Destroy_Task")


def _only_asked(history: History) -> Iterator[Case]:
    for read in history.all(PropertiesRead):
        if read.paths is None or read.method == "Fetch":
            continue
        for seen in read.objects:
            shown = [value.path for value in seen.values]
            told = f"{read.method} in exchange {read.id} asked for {', '.join(sorted(read.paths))};"
            strange = sorted(set(shown) - read.paths)
            twice = sorted({path for path in shown if shown.count(path) > 1})
            if strange or twice:
                yield broken(
                    told,
                    f"it showed of {seen.this} {', '.join(strange or twice)}{' twice' if not strange else ''}",
                    by=(read.id,),
                )
            elif shown:
                yield kept(told, f"it showed of {seen.this} nothing else, and nothing twice", by=(read.id,))


def _typed(history: History) -> Iterator[Case]:
    for read in history.all(PropertiesRead):
        for seen in read.objects:
            bare = [value.path for value in seen.values if not value.xsi_type]
            told = f"{read.method} in exchange {read.id} showed properties of {seen.this}"
            if bare:
                yield broken(told, f"and did not say of what type {', '.join(bare)} is", by=(read.id,))
            elif seen.values:
                yield kept(told, "each with its xsi:type", by=(read.id,))


def _items_typed(history: History) -> Iterator[Case]:
    for read in history.all(PropertiesRead):
        for seen in read.objects:
            arrays = [value for value in seen.values if value.items]
            bare = [value.path for value in arrays if any(not item.xsi_type for item in value.items)]
            told = f"{read.method} in exchange {read.id} showed arrays of {seen.this}"
            if bare:
                yield broken(told, f"and did not say of what type each item of {', '.join(bare)} is", by=(read.id,))
            elif arrays:
                yield kept(told, "each item with its xsi:type", by=(read.id,))


def _unknown(history: History) -> Iterator[Case]:
    calls = {call.id: call for call in history.all(CallMade)}
    for read in history.all(PropertiesRead):
        fault = calls[read.id].outcome.seen
        if read.outcome.fault != "InvalidProperty" or fault is None or read.paths is None:
            continue
        named = fault.member("name")
        told = f"{read.method} in exchange {read.id} asked for {', '.join(sorted(read.paths))};"
        answer = f"InvalidProperty names {named!r}"
        good = any(named and (path == named or path.startswith(f"{named}.")) for path in read.paths)
        yield (kept if good else broken)(told, answer, by=(read.id,))


def _agree(history: History) -> Iterator[Case]:
    seen: dict[tuple[str, str, str], list[tuple[PropertiesRead, str | None]]] = {}
    for read in history.all(PropertiesRead):
        if not read.outcome.accepted:
            continue
        for obj in read.objects:
            if obj.type not in ("VirtualMachine", "ManagedEntity"):
                continue
            values = {value.path: value.text for value in obj.values}
            for path in _STABLE:
                if path in (read.paths or ()):
                    seen.setdefault((read.server, obj.this, path), []).append((read, values.get(path)))
    for (_, this, path), reads in seen.items():
        for (one, first), (two, second) in pairwise(reads):
            if one.method == two.method or not surely_before(one.exchange, two.exchange):
                continue
            if _changed(history, this, two):
                continue
            told = f"{path} of {this} was {first!r} by {one.method} in exchange {one.id}"
            answer = f"and {second!r} by {two.method} in exchange {two.id}"
            yield (kept if first == second else broken)(told, answer, by=(one.id, two.id))


def _changed(history: History, this: str, until: PropertiesRead) -> bool:
    """Tell whether somebody may have changed a machine; when a task of his takes effect nobody knows."""
    return any(
        call.this == this and call.outcome.kind != "faulted" and maybe_before(call.exchange, until.exchange)
        for call in history.all(CallMade)
        if call.method in _CHANGING
    )


PROPERTY_CLAUSES = (
    Clause(
        "PROPERTY-001", "A retrieve call shows the properties that were asked for, each at most once, and no other.",
        "vsphere 10.5", "R", "vendor", "vcenter", _only_asked,
    ),
    Clause(
        "PROPERTY-002", "Every property that is shown says by xsi:type of what type it is.",
        "vsphere 10.5", "R", "vendor", "vcenter", _typed,
    ),
    Clause(
        "PROPERTY-003", "InvalidProperty names one of the properties that were asked for, or where its path ends.",
        "vsphere 2.15, 12", "V", "vendor", "vcenter", _unknown,
    ),
    Clause(
        "PROPERTY-004", "Fetch and the retrieve calls say the same of what nobody has changed.",
        "vsphere 10.5", "C", "vendor", "vcenter", _agree,
    ),
    Clause(
        "PROPERTY-005", "Every item of an array says by xsi:type of what type it is.",
        "vsphere 10.5", "R", "vendor", "vcenter", _items_typed,
    ),
)  # fmt: skip
