"""Steps that are said to leases. A lease is named by its age, 0 being the newest; a client by its number."""

from __future__ import annotations

from pyVmomi import vim, vmodl

from ._driver import POLLS, LeaseDriver, step
from ._model import NO_MACHINE, Held

FAULTS = {"": None, "InvalidState": vim.fault.InvalidState, "FileFault": vim.fault.FileFault}
"""Faults that an abort may name."""
MORE = ("initializeProgress", "transferProgress", "mode", "capabilities")
"""Properties of a lease besides those that a client needs; all but the first are younger (1.8)."""


@step
def export(driver: LeaseDriver, vm: int, client: int = 0) -> None:
    """Ask for a lease on a machine."""
    number, speaker = vm % len(driver.vms), driver.client(client)
    try:
        lease = speaker.vm(driver.vms[number]).ExportVm()
    except vmodl.MethodFault as fault:
        driver.model.refused(number, fault)
        raise
    driver.model.granted(number, lease._moId)


@step
def export_snapshot(driver: LeaseDriver, vm: int) -> None:
    """Ask for a lease on the first snapshot of a machine, where one has been seen; its machine may run (2.11)."""
    number = vm % len(driver.vms)
    known = driver.model.snapshots.get(number, ())
    if known:
        lease = driver.client(0).snapshot(known[0]).ExportSnapshot()
        driver.model.held.append(Held(lease._moId, number))


@step
def export_vapp(driver: LeaseDriver, vapp: int) -> None:
    """Ask for a lease on a vApp, which holds all machines in it."""
    if driver.vapps:
        lease = driver.client(0).vapp(driver.vapps[vapp % len(driver.vapps)]).ExportVApp()
        driver.model.held.append(Held(lease._moId, NO_MACHINE))


@step
def read(driver: LeaseDriver, lease: int, client: int = 0) -> None:
    """Read state, info and error at once."""
    held = driver.model.lease(lease)
    if held is not None:
        driver.look(held, client)


@step
def wait_until_ready(driver: LeaseDriver, lease: int) -> None:
    """Read a lease until it is no longer initializing, or the driver's patience ends."""
    held = driver.model.lease(lease)
    for _ in range(POLLS if held is not None else 0):
        assert held is not None
        if driver.look(held) != "initializing":
            return


@step
def peek(driver: LeaseDriver, lease: int, path: str, client: int = 0) -> None:
    """Read one property as pyVmomi does, by Fetch."""
    held = driver.model.lease(lease)
    if held is not None:
        value = getattr(driver.client(client).lease(held.moid), path)
        if path == "info":
            held.learn(value)


@step
def read_more(driver: LeaseDriver, lease: int) -> None:
    """Read the properties that few clients ask for, each by itself, since an older server has not all of them."""
    held, speaker = driver.model.lease(lease), driver.client(0)
    for path in MORE if held is not None else ():
        assert held is not None
        try:
            speaker.read(speaker.lease(held.moid), path)
        except vmodl.query.InvalidProperty:
            return


@step
def read_old(driver: LeaseDriver, lease: int) -> None:
    """Read info as a client of the oldest API does (1.8)."""
    held = driver.model.lease(lease)
    if held is not None:
        _ = driver.client(0).old_lease(held.moid).info


@step
def progress(driver: LeaseDriver, lease: int, percent: int, client: int = 0) -> None:
    """Report progress."""
    held = driver.model.lease(lease)
    if held is not None:
        driver.client(client).lease(held.moid).Progress(percent)


@step
def advance(driver: LeaseDriver, share: float) -> None:
    """Let a share of the longest lease timeout pass."""
    driver.target.clock.advance(share * driver.longest_timeout())
    for held in driver.model.held if share > 1 else ():
        held.ended = True


@step
def manifest(driver: LeaseDriver, lease: int) -> None:
    """Ask for the manifest."""
    held = driver.model.lease(lease)
    if held is not None:
        driver.client(0).lease(held.moid).GetManifest()


@step
def checksum_type(driver: LeaseDriver, lease: int, algorithm: str) -> None:
    """Ask for another digest in the manifest, for every file (5.4)."""
    held = driver.model.lease(lease)
    if held is not None:
        pairs = [vim.KeyValue(key=key, value=algorithm) for key in held.keys]
        driver.client(0).lease(held.moid).SetManifestChecksumType(pairs)


@step
def complete(driver: LeaseDriver, lease: int, client: int = 0) -> None:
    """Complete a lease."""
    held = driver.model.lease(lease)
    if held is not None:
        driver.client(client).lease(held.moid).Complete()
        held.ended = True


@step
def abort(driver: LeaseDriver, lease: int, client: int = 0, fault: str = "") -> None:
    """Abort a lease, with a fault for others to see or without one (1.4)."""
    held, kind = driver.model.lease(lease), FAULTS[fault]
    if held is not None:
        given = kind(msg="The client gave up.") if kind is not None else None
        if isinstance(given, vim.fault.FileFault):
            given.file = "disk-0.vmdk"
        driver.client(client).lease(held.moid).Abort(given)
        held.ended = True
