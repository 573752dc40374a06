"""A world for the engine without a socket, a file or a clock, which can be cut at every step and every byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twohop.exporter import DeviceFile, Event, HostUnreachable, ShortStream
from twohop.exporter._device_file import Source
from twohop.exporter.engine import Described, Fetched, ManifestRow, Ready, Request, Subject, export, run
from twohop.exporter.package import safe_name, unique_name
from twohop.exporter.transfer._intake import Intake
from twohop.fakes.vmdk import SeededContent, stream

ENVELOPE = (
    '<?xml version="1.0"?><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"'
    ' xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References>{files}</References></Envelope>'
)
NVRAM = b"\0" * 8684


def disk(seed: int, data: int = 192 << 10) -> bytes:
    """A small stream of three grains or so, as a host sends it."""
    return b"".join(stream(SeededContent(capacity=64 << 20, data=data, seed=seed), cid=seed))


@dataclass
class Lease:
    """A lease in the world: whether it holds its VM, how it ended, how often somebody ended it."""

    id: str
    state: str = "held"
    renewing: bool = False
    ends: list[str] = field(default_factory=list)


@dataclass
class World:
    """A server with one VM, hosts with its files, and one directory; `before` and `after` may raise at any step."""

    files: dict[str, bytes]
    before: Callable[[int, Any], None] = lambda number, action: None
    after: Callable[[int, Any], None] = lambda number, action: None
    cut: dict[tuple[int, str], int] = field(default_factory=dict)
    lie: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda files: files
    manifest: bool = True
    hosts: tuple[str, ...] = ("esx",)
    down: frozenset[str] = frozenset()
    check: Callable[[], None] = lambda: None
    packaged: bool = True
    leases: list[Lease] = field(default_factory=list)
    parts: dict[str, bytes] = field(default_factory=dict)
    finals: dict[str, bytes] = field(default_factory=dict)
    synced: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    open: bool = False
    steps: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    # -- the whole of it -------------------------------------------------------------------------------------------

    def export(self, **changes: Any) -> Any:
        """Run an export in this world."""
        request = Request(Subject("vm", "vm-1"), lambda entry: f"vm-{entry.target_id}", **{"package": "vm", **changes})
        self.packaged = request.package is not None
        return run(export(request), self.perform, self.check)

    def perform(self, action: Any) -> Any:
        number = len(self.steps)
        self.steps.append(action)
        self.before(number, action)
        result = getattr(self, type(action).__name__)(action)
        self.after(number, action)
        return result

    def held(self) -> Lease:
        lease = self.leases[-1]
        assert lease.state == "held", f"{lease.id} was used after its end"
        return lease

    def Tell(self, action: Any) -> None:  # noqa: N802
        self.events.append(action.event)

    # -- the server ------------------------------------------------------------------------------------------------

    def AskLease(self, action: Any) -> Any:  # noqa: N802
        assert all(lease.state != "held" for lease in self.leases), "a second lease while the first is held"
        self.leases.append(Lease(f"lease-{len(self.leases) + 1}"))
        return self.leases[-1]

    def AwaitReady(self, action: Any) -> Ready:  # noqa: N802
        self.held()
        entries = tuple(
            DeviceFile(
                key,
                self._url(self.hosts[0], key),
                key[1:],
                key.endswith(".vmdk"),
                alternatives=tuple(Source(self._url(host, key)) for host in self.hosts[1:]),
            )
            for key in self.files
        )
        return Ready(300, 1 << 30, entries)

    def _url(self, host: str, key: str) -> str:
        return f"https://{host}/nfc/t/{key[1:]}"

    def ChooseDigest(self, action: Any) -> bool:  # noqa: N802
        self.held()
        return True

    def StartRenewing(self, action: Any) -> None:  # noqa: N802
        self.held().renewing = True

    def StopRenewing(self, action: Any) -> None:  # noqa: N802
        self.leases[-1].renewing = False

    def Report(self, action: Any) -> None:  # noqa: N802
        self.held()

    def AskManifest(self, action: Any) -> Any:  # noqa: N802
        self.held()
        if not self.manifest:
            return None
        return tuple(
            ManifestRow(key, len(data), "SHA256", hashlib.sha256(data).hexdigest()) for key, data in self.files.items()
        )

    def Describe(self, action: Any) -> Described:  # noqa: N802
        rows = [
            f'<File ovf:id="f{number}" ovf:href="{each.path}" ovf:size="{each.size}"/>'
            for number, each in enumerate(action.files)
        ]
        return Described(ENVELOPE.format(files="".join(rows)).encode())

    def Complete(self, action: Any) -> None:  # noqa: N802
        lease = self.held()
        assert not lease.renewing, "renewed while it is completed"
        assert self.synced == set(self.parts) and self.parts, "completed before the bytes were safe"
        lease.ends.append("complete")
        lease.state = "done"

    def Abort(self, action: Any) -> str:  # noqa: N802
        lease = self.leases[-1]
        assert not lease.renewing, "renewed while it is aborted"
        lease.ends.append("abort")
        had, lease.state = lease.state, "error" if lease.state == "held" else lease.state
        return "aborted" if had == "held" else "gone"

    # -- the directory ---------------------------------------------------------------------------------------------

    def OpenTarget(self, action: Any) -> None:  # noqa: N802
        self.open = True

    def Reserve(self, action: Any) -> None:  # noqa: N802
        self.names.add(action.name)

    def Claim(self, action: Any) -> str:  # noqa: N802
        name = unique_name(safe_name(action.proposed, action.fallback), self.names)
        self.names.add(name)
        return name

    def Fetch(self, action: Any) -> Fetched:  # noqa: N802
        self.held()
        if action.source.host in self.down:
            raise HostUnreachable(f"{action.source.host} is down")
        key = action.entry.key
        data = self.lie(self.files)[key]
        at = self.cut.get((len(self.leases), key))
        intake = Intake(action.entry, "esx")
        whole = len(data) if at is None else at
        for start in range(0, whole, 1000):
            piece = data[start : min(start + 1000, whole)]
            self.parts[action.name] = self.parts.get(action.name, b"") + piece
            try:
                intake.feed(piece)
            except ShortStream:
                del self.parts[action.name]
                raise
        try:
            # A host that ends an answer properly after half of it is the worst kind (7.6).
            intake.close("chunked")
        except ShortStream:
            self.parts.pop(action.name, None)
            raise
        self.synced.add(action.name)
        made = self.parts.setdefault(action.name, b"")
        digests = {"SHA256": hashlib.sha256(made).hexdigest(), "SHA1": hashlib.sha1(made).hexdigest()}
        return Fetched(len(made), digests, 0.0, intake.capacity, Path(action.name))

    def Together(self, action: Any) -> list[Any]:  # noqa: N802
        return [run(piece, self.perform, self.check) for piece in action.pieces]

    def Write(self, action: Any) -> Path:  # noqa: N802
        assert action.name in self.names
        self.parts[action.name] = action.content
        return Path(action.name)

    def Sync(self, action: Any) -> None:  # noqa: N802
        self.synced = set(self.parts)

    def Clear(self, action: Any) -> None:  # noqa: N802
        self.parts.clear()
        self.synced.clear()
        self.names.clear()

    def Pause(self, action: Any) -> None:  # noqa: N802
        pass

    def Publish(self, action: Any) -> None:  # noqa: N802
        assert self.leases[-1].state == "done"
        self.finals.update(self.parts)
        self.parts.clear()
        self.open = False

    def Discard(self, action: Any) -> None:  # noqa: N802
        # What was published stays.
        if self.open:
            self.parts.clear()
        self.open = False

    # -- what has to hold ------------------------------------------------------------------------------------------

    def wrong(self, done: Any, bound: int) -> Iterator[str]:
        """Say what must not be, after an export that gave `done`, or None where it raised."""
        for lease in self.leases:
            if lease.state == "held":
                yield f"{lease.id} still holds the VM"
            if len(lease.ends) != 1:
                yield f"{lease.id} was ended {lease.ends}"
            if lease.renewing:
                yield f"{lease.id} is still renewed"
        if len(self.leases) > bound:
            yield f"{len(self.leases)} leases were asked for"
        if self.parts or self.open:
            yield f"{sorted(self.parts)} were left behind"
        if done is None:
            if self.finals:
                yield "a file has its final name, though the export failed"
            return
        if [lease.ends for lease in self.leases][-1] != ["complete"]:
            yield "success without complete"
        for file in done.files:
            if self.finals.get(file.name) != self.files[file.key]:
                yield f"{file.name} is not what the server has"
        if self.packaged and {"vm.ovf", "vm.mf"} - set(self.finals):
            yield "descriptor or manifest is missing"
