"""A lease ends exactly once, in the way that fits, on every way out."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twohop.exporter import (
    Busy,
    Cancellation,
    Cancelled,
    ExportError,
    LeaseLost,
    VCenterAddress,
    VSphere,
    WrongPowerState,
    export_vm,
)
from twohop.exporter.vsphere import _lease, _stub
from twohop.fakes import VCenter
from twohop.runtime.observing import Observations
from twohop.runtime.profiles import load_profile

VM = "DC0_C0_RP0_VM0"
CALLS = ("ExportVm", "HttpNfcLeaseProgress", "HttpNfcLeaseComplete", "HttpNfcLeaseAbort")


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter() as running:
        yield running


def address(vc: VCenter) -> VCenterAddress:
    return VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)


def calls(observations: Observations) -> list[str]:
    bodies = [exchange.request.body or "" for exchange in observations.exchanges]
    return [name for body in bodies for name in CALLS if f"<{name} " in body]


def test_what_the_lease_says(vc: VCenter) -> None:
    with VSphere(address(vc)) as vsphere, vsphere.export(vsphere.find_vm(VM)) as lease:
        [entry] = lease.entries
        assert lease.id.startswith("session[")
        assert (lease.timeout, lease.total_kib) == (300, 1 << 20)
        assert (entry.disk, entry.target_id, entry.file_size) == (True, "disk-0.vmdk", None)
        host = vc.world.host("DC0_C0_H0")
        assert entry.thumbprint == host.thumbprint and host.authority in entry.url
        assert host.authority == entry.sources[0].host
        assert "nfc" not in repr(entry)
        assert vc.world.vm(VM).leases == {lease.id}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, None])
def test_leaving_without_complete_aborts_once(vc: VCenter, error: type[BaseException] | None) -> None:
    observations = Observations(vc.clock.now)
    with VSphere(address(vc), observer=observations.observer("user")) as vsphere:
        vm = vsphere.find_vm(VM)
        if error is None:
            with vsphere.export(vm):
                pass
        else:
            with pytest.raises(error), vsphere.export(vm):
                raise error
        assert calls(observations) == ["ExportVm", "HttpNfcLeaseAbort"]
        assert not vc.world.vm(VM).leases


def test_complete_is_said_once_and_nothing_after_it(vc: VCenter) -> None:
    observations = Observations(vc.clock.now)
    with VSphere(address(vc), observer=observations.observer("user")) as vsphere:
        with vsphere.export(vsphere.find_vm(VM)) as lease:
            lease.progress(400)
            lease.complete()
            assert lease.ended
            with pytest.raises(LeaseLost, match="it has ended already"):
                lease.complete()
            assert not lease.abort("too late")
        assert calls(observations) == ["ExportVm", "HttpNfcLeaseProgress", "HttpNfcLeaseComplete"]
        assert not vc.world.vm(VM).leases


def test_a_lease_that_timed_out_cannot_be_completed_and_leaves_in_peace(vc: VCenter) -> None:
    observations = Observations(vc.clock.now)
    with VSphere(address(vc), observer=observations.observer("user")) as vsphere:
        with pytest.raises(LeaseLost, match="timed out"), vsphere.export(vsphere.find_vm(VM)) as lease:
            vc.clock.advance(301)
            lease.complete()
        assert calls(observations) == ["ExportVm", "HttpNfcLeaseComplete", "HttpNfcLeaseAbort"]


def test_a_vm_that_is_powered_on_is_not_asked_for(vc: VCenter) -> None:
    observations = Observations(vc.clock.now)
    with VSphere(address(vc), observer=observations.observer("user")) as vsphere:
        vm = vsphere.find_vm("DC0_C0_RP0_VM1")
        with pytest.raises(WrongPowerState, match="shut it down") as caught, vsphere.export(vm):
            pass
    assert caught.value.whose == "you"
    assert calls(observations) == []


def test_a_vm_that_was_powered_on_in_between(vc: VCenter) -> None:
    class Late(VSphere):
        asked = 0

        def power_state(self, vm: Any) -> str:
            self.asked += 1
            return "poweredOff" if self.asked == 1 else super().power_state(vm)

    observations = Observations(vc.clock.now)
    with Late(address(vc), observer=observations.observer("user")) as vsphere:
        vm = vsphere.find_vm("DC0_C0_RP0_VM1")
        with pytest.raises(WrongPowerState, match="InvalidPowerState"), vsphere.export(vm):
            pass
    assert calls(observations) == ["ExportVm"]


def test_a_vm_that_another_export_holds() -> None:
    profile = load_profile("vcenter-8.0").but(second_export="TaskInProgress")
    with VCenter(profile=profile) as vc, VSphere(address(vc)) as one, VSphere(address(vc)) as two:
        with one.export(one.find_vm(VM)):
            with pytest.raises(Busy, match="wait for it or cancel it"), two.export(two.find_vm(VM)):
                pass
            assert vc.world.vm(VM).leases
        assert not vc.world.vm(VM).leases


class Late(Cancellation):
    """Cancelled when it is asked for the second time."""

    asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.asked == 2:
            self.cancel()
        super().check()


def test_the_wait_for_a_lease_can_be_cancelled() -> None:
    with VCenter(profile=load_profile("vcenter-8.0").but(lease_initializing_reads=25)) as vc:
        observations = Observations(vc.clock.now)
        with VSphere(address(vc), observer=observations.observer("user")) as vsphere:
            vm = vsphere.find_vm(VM)
            with pytest.raises(Cancelled), vsphere.export(vm, cancelled=Late()):
                pass
            assert not vc.world.vm(VM).leases
        assert calls(observations) == ["ExportVm", "HttpNfcLeaseAbort"]
        waits = [body for each in observations.exchanges if "<WaitForUpdatesEx " in (body := each.request.body or "")]
        assert len(waits) == 1
        # Nobody is heard while a wait lasts.
        assert all(int(body.partition("<maxWaitSeconds>")[2].partition("<")[0]) <= 10 for body in waits)


@pytest.mark.parametrize("kind", ["status", "cut"], ids=["not carried out", "carried out, and the answer lost"])
def test_an_abort_that_is_not_answered_is_said_again(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lease, "PAUSES", (0.0, 0.0))
    args = {"status": {"status": 503}, "cut": {"after": 10}}[kind]
    fault = {"match": {"method": "HttpNfcLeaseAbort", "nth": 1}, "action": {"kind": kind, "args": args}}
    with VCenter(faults=[fault]) as vc, VSphere(address(vc)) as vsphere:
        grant = vsphere.ask(vsphere.find(VM))
        assert grant.abort("why") == "aborted" and grant.abort("why") == "gone"
        assert not vc.world.vm(VM).leases
        assert [rule["struck"] for rule in vc.faults.report()] == [1]


def test_an_abort_that_is_never_answered_is_said_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lease, "PAUSES", (0.0, 0.0))
    fault = {"match": {"method": "HttpNfcLeaseAbort"}, "action": {"kind": "status", "args": {"status": 503}}}
    with VCenter(faults=[fault]) as vc, VSphere(address(vc)) as vsphere:
        grant = vsphere.ask(vsphere.find(VM))
        with pytest.raises(ExportError, match="503"):
            grant.abort("why")
        assert [rule["struck"] for rule in vc.faults.report()] == [3]


def test_the_manifest_is_waited_for_and_the_end_is_not(
    vc: VCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake digests what it sent only when it is asked, which for a large disk takes minutes (5.5)."""
    patience: dict[str, float] = {}
    honest = http.client.HTTPConnection.request

    def request(self: Any, method: str, url: str, body: Any = None, *more: Any, **named: Any) -> None:
        text = body.decode() if isinstance(body, bytes) else body or ""
        patience.update({name: self.timeout for name in (*CALLS, "HttpNfcLeaseGetManifest") if f"<{name} " in text})
        honest(self, method, url, body, *more, **named)

    monkeypatch.setattr(http.client.HTTPConnection, "request", request)
    export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock)
    assert patience == {
        "ExportVm": _stub.PATIENCE, "HttpNfcLeaseProgress": _stub.PROMPT, "HttpNfcLeaseComplete": _stub.PROMPT,
        "HttpNfcLeaseGetManifest": _stub.DIGESTING,
    }  # fmt: skip
    assert _stub.DIGESTING >= 600
