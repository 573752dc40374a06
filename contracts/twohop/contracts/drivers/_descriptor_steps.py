"""Steps that have machines, snapshots and vApps described: before, under and after a lease, with files and without."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyVmomi import vim

from ._driver import LeaseDriver, step
from ._model import NO_MACHINE

UNKNOWN = "twohop-nobody-knows"
"""An export option that no server knows (8.8)."""
_HREF = re.compile(r"<File [^>]*ovf:href=\"([^\"]*)\"")


@step
def describe(driver: LeaseDriver, lease: int, populated: bool, images: bool = False, named: bool = False) -> None:
    """Have a lease's machine described, by the files the lease has shown or, where it showed none, by all (8.3).

    `named` gives it a name, a description and an option that nobody knows, and its disks other capacities.
    """
    held, speaker = driver.model.lease(lease), driver.client(0)
    if held is None or held.vm in (NO_MACHINE, *driver.model.gone):
        return
    params = vim.OvfManager.CreateDescriptorParams(
        ovfFiles=_files(held.keys, populated=populated, capacity=named), includeImageFiles=images
    )
    if named:
        params.name, params.description, params.exportOption = "twohop", "as <it> was", [UNKNOWN]
    speaker.ovf_manager.CreateDescriptor(speaker.vm(driver.vms[held.vm]), params)


@step
def describe_machine(driver: LeaseDriver, vm: int, images: bool = False, snapshot_of: int | None = None) -> None:
    """Have a machine described without files, as it is or by the first snapshot seen of a machine, maybe another."""
    number, speaker = vm % len(driver.vms), driver.client(0)
    if number in driver.model.gone:
        return
    params = vim.OvfManager.CreateDescriptorParams(includeImageFiles=images)
    if snapshot_of is not None:
        known = driver.model.snapshots.get(snapshot_of % len(driver.vms), ())
        if not known:
            return
        params.snapshot = speaker.snapshot(known[0])
    speaker.ovf_manager.CreateDescriptor(speaker.vm(driver.vms[number]), params)


@step
def survey_vapps(driver: LeaseDriver) -> None:
    """Read which machines and vApps are in which vApp."""
    speaker = driver.client(0)
    if driver.vapps:
        speaker.read_all(speaker.all(vim.VirtualApp), "name", "parent")
        speaker.read_all(speaker.all(vim.VirtualMachine), "name", "resourcePool")


@step
def describe_vapp(driver: LeaseDriver, vapp: int, populated: bool, named: bool = False) -> None:
    """Have a vApp described without files, and again with those that stand in what came of it (8.2, 8.3)."""
    if not driver.vapps:
        return
    speaker = driver.client(0)
    entity = speaker.vapp(driver.vapps[vapp % len(driver.vapps)])
    first = speaker.ovf_manager.CreateDescriptor(entity, vim.OvfManager.CreateDescriptorParams())
    files = _files(_HREF.findall(str(first.ovfDescriptor)), populated=populated, capacity=named)
    params = vim.OvfManager.CreateDescriptorParams(ovfFiles=files)
    if named:
        params.name, params.description = "twohop", "all of it"
    speaker.ovf_manager.CreateDescriptor(entity, params)


def _files(keys: Iterable[str], *, populated: bool, capacity: bool) -> list[vim.OvfManager.OvfFile]:
    return [
        vim.OvfManager.OvfFile(
            deviceId=key, path=f"file-{number}", size=number << 16,
            populatedSize=number << 10 if populated else None, capacity=(number + 5) << 20 if capacity else None,
        )
        for number, key in enumerate(keys)
    ]  # fmt: skip
