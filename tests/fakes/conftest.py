"""One running vCenter for all tests that only speak to it, reset before each; tests of their own profile start one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soap_wire import Wire
from twohop.fakes import VCenter
from vcenters import make, small_world


@pytest.fixture(scope="module")
def _shared() -> Iterator[VCenter]:
    with make(world=small_world(vms=3, hosts=2)) as vcenter:
        yield vcenter


@pytest.fixture
def vc(_shared: VCenter) -> VCenter:
    """A vCenter in its seed state: VM0 and VM1 are off, VM2 is on; hosts H0 and H1."""
    _shared.reset()
    return _shared


@pytest.fixture
def wire(vc: VCenter) -> Iterator[Wire]:
    """A client that writes its own XML, not logged in."""
    with Wire(vc) as wire:
        yield wire


@pytest.fixture
def user(wire: Wire) -> Wire:
    """The same, logged in."""
    return wire.login()
