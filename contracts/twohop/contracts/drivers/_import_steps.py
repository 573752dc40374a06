"""Steps of an import: a package of the driver's own, sent, looked at, completed or given up."""

from __future__ import annotations

from pyVmomi import vim, vmodl

from ._driver import POLLS, LeaseDriver, step
from ._model import Import
from ._package import descriptor, disk

DISK_TYPE = "application/x-vnd.vmware-streamVmdk"


@step
def begin_import(driver: LeaseDriver) -> None:
    """Have the package read, ask for a lease, and read it until it is ready."""
    speaker = driver.client(0)
    place = speaker.place()
    name = f"imported-{len(driver.model.imports)}"
    params = vim.OvfManager.CreateImportSpecParams(
        locale="", deploymentOption="", entityName=name, diskProvisioning="thin"
    )
    made = speaker.ovf_manager.CreateImportSpec(descriptor(name), place.pool, place.datastore, params)
    lease = place.pool.ImportVApp(made.importSpec, place.folder, place.host)
    begun = Import(lease._moId, made.fileItem[0].deviceId if made.fileItem else "")
    driver.model.imports.append(begun)
    for _ in range(POLLS):
        seen = speaker.read(speaker.lease(begun.moid), "state", "info", "error")
        begun.learn(seen.get("info"))
        if seen.get("state") != "initializing":
            return


@step
def send_import(driver: LeaseDriver) -> None:
    """Post the disk to the device URL that its key names; ask for it, too, which is no way to get it."""
    for begun in driver.model.imports[-1:]:
        url = begun.urls.get(begun.item)
        if url is not None:
            driver.client(0).hosts.ask(url)
            driver.client(0).hosts.ask(url, "POST", {"Content-Type": DISK_TYPE}, disk())
            driver.tick()


@step
def ask_import_manifest(driver: LeaseDriver) -> None:
    """Ask what has come of the newest import."""
    for begun in driver.model.imports[-1:]:
        driver.client(0).lease(begun.moid).GetManifest()


@step
def power_on_import(driver: LeaseDriver) -> None:
    """Try to power on what the newest import makes; where it is on, power it off again."""
    for begun in driver.model.imports[-1:]:
        if begun.entity and driver.settled(driver.client(0).vm(begun.entity).PowerOn()):
            driver.settled(driver.client(0).vm(begun.entity).PowerOff())


@step
def end_import(driver: LeaseDriver, how: str) -> None:
    """Complete or abort the newest import, and look at what is there of it."""
    for begun in driver.model.imports[-1:]:
        lease = driver.client(0).lease(begun.moid)
        try:
            if how == "complete":
                lease.Complete()
            else:
                lease.Abort()
        except vmodl.MethodFault:
            pass  # whether it was right is for the clauses to say
        driver.tick()
        if begun.entity:
            _ = driver.client(0).vm(begun.entity).name
