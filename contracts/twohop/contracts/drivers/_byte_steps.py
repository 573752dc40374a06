"""Steps that are said to the hosts of device URLs."""

from __future__ import annotations

import re

from ._driver import LeaseDriver, step

_TICKET = re.compile(r"/((?:ha-)?nfc)/[^/]+/")
MADE_UP = "5200dead-beef-4000-8000-00000000{:04x}"
"""A ticket that no host has given."""


@step
def get(driver: LeaseDriver, lease: int) -> None:
    """Fetch every file whose URL the lease has shown."""
    held = driver.model.lease(lease)
    for url in held.urls if held is not None else ():
        driver.client(0).hosts.ask(url)
    driver.tick()


@step
def get_one(driver: LeaseDriver, lease: int, file: int) -> None:
    """Fetch one file of a lease."""
    _ask(driver, lease, "GET", file)


@step
def ask(driver: LeaseDriver, lease: int, method: str) -> None:
    """Send another method than GET to the first device URL of a lease (6.6)."""
    _ask(driver, lease, method, 0)


def _ask(driver: LeaseDriver, lease: int, method: str, file: int) -> None:
    held = driver.model.lease(lease)
    if held is not None and held.urls:
        driver.client(0).hosts.ask(held.urls[file % len(held.urls)], method)
        driver.tick()


@step
def get_with_cookie(driver: LeaseDriver, lease: int) -> None:
    """Fetch the first file of a lease with a cookie that the host has not given (6.1)."""
    held = driver.model.lease(lease)
    if held is not None and held.urls:
        driver.client(0).hosts.ask(held.urls[0], headers={"Cookie": 'vmware_soap_session="not-a-session"'})
        driver.tick()


@step
def get_made_up(driver: LeaseDriver, lease: int, number: int) -> None:
    """Ask the host of a lease for its first file with a made-up ticket."""
    held = driver.model.lease(lease)
    if held is not None and held.urls:
        made_up = MADE_UP.format(number)
        driver.client(0).hosts.ask(_TICKET.sub(rf"/\1/{made_up}/", held.urls[0]))
        driver.tick()
