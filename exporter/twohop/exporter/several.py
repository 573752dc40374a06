"""Several exports in one session: each a package of its own, whole or not there, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from ._cancellation import Cancellation
from ._errors import Ambiguous, ExportError
from ._events import Events, Failed, LoggedIn, ignore
from ._foreground import foreground
from ._placing import Placing
from .direct import Export, Options, export_subject
from .engine import Subject
from .package import safe_name, unique_name
from .vsphere import VCenterAddress, VSphere


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one export: the package, or the error."""

    subject: Subject
    export: Export | None
    error: ExportError | None


def export_several(
    address: VCenterAddress,
    names: Sequence[str],
    output: Path,
    *,
    options: Options | None = None,
    at_once: int = 1,
    ova: bool = False,
    clock: Clock | None = None,
    events: Events = ignore,
    cancelled: Cancellation | None = None,
    observer: Observer | None = None,
) -> tuple[Outcome, ...]:
    """Export several VMs or vApps, at most `at_once` at a time, each into `output/NAME`, or `output/NAME.ova`.

    All of them are found before anything is asked for. One that fails leaves nothing of itself and does not stop the
    others; a wish to stop ends all. Raises ExportError for what concerns all of them: no session, a name that is
    not found.
    """
    options, stop = options or Options(), cancelled or Cancellation()

    def work() -> tuple[Outcome, ...]:
        with VSphere(address, observer=observer, cancelled=stop) as vsphere:
            events(LoggedIn(address.authority, vsphere.version))
            stop.check()
            subjects = find_several(vsphere, names, options.snapshot)
            targets = places(output, subjects, ova)

            def one(subject: Subject, target: Path) -> Outcome:
                try:
                    done = export_subject(
                        vsphere, subject, target, options=options, clock=clock, events=events, cancelled=stop,
                        observer=observer,
                    )  # fmt: skip
                except ExportError as error:
                    if not stop.is_set():
                        events(Failed(error.whose, str(error), subject.name))
                    return Outcome(subject, None, error)
                return Outcome(subject, done, None)

            # What is above all of them is made, and taken back where nothing stands in it, by none of them.
            with Placing(output), ThreadPoolExecutor(at_once, "twohop-vm") as pool:
                done = tuple(pool.map(one, subjects, targets))
        stop.check()
        return done

    return foreground(work, stop)


def find_several(vsphere: VSphere, names: Sequence[str], snapshot: str | None) -> tuple[Subject, ...]:
    """Return what is called by `names`, in that order; raise Ambiguous where two names mean the same."""
    subjects = tuple(vsphere.find(name, snapshot=snapshot) for name in names)
    moids = [subject.moid for subject in subjects]
    for name, subject in zip(names, subjects, strict=True):
        if moids.count(subject.moid) > 1:
            raise Ambiguous(f"{name!r} and another name mean the same machine, {subject.name}; give it once")
    return subjects


def places(output: Path, subjects: Sequence[Subject], ova: bool) -> list[Path]:
    """Return where each goes: a directory, or an OVA, of its name, kept apart from the others."""
    taken: list[str] = []
    for subject in subjects:
        taken.append(unique_name(safe_name(subject.name, "vm"), taken))
    # A dot in a machine's name is no ending.
    return [output / (f"{name}.ova" if ova else name) for name in taken]
