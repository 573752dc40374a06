"""The keep-alive renews in time however the clock moves, and stops the transfer where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.exporter import Cancellation, HostUnreachable, KeepAlive, LeaseLost, VCenterAddress, VSphere
from twohop.exporter.vsphere import HeldLease
from twohop.fakes import VCenter
from twohop.runtime import Clock

VM = "DC0_C0_RP0_VM0"
TIMEOUT = 300


@dataclass
class Renewals:
    """A lease that writes down when it was renewed, and may refuse."""

    clock: Clock
    refuse: Callable[[float], BaseException | None] = lambda now: None
    timeout: int = TIMEOUT
    id: str = "lease"
    at: list[float] = field(default_factory=list)
    tried: list[float] = field(default_factory=list)
    percents: list[int] = field(default_factory=list)

    def progress(self, percent: int) -> None:
        now = self.clock.now()
        self.tried.append(now)
        error = self.refuse(now)
        if error is not None:
            raise error
        self.at.append(now)
        self.percents.append(percent)


def kept(lease: Renewals, clock: Clock, **more: Any) -> KeepAlive:
    return KeepAlive(cast(HeldLease, lease), clock, **more)


@given(st.lists(st.floats(0.1, 2000), min_size=1, max_size=8))
def test_however_the_clock_jumps_the_lease_is_renewed_in_time(steps: list[float]) -> None:
    clock = Clock(start=0.0)
    lease = Renewals(clock)
    with kept(lease, clock, percent=lambda: 42) as alive:
        for step in steps:
            clock.advance(step)
        alive.check()
    gaps = [b - a for a, b in zip([0.0, *lease.at], [*lease.at, clock.now()], strict=True)]
    assert max(gaps) <= TIMEOUT / 3 + 1e-6
    assert len(lease.at) == int(clock.now() // (TIMEOUT / 3))
    assert set(lease.percents) <= {42}


def test_a_lease_that_lasts_for_hours_is_renewed_for_the_session_s_sake(tmp_path: Path) -> None:
    """Here the session ends after ten minutes without a call, the lease after an hour (3.13)."""
    profile = tmp_path / "patient.toml"
    profile.write_text('profile = "vcenter-8.0"\nlease_timeout_s = 3600\nsession_idle_s = 600\n')
    with VCenter(profile=str(profile)) as vc:
        with session(vc) as vsphere, vsphere.export(vsphere.find_vm(VM)) as lease:
            with KeepAlive(lease, vc.clock) as alive:
                vc.clock.advance(7200)
                alive.check()
            lease.complete()
        assert [task.value.state.value for task in vc.world.tasks()] == ["success"]


def test_a_fault_stops_the_transfer_and_says_why() -> None:
    clock, stop = Clock(start=0.0), Cancellation()
    lease = Renewals(clock, lambda now: LeaseLost("the server has ended it") if now > 150 else None)
    with kept(lease, clock, cancelled=stop) as alive:
        clock.advance(100)
        assert not stop.is_set()
        clock.advance(1000)
        with pytest.raises(LeaseLost, match="the server has ended it"):
            alive.check()
    assert lease.tried == [100.0, 200.0]
    with pytest.raises(LeaseLost):
        stop.check()


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), MemoryError()])
def test_whatever_ends_the_renewals_stops_the_transfer(error: BaseException) -> None:
    clock, stop = Clock(start=0.0), Cancellation()
    lease = Renewals(clock, lambda now: error if now > 150 else None)
    with kept(lease, clock, cancelled=stop) as alive:
        clock.advance(1000)
        with pytest.raises(LeaseLost, match=f"no longer renewed, by a bug: {type(error).__name__}"):
            alive.check()
    assert lease.tried == [100.0, 200.0]
    assert stop.reason is alive.failure and alive.failure is not None
    assert alive.failure.__cause__ is error


def test_a_connection_that_fails_for_a_while_is_tried_again() -> None:
    clock, stop = Clock(start=0.0), Cancellation()
    lease = Renewals(clock, lambda now: HostUnreachable("cut") if 90 < now < 180 else None)
    with kept(lease, clock, cancelled=stop):
        clock.advance(1000)
    assert not stop.is_set()
    assert lease.at[0] < TIMEOUT


def test_a_connection_that_fails_for_good_ends_with_the_lease() -> None:
    clock, stop = Clock(start=0.0), Cancellation()
    lease = Renewals(clock, lambda now: HostUnreachable("no route"))
    with kept(lease, clock, cancelled=stop):
        clock.advance(1000)
    with pytest.raises(LeaseLost, match="not renewed in time: no route"):
        stop.check()
    assert TIMEOUT <= lease.tried[-1] <= TIMEOUT * 4 / 3


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter() as running:
        yield running


def session(vc: VCenter) -> VSphere:
    return VSphere(VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file))


def test_a_lease_at_the_fake_lives_while_it_is_kept_alive_and_dies_when_not(vc: VCenter) -> None:
    with session(vc) as vsphere, vsphere.export(vsphere.find_vm(VM)) as lease:
        with KeepAlive(lease, vc.clock):
            vc.clock.advance(24 * 3600)
        [held] = vc.world.leases()
        assert held.state.held and vc.world.vm(VM).leases
        vc.clock.advance(lease.timeout + 1)
        assert not held.state.held and not vc.world.vm(VM).leases
        with pytest.raises(LeaseLost, match="Timedout"):
            lease.progress(50)


def test_a_lease_that_the_server_ended_stops_the_transfer(vc: VCenter) -> None:
    stop = Cancellation()
    with session(vc) as vsphere, vsphere.export(vsphere.find_vm(VM)) as lease:
        with KeepAlive(lease, vc.clock, cancelled=stop):
            assert lease.abort("somebody else")
            vc.clock.advance(lease.timeout)
        with pytest.raises(LeaseLost, match="export again"):
            stop.check()
