"""A cell's engine on a clock that stands still, with a vCenter made of nothing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twohop.exporter._cancellation import Cancellation
from twohop.exporter._errors import ExportError
from twohop.exporter.cell.engine import (
    Engine,
    Entity,
    Image,
    OnLost,
    OnStep,
    Power,
    PulledMachine,
    Step,
    Store,
    default_catalogue,
)
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import load_profile

START = 1_700_000_000.0
VM = "DC0_C0_RP0_VM0"
DISK = bytes(range(256)) * 700

DESCRIPTOR = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References><File ovf:href="{disk}" ovf:id="file1" ovf:size="{size}"/></References>
  <NetworkSection><Info>networks</Info><Network ovf:name="VM Network"/></NetworkSection>
  <VirtualSystem ovf:id="{vm}"><Info>machine</Info><Name>{vm}{mac}</Name></VirtualSystem>
</Envelope>
"""


@dataclass(frozen=True)
class Stored:
    name: str
    size: int
    sha256: str
    host: str
    seconds: float
    writing: float = 0.04
    began: float = START
    ended: float = START


@dataclass
class MadeUpSource:
    """Gives every VM one disk; `before` and `after` run around the writing of it and may raise or wait."""

    powers: dict[str, Power] = field(default_factory=dict)
    before: Callable[[str], None] = lambda vm: None
    after: Callable[[str], None] = lambda vm: None
    pulled: list[str] = field(default_factory=list)
    data: bytes = DISK
    committed: int = 0

    def power_states(self, vms: Iterable[str]) -> Mapping[str, Power]:
        return {vm: self.powers.get(vm, "poweredOff") for vm in vms}

    def pull(
        self,
        vm: str,
        directory: Path,
        *,
        name_file: Callable[[str, int | None], str],
        progress: Callable[[int, int], None],
        on_step: OnStep,
        on_lost: OnLost,
        cancelled: Cancellation,
    ) -> PulledMachine:
        self.before(vm)
        cancelled.check()
        on_step(Step.LEASED)
        name = name_file("disk-0.vmdk", 0)
        progress(0, len(self.data))
        (directory / name).write_bytes(self.data)
        progress(len(self.data), len(self.data))
        on_step(Step.STORED)
        self.after(vm)
        cancelled.check()
        self.pulled.append(vm)
        file = Stored(name, len(self.data), hashlib.sha256(self.data).hexdigest(), "esx0:443", 0.1)
        texts = {
            kind: DESCRIPTOR.format(disk=name, size=len(self.data), vm=vm, mac=mac).encode()
            for kind, mac in (("default", ""), ("identity", " 00:50:56:01:02:03"))
        }
        return PulledMachine(vm, (file,), texts)

    def size_of(self, image: Image) -> int:
        return len(self.data)

    def copy(
        self,
        image: Image,
        directory: Path,
        name: str,
        *,
        progress: Callable[[int, int], None],
        on_step: OnStep,
        on_lost: OnLost,
        cancelled: Cancellation,
    ) -> Stored:
        self.before(image.path)
        cancelled.check()
        progress(0, len(self.data))
        (directory / name).write_bytes(self.data)
        progress(len(self.data), len(self.data))
        on_step(Step.STORED)
        self.after(image.path)
        cancelled.check()
        self.pulled.append(image.path)
        return Stored(name, len(self.data), hashlib.sha256(self.data).hexdigest(), "esx0:443", 0.1)

    def bytes_of(self, vms: Iterable[str]) -> int:
        return sum(self.committed for _ in vms)

    def close(self) -> None:
        pass


def with_media_and_users() -> dict[str, Any]:
    """The default catalogue, with a medium, an empty vApp, one whose storage lease ends, and a user of each kind."""
    made = default_catalogue()
    (org,) = made["orgs"]
    org["vdcs"][0]["vapps"] += [{"name": "empty", "vms": []}, {"name": "leased", "vms": [VM], "storage_lease_s": 86400}]
    org["catalogs"][0]["media"] = [{"name": "tools", "datacenter": "DC0", "file": "[LocalDS_0] iso/tools.iso"}]
    roles = {"cataloger": "Catalog Author", "author": "vApp Author", "reader": "vApp User"}
    org["users"] = [{"name": name, "role": role} for name, role in roles.items()]
    return made


def first(name: str, descriptors: Sequence[bytes]) -> bytes:
    """Stand in for the merger: the first descriptor will do."""
    return descriptors[0]


class Bench:
    """An engine, its clock, journal, source and directory; `engine.start()` has run."""

    def __init__(
        self,
        directory: Path,
        *,
        source: MadeUpSource | None = None,
        store: Store | None = None,
        on_step: OnStep = lambda step: None,
        clock: Clock | None = None,
        catalogue: Mapping[str, Any] | None = None,
        reaper_s: float | None = None,
        quota: int | None = None,
        **profile: Any,
    ) -> None:
        self.clock = clock or Clock(start=START)
        self.source = source or MadeUpSource()
        self.root = directory / "transfer"
        self.journal = Journal("default", self.clock.now)
        self._own = store is None
        self.store = store or Store()
        self.engine = Engine(
            store=self.store,
            transfer_dir=self.root,
            clock=self.clock,
            profile=load_profile("cell-36.0", profile),
            journal=self.journal,
            source=self.source,
            merge=first,
            catalogue=catalogue,
            on_step=on_step,
            reaper_s=reaper_s,
            quota=quota,
        )
        self.engine.start()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *exc: object) -> None:
        self.engine.close()
        if self._own:
            self.store.close()

    def entity(self, name: str = "vApp0") -> Entity:
        return next(e for e in self.engine.catalogue.entities.values() if e.name == name)

    def export(self, name: str = "vApp0") -> str:
        """Enable and wait for the end of the task; return its id."""
        task = self.engine.enable(self.entity(name), "administrator")
        self.engine.settle()
        return task.id

    def state(self, task_id: str) -> str:
        task = self.engine.task(task_id)
        assert task is not None
        return task.value.state.value

    def listing(self) -> list[str]:
        """Every file and directory on the share, relative."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


class Gate:
    """Hold a worker at a point until the test lets it go."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, *_: object) -> None:
        self.reached.set()
        assert self._open.wait(30)

    def release(self) -> None:
        self._open.set()


class Trouble(ExportError):
    """Something that went wrong on purpose."""
