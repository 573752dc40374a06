"""The client of arencloud/rvvdk as its logs show it: the same calls in the same order, against a fake host.

The logs of its runs against a real ESXi 8.0.3 name each call with its outcome, its time and the size of its reply. Here
is what it called, and how the answers to it are labelled and measured; no body of a reply was ever published.
"""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from urllib3.util import SKIP_HEADER

from soap_wire import Answer, Wire, objects, props
from twohop.fakes import ESXi
from twohop.runtime import Clock
from vcenters import make

READS = (
    ("LicenseManager", ("licenses", "licensedEdition"), "the licences"),
    ("Folder", ("childEntity",), "the root folder"),
    ("Datacenter", ("vmFolder", "hostFolder", "datastore"), "the datacenter"),
    ("Folder", ("childEntity",), "the folder of machines"),
    ("Folder", ("childEntity",), "the folder of hosts"),
    ("Datastore", ("summary", "info"), "the datastore"),
    ("VirtualMachine", (), "a machine"),
    ("VirtualMachine", (), "a machine"),
    ("ComputeResource", ("host", "resourcePool"), "the compute resource"),
    ("HostSystem", ("summary.hardware", "runtime.connectionState"), "the host"),
    ("ResourcePool", ("vm", "resourcePool"), "the resource pool"),
    ("VirtualMachine", (), "a machine"),
)
"""What the client reads of the inventory at each run, in this order; then once more the machine that it has chosen."""

MACHINE = (
    "runtime.powerState", "config.guestId", "config.uuid", "config.hardware.device", "config.template",
    "guest.toolsRunningStatus", "snapshot", "disabledMethod",
)  # fmt: skip
ERRORS = {"RestrictedVersion": "license_restricted", "InvalidState": "soap_fault", "TaskInProgress": "task_in_progress"}
"""What the client called a fault; it had no name for InvalidState yet."""
HEARTBEAT = 10.0


@dataclass
class Sizes:
    """The sizes of replies by the label of the call: those that the host sent, and ours."""

    recorded: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    ours: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


def seconds(stamp: str) -> float:
    """A time of a log as seconds."""
    return datetime.fromisoformat(stamp).astimezone(UTC).timestamp()


class Run:
    """One run of the client: it walks a log and makes the calls that stand there."""

    def __init__(self, host: ESXi, log: dict[str, Any], sizes: Sizes, starts: dict[str, float]) -> None:
        self.host, self.log, self.sizes, self.starts = host, log, sizes, starts
        self.rows = list(log["requests"])
        self.at = 0
        self.errors: list[tuple[str, str | None]] = []
        self.tasks: list[dict[str, Any]] = []
        self.lease = ""
        self.power: list[str] = []
        # The first version that inspected tasks read them with whatever else it read of a machine.
        self.with_tasks = any("queued_at" not in task for task in log.get("recent_tasks", ()))
        self.flags: list[bool] = []
        self.manifest: Answer | None = None
        calls = sum(row["elapsed_ms"] for row in self.rows)
        beats = sum(row["method"] == "HttpNfcLeaseProgress" for row in self.rows)
        self.beat = max(0.0, log["elapsed_ms"] - calls) / 1000 / beats if beats else 0.0

    def next_is(self, method: str) -> bool:
        """Whether the log goes on with that call."""
        return self.at < len(self.rows) and self.rows[self.at]["method"] == method

    def take(self, wire: Wire, label: str, method: str, *call: Any) -> Answer:
        """Make the next call of the log, and note outcome and size beside the recorded ones."""
        row = self.rows[self.at]
        assert row["method"] == method, f"the log goes on with {row['method']}"
        self.at += 1
        start = self.starts.get(method)
        if start is not None:
            self.host.clock.advance(max(0.0, start - self.host.clock.now()))
        answer = wire.call(method, *call)
        self.host.clock.advance(row["elapsed_ms"] / 1000)
        error = ERRORS.get(answer.fault, answer.fault) if answer.fault else None
        self.errors.append((method, error))
        label = f"{label}: {answer.fault}" if answer.fault else label
        self.sizes.recorded[label].add(row["response_bytes"])
        self.sizes.ours[label].add(len(answer.data))
        return answer

    def read(self, wire: Wire, label: str, kind: str, moid: str, paths: tuple[str, ...]) -> Answer:
        """Read properties of one object."""
        specs = f"<specSet>{props(kind, *paths)}{objects(kind, moid)}</specSet>"
        arguments = f"{specs}<options><maxObjects>1</maxObjects></options>"
        return self.take(wire, f"read {label}", "RetrievePropertiesEx", "PropertyCollector", wire.collector, arguments)

    def machine(self, wire: Wire, moid: str, state: str | None = None) -> Answer:
        """Read a machine; the label says what state it is in, since that decides what is to be told."""
        if state is None:
            vm = self.host.world.vm({"1": "guest-1", "2": "guest-2"}[moid])
            state = "leased" if vm.leases else vm.power.value
        paths = (*MACHINE, "recentTask") if self.with_tasks else MACHINE
        label = f"a machine, {state}{', with its recent tasks' if self.with_tasks else ''}"
        answer = self.read(wire, label, "VirtualMachine", moid, paths)
        if moid == "1":
            self.power += [v for v in answer.texts("val") if v.startswith("powered")]
        return answer

    def wait_for_start(self) -> None:
        """Let time pass until the run begins, where the moment of one of its calls is known."""
        before = 0.0
        for row in self.rows:
            if row["method"] in self.starts:
                until = self.starts[row["method"]] - before
                self.host.clock.advance(until - self.host.clock.now())
                return
            before += row["elapsed_ms"] / 1000

    def walk(self) -> None:
        """Make every call of the log."""
        self.wait_for_start()
        with Wire(self.host, "8.0") as wire:
            # It tells no name of its own, which Login would give back.
            wire.extra["User-Agent"] = SKIP_HEADER
            this = "ServiceInstance"
            self.take(wire, "RetrieveServiceContent", "RetrieveServiceContent", this, this)
            user, password = self.host.user, self.host.password
            arguments = f"<userName>{user}</userName><password>{password}</password>"
            answer = self.take(wire, "Login", "Login", "SessionManager", wire.session_manager, arguments)
            wire.cookie = answer.cookie
            self.inventory(wire)
            if self.log.get("inspection_only"):
                self.inspect(wire)
            else:
                self.export(wire)
            self.take(wire, "Logout", "Logout", "SessionManager", wire.session_manager)
        assert self.at == len(self.rows), f"the log has more calls: {self.rows[self.at :]}"

    def inventory(self, wire: Wire) -> None:
        """Read the inventory breadth first, as the client does."""
        store = next(o for o in self.host.world.objects if o.count("-") == 3 and len(o) == 35)
        moids = iter(
            [
                "ha-license-manager", "ha-folder-root", "ha-datacenter", "ha-folder-vm", "ha-folder-host", store,
                "1", "2", "ha-compute-res", "ha-host", "ha-root-pool", "1",
            ]
        )  # fmt: skip
        for kind, paths, label in READS:
            moid = next(moids)
            if kind == "VirtualMachine":
                self.machine(wire, moid)
            else:
                self.read(wire, label, kind, moid, paths)

    def inspect(self, wire: Wire) -> None:
        """Read the recent tasks of the machine, and each of them."""
        if self.with_tasks:
            answer = self.machine(wire, "1")
        else:
            count = sum(row["method"] == "RetrievePropertiesEx" for row in self.rows[self.at + 1 :])
            answer = self.read(wire, f"{count} recent tasks", "VirtualMachine", "1", ("recentTask",))
        for moid in answer.texts("ManagedObjectReference"):
            if not moid.startswith("haTask-"):
                continue
            task = next(task for task in self.host.world.tasks() if task.moid == moid)
            ended = "" if task.error is None else f" by {type(task.error).__name__.rpartition('.')[2]}"
            shown = "exportVm" if "exportVm" in moid else "shutdownGuest"
            state, cancelled = task.value.state.value, ", cancelled" if task.cancelled else ""
            found = self.read(wire, f"a task, {shown}, {state}{ended}{cancelled}", "Task", moid, ("info",))
            told = {name: found.texts(name)[0] for name in ("state", "cancelable", "cancelled", "queueTime")}
            self.tasks.append(
                {
                    "state": told["state"],
                    "operation": "export_vm" if shown == "exportVm" else "other",
                    "cancelable": told["cancelable"] == "true",
                    "cancelled": told["cancelled"] == "true",
                    "queued_at": seconds(told["queueTime"]),
                }
            )

    def export(self, wire: Wire) -> None:
        """Shut the machine down where it was, export it, and end the lease as the log says."""
        if self.next_is("ShutdownGuest"):
            self.take(wire, "ShutdownGuest", "ShutdownGuest", "VirtualMachine", "1")
            while self.next_is("RetrievePropertiesEx"):
                last = self.rows[self.at + 1]["method"] != "RetrievePropertiesEx"
                self.machine(wire, "1", None if last else "while its guest shuts down")
        answer = self.take(wire, "ExportVm", "ExportVm", "VirtualMachine", "1")
        if answer.fault is not None:
            return
        (self.lease,) = answer.texts("returnval")
        with contextlib.ExitStack() as held:
            if self.next_is("RetrievePropertiesEx"):
                answer = self.read(wire, "state and info of a lease", "HttpNfcLease", self.lease, ("state", "info"))
                self.disks(answer)
            if self.next_is("HttpNfcLeaseProgress"):
                self.download(wire, held, answer)
            while not self.next_is("Logout"):
                method = self.rows[self.at]["method"]
                percent = "<percent>0</percent>" if method == "HttpNfcLeaseProgress" else ""
                answer = self.take(wire, method, method, "HttpNfcLease", self.lease, percent)
                if method == "HttpNfcLeaseGetManifest":
                    self.manifest = answer
                self.host.clock.advance(self.beat if percent else 0.0)

    def disks(self, answer: Answer) -> None:
        """Note which entries are disks, in their order."""
        self.flags = [text == "true" for text in answer.texts("disk")]

    def download(self, wire: Wire, held: contextlib.ExitStack, answer: Answer) -> None:
        """Fetch the disk, whole where the log has a manifest, else only its beginning."""
        urls, flags = answer.texts("url"), answer.texts("disk")
        url = next(url for url, disk in zip(urls, flags, strict=False) if disk == "true")
        got = wire.pool.request("GET", url.replace("*", self.host.url.removeprefix("https://")), preload_content=False)
        held.callback(got.close)
        assert got.status == 200
        if any(row["method"] == "HttpNfcLeaseGetManifest" for row in self.rows):
            assert got.read()[:4] == b"KDMV"
        else:
            assert got.read(4) == b"KDMV"


def load(folder: Path, name: str) -> dict[str, Any]:
    """A log by its name."""
    loaded: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return loaded


@contextlib.contextmanager
def measured_host(profile: Any, power: str, start: float) -> Iterator[ESXi]:
    """The host of the runs: two machines with one disk each, of 30 and 60 GiB; the first also has two other files."""
    machines = [
        {
            "name": name, "power": on, "tools": True, "firmware": "efi", "guest": "fedora64Guest",
            "nvram": {"size": "264 KiB"}, "images": [{"kind": "iso", "size": "1 MiB"}],
            "disks": [{"size": size, "data": "4 MiB"}],
        }
        for name, size, on in (("guest-1", "30 GiB", power), ("guest-2", "60 GiB", "on"))
    ]  # fmt: skip
    datacenter = {"hosts": ["H0"], "datastores": [{"name": "datastore1", "capacity": "1 TiB"}], "vms": machines}
    with make(profile, world={"datacenters": [datacenter]}, clock=Clock(start=start)) as host:
        yield host
