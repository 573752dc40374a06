"""Steps that put sessions, properties and updates to the test."""

from __future__ import annotations

from ._driver import LeaseDriver, step
from ._model import Held

STABLE = ("name", "config.uuid")
"""Properties that stay as they are while nobody changes a machine."""
NOBODY = "twohop-nobody"
"""A user whom no server knows: wrong passwords of a known one would lock him out."""
BATCHES = 20


@step
def login_badly(driver: LeaseDriver, client: int) -> None:
    """Log in as somebody whom the server does not know (10.11)."""
    driver.client(client).login_as(NOBODY, "not a password")


@step
def compare_reads(driver: LeaseDriver, vm: int) -> None:
    """Read the same properties of a machine in each way there is (10.5)."""
    number, speaker = vm % len(driver.vms), driver.client(0)
    if number in driver.model.gone:
        return
    machine = speaker.vm(driver.vms[number])
    speaker.read(machine, *STABLE)
    _ = machine.name
    speaker.read_old_way(machine, *STABLE)


@step
def read_unknown(driver: LeaseDriver, vm: int) -> None:
    """Ask for a property that no machine has (12, row 20)."""
    number, speaker = vm % len(driver.vms), driver.client(0)
    if number not in driver.model.gone:
        speaker.read(speaker.vm(driver.vms[number]), "name", "runtime.twohopState")


@step
def watch(driver: LeaseDriver) -> None:
    """Make a collector as govc does, have it look at all machines, and read their full state (10.8)."""
    speaker = driver.client(0)
    left = [speaker.vm(moid) for number, moid in enumerate(driver.vms) if number not in driver.model.gone]
    driver.model.collector = speaker.watch(left, "runtime.powerState", "name")
    driver.model.version = ""
    _wait(driver)


@step
def wait(driver: LeaseDriver) -> None:
    """Ask the collector for what has changed, twice: the second time nothing has."""
    if driver.model.collector:
        _wait(driver)
        _wait(driver)


@step
def wait_badly(driver: LeaseDriver) -> None:
    """Ask the collector for what has changed since a version that it has not given (10.8)."""
    if driver.model.collector:
        driver.client(0).updates(driver.model.collector, "4711")


@step
def cancel_wait(driver: LeaseDriver) -> None:
    """Wait for what changes, where nothing does, and cancel that (10.8)."""
    if driver.model.collector:
        _wait(driver)
        driver.client(0).cancelled_wait(driver.model.collector, driver.model.version)


@step
def export_as_reader(driver: LeaseDriver, vm: int) -> None:
    """Ask for the export of a machine as somebody who may only read it, where the target knows such a user (2.11)."""
    number = vm % len(driver.vms)
    reader = driver.reader()
    if reader is None or number in driver.model.gone:
        return
    machine = reader.vm(driver.vms[number])
    reader.read(machine, "effectiveRole")
    driver.tick()
    lease = machine.ExportVm()
    driver.model.held.append(Held(lease._moId, number))


def _wait(driver: LeaseDriver) -> None:
    for _ in range(BATCHES):
        found = driver.client(0).updates(driver.model.collector, driver.model.version)
        driver.model.version = found.version if found else driver.model.version
        if not found or not found.truncated:
            return
