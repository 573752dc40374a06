"""UPDATE: versions, batches and silence of a collector, and that no change is passed over (vsphere 10.7, 10.8)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    CallMade,
    CollectorMade,
    History,
    PropertiesRead,
    UpdatesAwaited,
    WaitCancelled,
    maybe_before,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_STATES = ("runtime.powerState", "state")
"""Properties of one word, by which a change is told for certain."""
_POWER = ("PowerO", "Suspend", "Reset", "RevertTo", "Shutdown", "Reboot", "Standby")


def _full_state(history: History) -> Iterator[Case]:
    for wait in history.all(UpdatesAwaited):
        if wait.version or wait.told is None:
            continue
        kinds = sorted({obj.kind for obj in wait.told.objects})
        ops = sorted({change.op for obj in wait.told.objects for change in obj.changes})
        told = (
            f"{wait.method} from no version, exchange {wait.id}, gave kind {', '.join(kinds)} and op {', '.join(ops)}"
        )
        if kinds:
            good = kinds == ["enter"] and set(ops) <= {"assign"}
            yield (kept if good else broken)(told, by=(wait.id,))


def _batches(history: History) -> Iterator[Case]:
    for wait in history.all(UpdatesAwaited):
        if wait.told is None or wait.method != "WaitForUpdatesEx":
            continue
        version, truncated = wait.told.version, wait.told.truncated
        told = f"exchange {wait.id} gave version {version!r}, truncated {truncated or 'unset'}"
        if truncated in ("true", "1"):
            yield (kept if "_" in version else broken)(told, "a part of a version is numbered n_m", by=(wait.id,))
        else:
            good = version.isdigit() and truncated is None
            yield (kept if good else broken)(told, "a whole one, or the last part, is a plain number", by=(wait.id,))


def _silence(history: History) -> Iterator[Case]:
    for wait in history.all(UpdatesAwaited):
        if not wait.version or not wait.outcome.accepted or wait.method == "WaitForUpdates":
            continue
        told = f"{wait.method} from version {wait.version} in exchange {wait.id}"
        if wait.told is None:
            yield kept(told, "found no change and gave nothing back", by=(wait.id,))
        elif not wait.told.objects and not wait.told.missing:
            yield broken(told, "gave an UpdateSet that tells of no change", by=(wait.id,))


def _unknown_version(history: History) -> Iterator[Case]:
    for made in history.all(CollectorMade):
        given: list[str] = []
        for wait in history.all(UpdatesAwaited):
            if (wait.server, wait.collector) != (made.server, made.collector) or wait.outcome.kind == "unclear":
                continue
            if wait.version and wait.version not in given and wait.outcome.fault in (None, "InvalidCollectorVersion"):
                told = f"{made.collector} of exchange {made.id} has never given version {wait.version!r};"
                answer = f"{wait.method} from it in exchange {wait.id}: {wait.outcome}"
                good = wait.outcome.fault == "InvalidCollectorVersion"
                yield (kept if good else broken)(told, answer, by=(made.id, wait.id))
            if wait.told is not None:
                given.append(wait.told.version)


def _nothing_missed(history: History) -> Iterator[Case]:
    waits = [wait for wait in history.all(UpdatesAwaited) if wait.outcome.accepted]
    for collector in sorted({(wait.server, wait.collector) for wait in waits}):
        known: dict[tuple[str, str], tuple[str | None, UpdatesAwaited]] = {}
        last: UpdatesAwaited | None = None
        for wait in (w for w in waits if (w.server, w.collector) == collector):
            whole = wait.told is None or wait.told.truncated is None
            if last is not None and last.told is not None and whole and wait.version == last.told.version:
                yield from _told_of(history, known, last, wait)
            for obj in wait.told.objects if wait.told is not None else ():
                for change in obj.changes:
                    known[obj.this, change.path] = (change.text, wait)
                if obj.kind == "leave":
                    known = {key: value for key, value in known.items() if key[0] != obj.this}
            if wait.told is not None:
                last = wait if wait.told.truncated is None else None


def _told_of(
    history: History,
    known: dict[tuple[str, str], tuple[str | None, UpdatesAwaited]],
    last: UpdatesAwaited,
    wait: UpdatesAwaited,
) -> Iterator[Case]:
    ends = ("DestroyPropertyFilter", "DestroyPropertyCollector")
    ended = [call for call in history.all(CallMade) if call.method in ends]
    ended = [call for call in ended if maybe_before(call.exchange, wait.exchange)]
    named = {(obj.this, change.path) for obj in (wait.told.objects if wait.told else ()) for change in obj.changes}
    gone = {obj.this for obj in (wait.told.objects if wait.told else ()) if obj.kind == "leave"}
    for (this, path), (text, since) in known.items():
        # What was destroyed before the value was told is not what told it.
        if path not in _STATES or text is None or any(not surely_before(c.exchange, since.exchange) for c in ended):
            continue
        for read in history.all(PropertiesRead):
            if read.server != wait.server or not surely_before(last.exchange, read.exchange):
                continue
            if not surely_before(read.exchange, wait.exchange):
                continue
            now = [v.text for o in read.objects if o.this == this for v in o.values if v.path == path]
            if not now or now[0] == text or _undone(history, last, wait, this):
                continue
            story = f"{path} of {this} was told as {text} in exchange {since.id} and read as {now[0]} in {read.id};"
            if (this, path) in named or this in gone:
                yield kept(story, f"the wait of exchange {wait.id} tells of it", by=(since.id, read.id, wait.id))
            else:
                yield broken(story, f"the wait of exchange {wait.id} says nothing", by=(since.id, read.id, wait.id))


def _within_limit(history: History) -> Iterator[Case]:
    for wait in history.all(UpdatesAwaited):
        if wait.told is None or wait.most is None or wait.most < 1:
            continue
        told = f"exchange {wait.id} takes {wait.most} objects at once and was told of {len(wait.told.objects)}"
        yield (kept if len(wait.told.objects) <= wait.most else broken)(told, by=(wait.id,))


def _cancelled(history: History) -> Iterator[Case]:
    cancels = [each for each in history.all(WaitCancelled) if each.outcome.accepted]
    for wait in history.all(UpdatesAwaited):
        if wait.outcome.kind != "faulted" or wait.outcome.fault in _OTHERWISE:
            continue
        meanwhile = [
            each for each in cancels
            if (each.server, each.collector) == (wait.server, wait.collector)
            and not surely_before(each.exchange, wait.exchange) and not surely_before(wait.exchange, each.exchange)
        ]  # fmt: skip
        if meanwhile:
            told = f"the wait of exchange {wait.id} was cancelled in exchange {meanwhile[-1].id}"
            good = wait.outcome.fault == "RequestCanceled"
            by = (wait.id, meanwhile[-1].id)
            yield (kept if good else broken)(told, f"and ended with {wait.outcome}", by=by)


_OTHERWISE = ("NotAuthenticated", "InvalidCollectorVersion", "ManagedObjectNotFound", "InvalidArgument")
"""What a wait may be refused with whoever cancels it."""


def _undone(history: History, last: UpdatesAwaited, wait: UpdatesAwaited, this: str) -> bool:
    """Tell whether a change may have been taken back before the wait, which then has nothing to tell of it."""
    calls = (call for call in history.all(CallMade) if call.this == this and call.method.startswith(_POWER))
    meanwhile = (
        call for call in calls if call.outcome.kind != "faulted" and maybe_before(call.exchange, wait.exchange)
    )
    return sum(1 for call in meanwhile if maybe_before(last.exchange, call.exchange)) > 1


UPDATE_CLAUSES = (
    Clause(
        "UPDATE-001", "A wait from no version gives the full state: objects enter, properties are assigned.",
        "vsphere 10.7", "R", "vendor", "vcenter", _full_state,
    ),
    Clause(
        "UPDATE-002", "A truncated answer has a version such as 0_1, a whole or last one a plain number.",
        "vsphere 10.7", "R", "vendor", "vcenter", _batches,
    ),
    Clause(
        "UPDATE-003", "A wait that ends without a change gives nothing back, never an UpdateSet that tells nothing.",
        "vsphere 10.8", "V", "vendor", "vcenter", _silence,
    ),
    Clause(
        "UPDATE-004", "A version that the collector has never given is refused with InvalidCollectorVersion.",
        "vsphere 10.8", "V", "vendor", "vcenter", _unknown_version,
    ),
    Clause(
        "UPDATE-005", "A change of state that a read has shown is told by the next wait.",
        "vsphere 10.7, 10.8", "C", "vendor", "vcenter", _nothing_missed,
    ),
    Clause(
        "UPDATE-006", "An answer tells of no more objects than the client takes at once by maxObjectUpdates.",
        "vsphere 10.7", "V", "vendor", "vcenter", _within_limit,
    ),
    Clause(
        "UPDATE-007", "A wait that is cancelled ends with RequestCanceled.",
        "vsphere 10.8", "V", "vendor", "vcenter", _cancelled,
    ),
)  # fmt: skip
