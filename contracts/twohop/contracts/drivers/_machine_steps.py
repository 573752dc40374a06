"""Steps that are said to machines, tasks and sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyVmomi import vim, vmodl

from ._driver import LeaseDriver, step
from ._model import NO_MACHINE
from ._speaker import Speaker

CHANGES = ("reconfigure", "destroy", "relocate", "snapshot", "remove_snapshots")


@step
def survey_machines(driver: LeaseDriver) -> None:
    """Read power, hardware and snapshots of every machine."""
    speaker = driver.client(0)
    left = {moid: number for number, moid in enumerate(driver.vms) if number not in driver.model.gone}
    if left:
        machines = [speaker.vm(moid) for moid in left]
        found = speaker.read_all(machines, "runtime.powerState", "config.hardware.device", "snapshot")
        for moid, seen in found.items():
            trees = seen["snapshot"].rootSnapshotList if seen.get("snapshot") else ()
            driver.model.snapshots[left[moid]] = tuple(_all(trees))


def _all(trees: Iterable[Any]) -> Iterator[str]:
    for tree in trees:
        yield tree.snapshot._moId
        yield from _all(tree.childSnapshotList or ())


@step
def power_on(driver: LeaseDriver, vm: int) -> None:
    """Try to power a machine on."""
    number = vm % len(driver.vms)
    if driver.settled(driver.client(0).vm(driver.vms[number]).PowerOn()):
        driver.model.on.add(number)


@step
def power_on_member(driver: LeaseDriver, lease: int) -> None:
    """Try to power on a machine of which a lease on a vApp offers a file."""
    held = driver.model.lease(lease)
    if held is None or held.vm != NO_MACHINE:
        return
    # /MOID/CONTROLLER (4.3); a server whose keys are of another form tells of no machine.
    member = next((key.split("/")[1] for key in held.keys if key.count("/") >= 2), "")
    if member:
        driver.settled(driver.client(0).vm(member).PowerOn())


@step
def power_off(driver: LeaseDriver, vm: int) -> None:
    """Try to power a machine off."""
    number = vm % len(driver.vms)
    if driver.settled(driver.client(0).vm(driver.vms[number]).PowerOff()):
        driver.model.on.discard(number)


@step
def change(driver: LeaseDriver, lease: int, how: str) -> None:
    """Try to change the machine of a lease that is held, as far as the driver knows."""
    held, speaker = driver.model.lease(lease), driver.client(0)
    if held is None or held.ended or held.vm in (NO_MACHINE, *driver.model.gone):
        return
    vm = speaker.vm(driver.vms[held.vm])
    if how == "destroy":
        task = vm.Destroy()
        driver.model.gone.add(held.vm)
    elif how == "reconfigure":
        task = vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="changed under a lease"))
    elif how == "relocate":
        task = vm.RelocateVM_Task(vim.vm.RelocateSpec())
    elif how == "snapshot":
        task = vm.CreateSnapshot_Task(name="under a lease", memory=False, quiesce=False)
    else:
        task = vm.RemoveAllSnapshots_Task()
    speaker.read(task, "info")


@step
def tasks(driver: LeaseDriver, vm: int) -> None:
    """Read the recent tasks of a machine and of all, and what each of them says."""
    number, speaker = vm % len(driver.vms), driver.client(0)
    if number not in driver.model.gone:
        found = speaker.recent_tasks(driver.vms[number])
        if found:
            _read_tasks(speaker, found)


def _read_tasks(speaker: Speaker, found: list[vim.Task]) -> None:
    try:
        speaker.read_all(found, "info")
    except vmodl.fault.ManagedObjectNotFound:
        pass  # old tasks go


@step
def logout(driver: LeaseDriver, client: int) -> None:
    """Log a client out; what it does next shows that it is."""
    speaker = driver.client(client)
    if not speaker.stranger:
        speaker.logout()
