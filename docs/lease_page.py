"""What every method of a lease answers in every state, asked over the wire, under every profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pyVmomi import vim, vmodl

from twohop.contracts.clauses import ROOMS
from twohop.contracts.drivers import LeaseDriver
from twohop.contracts.targets import FakeTarget
from twohop.fakes.world import World
from twohop.runtime.profiles import known_profiles, load_profile

STATES = ("initializing", "ready", "done", "error, aborted", "error, timed out", "error, failed")

METHODS: Mapping[str, Callable[[Any, tuple[str, ...]], Any]] = {
    "read state": lambda lease, keys: lease.state,
    "read info": lambda lease, keys: lease.info,
    "read error": lambda lease, keys: lease.error,
    "Progress": lambda lease, keys: lease.Progress(0),
    "GetManifest": lambda lease, keys: lease.GetManifest(),
    "SetManifestChecksumType": lambda lease, keys: lease.SetManifestChecksumType(
        [vim.KeyValue(key=key, value="sha256") for key in keys]
    ),
    "PullFromUrls_Task": lambda lease, keys: lease.PullFromUrls([]),
    "ProbeUrls": lambda lease, keys: lease.ProbeUrls([vim.HttpNfcLease.SourceFile(**SOURCE)], 10),
    "Complete": lambda lease, keys: lease.Complete(),
    "Abort": lambda lease, keys: lease.Abort(),
}
SOURCE = {"targetDeviceId": "disk-0.vmdk", "url": "https://example.invalid/disk-0.vmdk", "create": False}

USUAL = "vcenter-8.0"

SHEET: Mapping[str, tuple[str, str, str, str, str, str]] = {
    "read state": ("1.1", "1.2", "1.3, 1.15", "1.4, 1.16", "1.5, 3.8", "1.5"),
    "read info": ("1.7", "1.7, 4.1", "1.15", "1.16", "1.16", "1.16"),
    "read error": ("1.5", "1.5", "1.5", "1.4, 1.16", "3.8", "1.5, 1.16"),
    "Progress": ("2.8", "2.7, 3.4", "2.5 U", "2.5 U", "2.4", "2.5 U"),
    "GetManifest": ("2.9 U", "5.5", "2", "2", "2", "2"),
    "SetManifestChecksumType": ("5.4",) * 6,
    "PullFromUrls_Task": ("5.7",) * 6,
    "ProbeUrls": ("5.7",) * 6,
    "Complete": ("2.9 U", "1.3, 2.10", "2.1", "2.1", "2.2", "2"),
    "Abort": ("1.4", "1.4, 2.10a", "2.3 U", "2.3", "2.3", "2"),
}
"""The numbers of the sheet for each method, state by state; U where no source answers."""


def _answer(ask: Callable[[Any, tuple[str, ...]], Any], lease: Any, keys: tuple[str, ...]) -> str:
    try:
        value = ask(lease, keys)
    except vmodl.fault.NotSupported as fault:
        return "*NotSupported*" + (" (gap)" if "twohop" in (fault.msg or "") else "")
    except vmodl.MethodFault as fault:
        return f"*{type(fault).__name__.rpartition('.')[2]}*"
    except AttributeError:
        return "not in this pyVmomi"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, vmodl.MethodFault):
        return type(value).__name__.rpartition(".")[2]
    if isinstance(value, vim.HttpNfcLease.Info):
        return "set"
    return "accepted" if ask not in READS else "unset"


READS = tuple(METHODS[name] for name in ("read state", "read info", "read error"))
Answers = dict[tuple[str, str], str]


def answers(profile: str) -> Answers:
    """Ask one profile: what each method answers in each state."""
    with FakeTarget(load_profile(profile).but(missing_image="lease")) as target:
        driver = LeaseDriver(target)
        try:
            return dict(_asked(driver)) | dict(_failed(driver, target.server.world))
        finally:
            driver.close()


def _asked(driver: LeaseDriver) -> Iterator[tuple[tuple[str, str], str]]:
    # Any look can make a new lease ready, so each method gets one of its own.
    for method in METHODS:
        _grant(driver, ready=False)
        yield ("initializing", method), _ask(driver, method)
        driver.take("abort", lease=0)
    staying = [method for method in METHODS if method not in ("Complete", "Abort")]
    ends = (("Complete", "done"), ("Abort", "error, aborted"))
    for end, state in ends:
        _grant(driver)
        for method in staying if end == "Complete" else ():
            yield ("ready", method), _ask(driver, method)
        yield ("ready", end), _ask(driver, end)
        for method in METHODS:
            yield (state, method), _ask(driver, method)
    _grant(driver)
    driver.take("advance", share=1.001)
    for method in METHODS:
        yield ("error, timed out", method), _ask(driver, method)


def _failed(driver: LeaseDriver, world: World) -> Iterator[tuple[tuple[str, str], str]]:
    """Ask a lease that could not be prepared, since the file of an image in a drive is gone (1.5, 2.16)."""
    with world.change() as tx:
        vm = world.vm("VM2")
        tx.set(vm, "images", [replace(image, content=None) for image in vm.images])
    _grant(driver, vm=2)
    for method in METHODS:
        yield ("error, failed", method), _ask(driver, method)


def _grant(driver: LeaseDriver, *, vm: int = 0, ready: bool = True) -> None:
    driver.take("export", vm=vm)
    if ready:
        driver.take("wait_until_ready", lease=0)


def _ask(driver: LeaseDriver, method: str) -> str:
    held = driver.model.lease(0)
    assert held is not None
    return _answer(METHODS[method], driver.client(0).lease(held.moid), held.keys)


def _otherwise(asked: Mapping[str, Answers]) -> list[tuple[object, ...]]:
    """Return where profiles answer otherwise than the usual one, as rows."""
    profiles: dict[tuple[str, str, str], list[str]] = {}
    for name, found in asked.items():
        for (state, method), answer in found.items():
            if answer != asked[USUAL][state, method]:
                profiles.setdefault((method, state, answer), []).append(name)
    states: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (method, state, answer), names in profiles.items():
        states.setdefault((method, answer, tuple(names)), []).append(state)
    return [
        (method, "all" if len(where) == len(STATES) else "; ".join(where), answer, ", ".join(names))
        for (method, answer, names), where in sorted(states.items())
    ]


def page(table: Callable[[tuple[str, ...], list[tuple[object, ...]]], list[str]]) -> str:
    """Return the page; `table` makes lines of a head and rows."""
    asked = {name: answers(name) for name in known_profiles() if not name.startswith("cell")}
    usual = asked[USUAL]
    rows: list[tuple[object, ...]] = []
    for method in METHODS:
        said = zip(STATES, SHEET[method], strict=True)
        rows.append((method, *(f"{usual[state, method]} ({numbers})" for state, numbers in said)))
    lines = [
        "# The lease, state by state",
        "",
        "Generated by `python docs/generate.py`, which asks a fake over the wire: a lease is brought into each state,",
        "and each method is called on it. Faults are in italics; the numbers are those of the fact sheet, with U where",
        f"no source answers and a field of the profile decides. This is `{USUAL}`; the lease that has failed is of",
        "a machine with an image whose file is gone, where the lease reports it (`missing_image`, 2.16).",
        "",
        *table(("method", *STATES), rows),
        "",
        "Where another profile answers otherwise:",
        "",
        *table(("method", "states", "answer", "profiles"), _otherwise(asked)),
        "",
        "A standalone host's lease is ready when it is first looked at (1.12), so nothing is seen of `initializing`.",
        "",
        "## The clauses, room by room",
        "",
        "Each holds any server to the sheet by what was seen on the wire; `twohop clauses` judges a recorded history.",
    ]
    for room, clauses in ROOMS.items():
        lines += ["", f"### {room}", ""]
        lines += [f"- **{c.id}** {c.sentence} ({c.source}; {c.grade})" for c in clauses]
    return "\n".join(lines) + "\n"
